"""
The call patterns of the async openai client.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from openai import APIError, AsyncOpenAI, AsyncStream, DefaultAsyncHttpxClient

from tests.sdk_hooks.hooks.arrivals import cancelled_when_sent
from tests.sdk_hooks.hooks.openai_patterns import DRAW, MODEL, TOOL, City, Pattern, asking, plain, some_rounds, text_of

_kept: list[Any] = []


async def read(stream: Any) -> str:
    return text_of([chunk async for chunk in stream])


async def chat_async(client: AsyncOpenAI) -> Any:
    return plain(await client.chat.completions.create(**asking()))


async def stream_to_the_end_async(client: AsyncOpenAI) -> Any:
    stream = await client.chat.completions.create(**asking(), stream=True)
    return isinstance(stream, AsyncStream), type(stream).__name__, await read(stream)


async def stream_in_with_async(client: AsyncOpenAI) -> Any:
    async with await client.chat.completions.create(**asking(), stream=True) as stream:
        return await read(stream)


async def stream_by_anext_async(client: AsyncOpenAI) -> Any:
    stream = await client.chat.completions.create(**asking(), stream=True)
    found = [await anext(stream)]
    with suppress(StopAsyncIteration):
        while True:
            found.append(await anext(stream))
    return text_of(found)


async def stream_broken_off_and_kept_async(client: AsyncOpenAI) -> Any:
    stream = await client.chat.completions.create(**asking("[words:50]"), stream=True)
    _kept[:] = [stream]
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await some_rounds()


async def stream_never_read_async(client: AsyncOpenAI) -> Any:
    await client.chat.completions.create(**asking(), stream=True)
    gc.collect()


async def stream_closed_async(client: AsyncOpenAI) -> Any:
    stream = await client.chat.completions.create(**asking("[words:50]"), stream=True)
    await anext(stream)
    await stream.close()


async def task_cancelled_async(client: AsyncOpenAI) -> Any:
    begun = asyncio.Event()

    async def work() -> None:
        async for _ in await client.chat.completions.create(**asking("[words:50] [slow:50]"), stream=True):
            begun.set()

    task = asyncio.ensure_future(work())
    await begun.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return task.cancelled()


async def call_cancelled_async(client: AsyncOpenAI) -> Any:
    return await cancelled_when_sent(client.chat.completions.create(**asking("[late:5000]")))


async def exception_in_the_loop_async(client: AsyncOpenAI) -> Any:
    stream = await client.chat.completions.create(**asking("[words:50]"), stream=True)
    try:
        async for _ in stream:
            raise RuntimeError("the host's own")
    finally:
        await stream.close()


async def error_in_the_stream_async(client: AsyncOpenAI) -> Any:
    return await read(await client.chat.completions.create(**asking("[break:3]"), stream=True))


async def socket_dropped_async(client: AsyncOpenAI) -> Any:
    return await read(await client.chat.completions.create(**asking("[drop:3]"), stream=True))


async def rate_limited_async(client: AsyncOpenAI) -> Any:
    return await client.chat.completions.create(**asking("[error:429]"))


async def retried_async(client: AsyncOpenAI) -> Any:
    return plain(await client.chat.completions.create(**asking("[flaky:429]")))


async def timed_out_async(client: AsyncOpenAI) -> Any:
    return await client.with_options(timeout=0.05, max_retries=0).chat.completions.create(**asking("[late:5000]"))


async def raw_async(client: AsyncOpenAI) -> Any:
    answer = await client.chat.completions.with_raw_response.create(**asking())
    return plain(answer.parse())


async def raw_stream_async(client: AsyncOpenAI) -> Any:
    answer = await client.chat.completions.with_raw_response.create(**asking(), stream=True)
    return await read(answer.parse())


async def streaming_response_async(client: AsyncOpenAI) -> Any:
    async with client.chat.completions.with_streaming_response.create(**asking()) as answer:
        return plain(await answer.parse())


async def streaming_response_stream_async(client: AsyncOpenAI) -> Any:
    async with client.chat.completions.with_streaming_response.create(**asking(), stream=True) as answer:
        return await read(await answer.parse())


async def streaming_response_lines_async(client: AsyncOpenAI) -> Any:
    async with client.chat.completions.with_streaming_response.create(**asking(), stream=True) as answer:
        return [line async for line in answer.iter_lines()]


async def structured_async(client: AsyncOpenAI) -> Any:
    return plain(await client.chat.completions.parse(**asking(), response_format=City))


async def helper_to_the_end_async(client: AsyncOpenAI) -> Any:
    async with client.chat.completions.stream(**asking()) as stream:
        return [event.type async for event in stream]


async def helper_left_async(client: AsyncOpenAI) -> Any:
    async with client.chat.completions.stream(**asking("[words:50]")) as stream:
        return (await anext(stream)).type


async def with_options_async(client: AsyncOpenAI) -> Any:
    return plain(await client.with_options(max_retries=1).chat.completions.create(**asking()))


async def response_stream_with_an_image_async(client: AsyncOpenAI) -> Any:
    stream = await client.responses.create(model=MODEL, input="Draw", tools=[DRAW], stream=True)
    return [event.type async for event in stream]


async def image_async(client: AsyncOpenAI) -> Any:
    return plain(await client.images.generate(model="gpt-image-1", prompt="a cat"))


async def embeddings_async(client: AsyncOpenAI) -> Any:
    return plain(await client.embeddings.create(model="text-embedding-3-small", input="a"))


async def speech_async(client: AsyncOpenAI) -> Any:
    return (await client.audio.speech.create(model="tts-1", input="Hello", voice="alloy")).content


async def stream_broken_off_and_deleted_async(client: AsyncOpenAI) -> Any:
    stream = await client.chat.completions.create(**asking("[words:50]"), stream=True)
    first = (await anext(stream)).id
    del stream
    await some_rounds()
    return first


async def stream_read_after_close_async(client: AsyncOpenAI) -> Any:
    stream = await client.chat.completions.create(**asking("[words:5000]"), stream=True)
    await anext(stream)
    await stream.close()
    for _ in range(5001):
        await anext(stream)


async def tools_in_a_stream_async(client: AsyncOpenAI) -> Any:
    stream = await client.chat.completions.create(**asking("[tools:2]"), tools=[TOOL], stream=True)
    return [plain(chunk) async for chunk in stream]


async def copied_async(client: AsyncOpenAI) -> Any:
    return plain(await client.copy().chat.completions.create(**asking()))


async def image_partials_async(client: AsyncOpenAI) -> Any:
    stream = await client.images.generate(model="gpt-image-1", prompt="a cat", stream=True, partial_images=2)
    return [event.type async for event in stream]


async def transcription_async(client: AsyncOpenAI) -> Any:
    return plain(await client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"RIFF")))


async def moderation_async(client: AsyncOpenAI) -> Any:
    return plain(await client.moderations.create(input="Hello"))


async def text_completion_stream_async(client: AsyncOpenAI) -> Any:
    stream = await client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Hello", stream=True)
    return [plain(chunk) async for chunk in stream]


async def video_async(client: AsyncOpenAI) -> Any:
    return plain(await client.videos.create(model="sora-2", prompt="a film"))


async def video_failed_in_poll_async(client: AsyncOpenAI) -> Any:
    return plain(await client.videos.poll("failed-1", poll_interval_ms=1))


async def video_content_async(client: AsyncOpenAI) -> Any:
    return (await client.videos.download_content("job-1")).content


ASYNC = (
    Pattern(chat_async, "completed"),
    Pattern(stream_to_the_end_async, "completed"),
    Pattern(stream_in_with_async, "completed"),
    Pattern(stream_by_anext_async, "completed"),
    Pattern(stream_broken_off_and_kept_async, "aborted"),
    Pattern(stream_never_read_async, "aborted"),
    Pattern(stream_closed_async, "aborted"),
    Pattern(task_cancelled_async, "aborted"),
    Pattern(call_cancelled_async, "aborted"),
    Pattern(exception_in_the_loop_async, "aborted"),
    Pattern(error_in_the_stream_async, "error"),
    Pattern(socket_dropped_async, "error"),
    Pattern(rate_limited_async, "error"),
    Pattern(retried_async, "completed"),
    Pattern(timed_out_async, "error"),
    Pattern(raw_async, "completed"),
    Pattern(raw_stream_async, "completed"),
    Pattern(streaming_response_async, "completed"),
    Pattern(streaming_response_stream_async, "completed"),
    Pattern(streaming_response_lines_async, "completed"),
    Pattern(structured_async, "completed"),
    Pattern(helper_to_the_end_async, "completed"),
    Pattern(helper_left_async, "aborted"),
    Pattern(with_options_async, "completed"),
    Pattern(response_stream_with_an_image_async, "completed", also=1),
    Pattern(image_async, "completed"),
    Pattern(embeddings_async, "completed"),
    Pattern(speech_async, "completed"),
    Pattern(stream_broken_off_and_deleted_async, "aborted"),
    Pattern(stream_read_after_close_async, "aborted"),
    Pattern(tools_in_a_stream_async, "completed"),
    Pattern(copied_async, "completed"),
    Pattern(image_partials_async, "completed"),
    Pattern(transcription_async, "completed"),
    Pattern(moderation_async, "completed"),
    Pattern(text_completion_stream_async, "completed"),
    Pattern(video_async, "completed"),
    Pattern(video_failed_in_poll_async, "error"),
    Pattern(video_content_async, "completed"),
)


def make_async(base_url: str) -> AsyncOpenAI:
    http = DefaultAsyncHttpxClient(verify=False)
    return AsyncOpenAI(base_url=base_url, api_key="not-a-key", max_retries=1, http_client=http)


async def outcome_async(run: Callable[[Any], Awaitable[Any]], client: Any) -> Any:
    try:
        return "returned", await run(client)
    except (APIError, RuntimeError) as error:
        return "raised", type(error), str(error)
