"""
Every way in which a host uses the anthropic client, sync and async, as functions of a client.

Each makes exactly one call and gives back what the host got, in a form that two runs can be compared by.
"""

import asyncio
import gc
from contextlib import suppress
from typing import Any

from anthropic import (
    Anthropic,
    APIError,
    AsyncAnthropic,
    AsyncStream,
    DefaultAsyncHttpxClient,
    DefaultHttpxClient,
    Stream,
)
from httpx2 import RemoteProtocolError

from tests.sdk_hooks.hooks.openai_patterns import City, Pattern, plain, some_rounds

MODEL = "claude-sonnet-4-5"
TOOL: Any = {"name": "look_up", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
_kept: list[Any] = []


def asking(text: str = "Hello", **more: Any) -> Any:
    return {"model": MODEL, "max_tokens": 2048, "messages": [{"role": "user", "content": text}], **more}


def text_of(events: Any) -> str:
    deltas = (event.delta for event in events if event.type == "content_block_delta")
    return "".join(delta.text for delta in deltas if delta.type == "text_delta")


# -- sync -----------------------------------------------------------------------------------------------------------------


def message(client: Anthropic) -> Any:
    return plain(client.messages.create(**asking(system="Be short")))


def message_with_tools(client: Anthropic) -> Any:
    return plain(client.messages.create(**asking("[tools:2]", tools=[TOOL])))


def message_with_thoughts(client: Anthropic) -> Any:
    return plain(client.messages.create(**asking(thinking={"type": "enabled", "budget_tokens": 1024})))


def beta(client: Anthropic) -> Any:
    return plain(client.beta.messages.create(**asking(), betas=["context-1m-2025-08-07"]))


def structured(client: Anthropic) -> Any:
    return plain(client.messages.parse(**asking(), output_format=City))


def stream_to_the_end(client: Anthropic) -> Any:
    stream = client.messages.create(**asking(), stream=True)
    return isinstance(stream, Stream), type(stream).__name__, text_of(stream)


def stream_of_tools(client: Anthropic) -> Any:
    return [plain(event) for event in client.messages.create(**asking("[tools:2]", tools=[TOOL]), stream=True)]


def stream_of_thoughts(client: Anthropic) -> Any:
    asked = asking(thinking={"type": "enabled", "budget_tokens": 1024})
    return [plain(event) for event in client.messages.create(**asked, stream=True)]


def stream_in_with(client: Anthropic) -> Any:
    with client.messages.create(**asking(), stream=True) as stream:
        return text_of(stream)


def stream_by_next(client: Anthropic) -> Any:
    stream = client.messages.create(**asking(), stream=True)
    found = [next(stream)]
    with suppress(StopIteration):
        while True:
            found.append(next(stream))
    return text_of(found)


def stream_broken_off_and_kept(client: Anthropic) -> Any:
    stream = client.messages.create(**asking("[words:50]"), stream=True)
    _kept[:] = [stream]
    for event in stream:
        if event.type == "content_block_delta":
            return plain(event)
    return None


def stream_broken_off_and_deleted(client: Anthropic) -> Any:
    stream = client.messages.create(**asking("[words:50]"), stream=True)
    first = next(stream).type
    del stream
    gc.collect()
    return first


def stream_never_read(client: Anthropic) -> Any:
    client.messages.create(**asking(), stream=True)
    gc.collect()


def stream_closed(client: Anthropic) -> Any:
    stream = client.messages.create(**asking("[words:50]"), stream=True)
    next(stream)
    stream.close()


def stream_left_when_whole(client: Anthropic) -> Any:
    for event in client.messages.create(**asking(), stream=True):
        if event.type == "message_delta":
            return plain(event)
    return None


def exception_in_the_loop(client: Anthropic) -> Any:
    for _ in client.messages.create(**asking("[words:50]"), stream=True):
        raise RuntimeError("the host's own")


def error_in_the_stream(client: Anthropic) -> Any:
    return text_of(client.messages.create(**asking("[break:3]"), stream=True))


def socket_dropped(client: Anthropic) -> Any:
    return text_of(client.messages.create(**asking("[drop:3]"), stream=True))


def rate_limited(client: Anthropic) -> Any:
    return client.messages.create(**asking("[error:429]"))


def retried(client: Anthropic) -> Any:
    return plain(client.messages.create(**asking("[flaky:500]")))


def timed_out(client: Anthropic) -> Any:
    return client.with_options(timeout=0.05, max_retries=0).messages.create(**asking("[late:5000]"))


def raw(client: Anthropic) -> Any:
    response = client.messages.with_raw_response.create(**asking())
    assert response.parse() is response.parse()
    return response.status_code, plain(response.parse())


def raw_unparsed(client: Anthropic) -> Any:
    return client.messages.with_raw_response.create(**asking("[tools:1]", tools=[TOOL])).text()


def raw_stream(client: Anthropic) -> Any:
    stream = client.messages.with_raw_response.create(**asking(), stream=True).parse()
    return isinstance(stream, Stream), text_of(stream)


def streaming_response(client: Anthropic) -> Any:
    with client.messages.with_streaming_response.create(**asking()) as response:
        return type(response).__name__, plain(response.parse())


def streaming_response_lines(client: Anthropic) -> Any:
    with client.messages.with_streaming_response.create(**asking(), stream=True) as response:
        return list(response.iter_lines())


def streaming_response_left(client: Anthropic) -> Any:
    with client.messages.with_streaming_response.create(**asking("[words:50]"), stream=True) as response:
        return next(iter(response.iter_lines()))


def helper_to_the_end(client: Anthropic) -> Any:
    with client.messages.stream(**asking()) as stream:
        return list(stream.text_stream), plain(stream.get_final_message())


def helper_left(client: Anthropic) -> Any:
    with client.messages.stream(**asking("[words:50]")) as stream:
        return next(iter(stream)).type


def copied(client: Anthropic) -> Any:
    return plain(client.copy().with_options(max_retries=1).messages.create(**asking()))


SYNC = (
    Pattern(message, "completed"),
    Pattern(message_with_tools, "completed"),
    Pattern(message_with_thoughts, "completed"),
    Pattern(beta, "completed"),
    Pattern(structured, "completed"),
    Pattern(stream_to_the_end, "completed"),
    Pattern(stream_of_tools, "completed"),
    Pattern(stream_of_thoughts, "completed"),
    Pattern(stream_in_with, "completed"),
    Pattern(stream_by_next, "completed"),
    Pattern(stream_broken_off_and_kept, "aborted"),
    Pattern(stream_broken_off_and_deleted, "aborted"),
    Pattern(stream_never_read, "aborted"),
    Pattern(stream_closed, "aborted"),
    Pattern(stream_left_when_whole, "completed"),
    Pattern(exception_in_the_loop, "aborted"),
    Pattern(error_in_the_stream, "error"),
    Pattern(socket_dropped, "error"),
    Pattern(rate_limited, "error"),
    Pattern(retried, "completed"),
    Pattern(timed_out, "error"),
    Pattern(raw, "completed"),
    Pattern(raw_unparsed, "completed"),
    Pattern(raw_stream, "completed"),
    Pattern(streaming_response, "completed"),
    Pattern(streaming_response_lines, "completed"),
    Pattern(streaming_response_left, "aborted"),
    Pattern(helper_to_the_end, "completed"),
    Pattern(helper_left, "aborted"),
    Pattern(copied, "completed"),
)


# -- async ----------------------------------------------------------------------------------------------------------------


async def message_async(client: AsyncAnthropic) -> Any:
    return plain(await client.messages.create(**asking()))


async def stream_to_the_end_async(client: AsyncAnthropic) -> Any:
    stream = await client.messages.create(**asking(), stream=True)
    return isinstance(stream, AsyncStream), type(stream).__name__, text_of([event async for event in stream])


async def stream_in_with_async(client: AsyncAnthropic) -> Any:
    async with await client.messages.create(**asking(), stream=True) as stream:
        return text_of([event async for event in stream])


async def stream_broken_off_async(client: AsyncAnthropic) -> Any:
    stream = await client.messages.create(**asking("[words:50]"), stream=True)
    _kept[:] = [stream]
    async for event in stream:
        if event.type == "content_block_delta":
            break
    await some_rounds()


async def stream_never_read_async(client: AsyncAnthropic) -> Any:
    await client.messages.create(**asking(), stream=True)
    gc.collect()


async def stream_closed_async(client: AsyncAnthropic) -> Any:
    stream = await client.messages.create(**asking("[words:50]"), stream=True)
    await anext(stream)
    await stream.close()


async def task_cancelled_async(client: AsyncAnthropic) -> Any:
    begun = asyncio.Event()

    async def work() -> None:
        async for _ in await client.messages.create(**asking("[words:50] [slow:50]"), stream=True):
            begun.set()

    task = asyncio.ensure_future(work())
    await begun.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return task.cancelled()


async def error_in_the_stream_async(client: AsyncAnthropic) -> Any:
    return text_of([event async for event in await client.messages.create(**asking("[break:3]"), stream=True)])


async def raw_stream_async(client: AsyncAnthropic) -> Any:
    response = await client.messages.with_raw_response.create(**asking(), stream=True)
    return text_of([event async for event in await response.parse()])


async def helper_to_the_end_async(client: AsyncAnthropic) -> Any:
    async with client.messages.stream(**asking()) as stream:
        return [text async for text in stream.text_stream], plain(await stream.get_final_message())


async def helper_left_async(client: AsyncAnthropic) -> Any:
    async with client.messages.stream(**asking("[words:50]")) as stream:
        return (await anext(aiter(stream))).type


ASYNC = (
    Pattern(message_async, "completed"),
    Pattern(stream_to_the_end_async, "completed"),
    Pattern(stream_in_with_async, "completed"),
    Pattern(stream_broken_off_async, "aborted"),
    Pattern(stream_never_read_async, "aborted"),
    Pattern(stream_closed_async, "aborted"),
    Pattern(task_cancelled_async, "aborted"),
    Pattern(error_in_the_stream_async, "error"),
    Pattern(raw_stream_async, "completed"),
    Pattern(helper_to_the_end_async, "completed"),
    Pattern(helper_left_async, "aborted"),
)


# -- how the suite runs them ----------------------------------------------------------------------------------------------


def make_sync(base_url: str) -> Anthropic:
    # Loading certificates would take most of a test's time.
    http = DefaultHttpxClient(verify=False)
    return Anthropic(base_url=base_url.removesuffix("/v1"), api_key="not-a-key", max_retries=2, http_client=http)


def make_async(base_url: str) -> AsyncAnthropic:
    http = DefaultAsyncHttpxClient(verify=False)
    return AsyncAnthropic(base_url=base_url.removesuffix("/v1"), api_key="not-a-key", max_retries=2, http_client=http)


def outcome(run: Any, client: Any) -> Any:
    """What the host gets: a value, or an exception by type and message."""
    try:
        return "returned", run(client)
    except (APIError, RuntimeError, RemoteProtocolError) as error:
        return "raised", type(error), str(error)


async def outcome_async(run: Any, client: Any) -> Any:
    try:
        return "returned", await run(client)
    except (APIError, RuntimeError, RemoteProtocolError) as error:
        return "raised", type(error), str(error)
