"""
Every way in which a host uses litellm, sync and async, as functions of the module.

Each makes exactly one call and gives back what the host got, in a form that two runs can be compared by. Needs litellm, which
can't be installed beside the SDKs of the other patterns: `make setup-litellm`.
"""

import asyncio
import gc
import os
from collections.abc import Callable
from contextlib import nullcontext, suppress
from time import monotonic, sleep
from typing import Any
from weakref import ref

# Else the import asks the network for prices.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

import litellm  # pyright: ignore[reportMissingImports]
import openai
from pydantic import BaseModel

from tests.sdk_hooks.hooks.arrivals import cancelled_when_sent
from tests.sdk_hooks.hooks.openai_patterns import DRAW, TOOL, Pattern, some_rounds

litellm.suppress_debug_info = True
MODEL = "openai/gpt-4o-mini"
_kept: list[Any] = []
_place: dict[str, Any] = {}


def asking(text: str = "Hello", **more: Any) -> Any:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], "max_retries": 0, **_place, **more}


def plain(thing: Any) -> Any:
    """What can be compared of a result: its type and its content."""
    return type(thing).__name__, thing.model_dump() if isinstance(thing, BaseModel) else thing


def text_of(chunks: Any) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def await_end_of(stream: Callable[[], Any]) -> None:
    """litellm's own logging holds a stream a little longer than the host, in threads of its own."""
    until_s = monotonic() + 20.0
    while stream() is not None and monotonic() < until_s:
        gc.collect()
        sleep(0.005)


def streamed(sdk: Any, text: str = "Hello", **more: Any) -> Any:
    return sdk.completion(**asking(text, stream=True, **more))


# -- sync -----------------------------------------------------------------------------------------------------------------


def chat(sdk: Any) -> Any:
    return plain(sdk.completion(**asking()))


def chat_by_place(sdk: Any) -> Any:
    return plain(sdk.completion(MODEL, [{"role": "user", "content": "Hello"}], **_place))


def chat_several_choices(sdk: Any) -> Any:
    return plain(sdk.completion(**asking(n=2)))


def chat_with_tools(sdk: Any) -> Any:
    return plain(sdk.completion(**asking("[tools:2]", tools=[TOOL])))


def of_anthropic(**more: Any) -> Any:
    place = {"api_base": _place["api_base"].removesuffix("/v1"), "model": "anthropic/claude-sonnet-4-5"}
    return asking(**more) | place


def chat_of_anthropic(sdk: Any) -> Any:
    return sdk.completion(**of_anthropic()).choices[0].message.content


def stream_of_anthropic(sdk: Any) -> Any:
    return text_of(sdk.completion(**of_anthropic(stream=True)))


def structured(sdk: Any) -> Any:
    schema: Any = {"type": "object", "properties": {"city": {"type": "string"}}}
    return plain(
        sdk.completion(**asking(response_format={"type": "json_schema", "json_schema": {"name": "c", "schema": schema}}))
    )


def stream_to_the_end(sdk: Any) -> Any:
    stream = streamed(sdk)
    return isinstance(stream, litellm.CustomStreamWrapper), type(stream).__name__, text_of(stream)


def stream_with_usage(sdk: Any) -> Any:
    return [getattr(chunk, "usage", None) for chunk in streamed(sdk, stream_options={"include_usage": True})]


def stream_of_tools(sdk: Any) -> Any:
    return [plain(chunk.choices[0].delta) for chunk in streamed(sdk, "[tools:2]", tools=[TOOL])]


def stream_by_next(sdk: Any) -> Any:
    stream = streamed(sdk)
    found = [next(stream)]
    with suppress(StopIteration):
        while True:
            found.append(next(stream))
    return text_of(found)


def stream_broken_off_and_kept(sdk: Any) -> Any:
    stream = streamed(sdk, "[words:50]")
    _kept[:] = [stream]
    for chunk in stream:
        return chunk.id
    return None


def stream_broken_off_and_read_on(sdk: Any) -> Any:
    stream = streamed(sdk)
    for chunk in stream:
        return chunk.id, text_of(stream), list(stream)
    return None


def stream_broken_off_and_deleted(sdk: Any) -> Any:
    stream = streamed(sdk, "[words:50]")
    first = next(stream).id
    dropped = ref(stream)
    del stream
    await_end_of(dropped)
    return first


def stream_never_read(sdk: Any) -> Any:
    await_end_of(ref(streamed(sdk)))


def stream_left_when_whole(sdk: Any) -> Any:
    for chunk in streamed(sdk):
        if chunk.choices[0].finish_reason:
            return plain(chunk.choices[0])
    return None


def exception_in_the_loop(sdk: Any) -> Any:
    for _ in streamed(sdk, "[words:50]"):
        raise RuntimeError("the host's own")


def error_in_the_stream(sdk: Any) -> Any:
    return text_of(streamed(sdk, "[break:3]"))


def socket_dropped(sdk: Any) -> Any:
    return text_of(streamed(sdk, "[drop:3]"))


def rate_limited(sdk: Any) -> Any:
    return sdk.completion(**asking("[error:429]"))


def stream_refused(sdk: Any) -> Any:
    return streamed(sdk, "[error:500]")


def retried_by_the_client(sdk: Any) -> Any:
    return plain(sdk.completion(**asking("[flaky:500]", max_retries=1)))


def retried_by_litellm(sdk: Any) -> Any:
    """Several tries, each a whole request of its own: one call all the same."""
    return sdk.completion(**asking("[error:429]", num_retries=1))


def timed_out(sdk: Any) -> Any:
    return sdk.completion(**asking("[late:400]", timeout=0.05))


def no_such_model(sdk: Any) -> Any:
    return sdk.completion(model="nobody-knows", messages=[{"role": "user", "content": "Hello"}])


def mocked(sdk: Any) -> Any:
    return sdk.completion(**asking(mock_response="So it is")).choices[0].message.content


def with_fallbacks(sdk: Any) -> Any:
    return sdk.completion(**asking(fallbacks=[MODEL]) | {"model": "openai/no-such-model"}).choices[0].message.content


def text_completion(sdk: Any) -> Any:
    return plain(sdk.text_completion(model="openai/gpt-3.5-turbo-instruct", prompt="Hello", **_place))


def text_completion_stream(sdk: Any) -> Any:
    stream = sdk.text_completion(model="openai/gpt-3.5-turbo-instruct", prompt="Hello", stream=True, **_place)
    return "".join(chunk.choices[0].text or "" for chunk in stream)


def response(sdk: Any) -> Any:
    return plain(sdk.responses(model=MODEL, input="Hello", instructions="Be short", **_place))


def response_stream(sdk: Any) -> Any:
    return [event.type for event in sdk.responses(model=MODEL, input="Hello", stream=True, **_place)]


def response_stream_left(sdk: Any) -> Any:
    for event in sdk.responses(model=MODEL, input="[words:50]", stream=True, **_place):
        return event.type
    return None


def response_stream_with_image(sdk: Any) -> Any:
    stream = sdk.responses(model=MODEL, input="Draw", tools=[DRAW], stream=True, **_place)
    return [event.type for event in stream]


def image(sdk: Any) -> Any:
    return plain(sdk.image_generation(model="openai/gpt-image-1", prompt="a cat", **_place))


def image_refused(sdk: Any) -> Any:
    return sdk.image_generation(model="openai/gpt-image-1", prompt="a cat [error:400]", **_place)


def embeddings(sdk: Any) -> Any:
    return plain(sdk.embedding(model="openai/text-embedding-3-small", input=["a", "b"], **_place))


def speech(sdk: Any) -> Any:
    return sdk.speech(model="openai/tts-1", input="Hello", voice="alloy", **_place).content


def transcription(sdk: Any) -> Any:
    return plain(sdk.transcription(model="openai/whisper-1", file=("a.wav", b"RIFF"), **_place))


def moderation(sdk: Any) -> Any:
    return plain(sdk.moderation(input="Hello", model="omni-moderation-latest", **_place))


SYNC = (
    Pattern(chat, "completed"),
    Pattern(chat_by_place, "completed"),
    Pattern(chat_several_choices, "completed"),
    Pattern(chat_with_tools, "completed"),
    Pattern(chat_of_anthropic, "completed"),
    Pattern(stream_of_anthropic, "completed"),
    Pattern(structured, "completed"),
    Pattern(stream_to_the_end, "completed"),
    Pattern(stream_with_usage, "completed"),
    Pattern(stream_of_tools, "completed"),
    Pattern(stream_by_next, "completed"),
    Pattern(stream_broken_off_and_kept, "aborted"),
    Pattern(stream_broken_off_and_read_on, "completed"),
    Pattern(stream_broken_off_and_deleted, "aborted"),
    Pattern(stream_never_read, "aborted"),
    Pattern(stream_left_when_whole, "completed"),
    Pattern(exception_in_the_loop, "aborted"),
    Pattern(error_in_the_stream, "error"),
    Pattern(socket_dropped, "error"),
    Pattern(rate_limited, "error"),
    Pattern(stream_refused, "error"),
    Pattern(retried_by_the_client, "completed"),
    Pattern(retried_by_litellm, "error"),
    Pattern(timed_out, "error"),
    Pattern(no_such_model, "error"),
    Pattern(mocked, "completed"),
    Pattern(with_fallbacks, "completed"),
    Pattern(text_completion, "completed"),
    Pattern(text_completion_stream, "completed"),
    Pattern(response, "completed"),
    Pattern(response_stream, "completed"),
    Pattern(response_stream_left, "aborted"),
    Pattern(response_stream_with_image, "completed", also=1),
    Pattern(image, "completed"),
    Pattern(image_refused, "error"),
    Pattern(embeddings, "completed"),
    Pattern(speech, "completed"),
    Pattern(transcription, "completed"),
    Pattern(moderation, "completed"),
)


# -- async ----------------------------------------------------------------------------------------------------------------


async def streamed_async(sdk: Any, text: str = "Hello", **more: Any) -> Any:
    return await sdk.acompletion(**asking(text, stream=True, **more))


async def chat_async(sdk: Any) -> Any:
    return plain(await sdk.acompletion(**asking()))


async def chat_with_tools_async(sdk: Any) -> Any:
    return plain(await sdk.acompletion(**asking("[tools:2]", tools=[TOOL])))


async def stream_to_the_end_async(sdk: Any) -> Any:
    stream = await streamed_async(sdk)
    return isinstance(stream, litellm.CustomStreamWrapper), type(stream).__name__, text_of([chunk async for chunk in stream])


async def stream_by_anext_async(sdk: Any) -> Any:
    stream = await streamed_async(sdk)
    found = [await anext(stream)]
    with suppress(StopAsyncIteration):
        while True:
            found.append(await anext(stream))
    return text_of(found)


async def stream_broken_off_async(sdk: Any) -> Any:
    stream = await streamed_async(sdk, "[words:50]")
    _kept[:] = [stream]
    async for _ in stream:
        break
    # The event loop finalises a dropped async generator in its next round.
    await some_rounds()


async def stream_broken_off_and_deleted_async(sdk: Any) -> Any:
    stream = await streamed_async(sdk, "[words:50]")
    await anext(stream)
    dropped = ref(stream)
    del stream
    await_end_of(dropped)


async def stream_never_read_async(sdk: Any) -> Any:
    await_end_of(ref(await streamed_async(sdk)))


async def stream_closed_async(sdk: Any) -> Any:
    stream = await streamed_async(sdk, "[words:50]")
    _kept[:] = [stream]
    await anext(stream)
    await stream.aclose()


async def task_cancelled_async(sdk: Any) -> Any:
    begun = asyncio.Event()

    async def work() -> None:
        async for _ in await streamed_async(sdk, "[words:50] [slow:50]"):
            begun.set()

    task = asyncio.ensure_future(work())
    await begun.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return task.cancelled()


async def call_cancelled_async(sdk: Any) -> Any:
    return await cancelled_when_sent(sdk.acompletion(**asking("[late:5000]")))


async def exception_in_the_loop_async(sdk: Any) -> Any:
    async for _ in await streamed_async(sdk, "[words:50]"):
        raise RuntimeError("the host's own")


async def error_in_the_stream_async(sdk: Any) -> Any:
    return text_of([chunk async for chunk in await streamed_async(sdk, "[break:3]")])


async def socket_dropped_async(sdk: Any) -> Any:
    return text_of([chunk async for chunk in await streamed_async(sdk, "[drop:3]")])


async def rate_limited_async(sdk: Any) -> Any:
    return await sdk.acompletion(**asking("[error:429]"))


async def retried_by_litellm_async(sdk: Any) -> Any:
    return await sdk.acompletion(**asking("[error:500]", num_retries=1))


async def text_completion_async(sdk: Any) -> Any:
    return plain(await sdk.atext_completion(model="openai/gpt-3.5-turbo-instruct", prompt="Hello", **_place))


async def response_async(sdk: Any) -> Any:
    return plain(await sdk.aresponses(model=MODEL, input="Hello", **_place))


async def response_stream_async(sdk: Any) -> Any:
    return [event.type async for event in await sdk.aresponses(model=MODEL, input="Hello", stream=True, **_place)]


async def routed_async(sdk: Any) -> Any:
    """A Router calls litellm's functions: whichever deployment it takes, it is recorded."""
    deployment = {"model": MODEL, **_place}
    router = sdk.Router(model_list=[{"model_name": "fast", "litellm_params": deployment}], num_retries=0)
    answer = await router.acompletion(model="fast", messages=[{"role": "user", "content": "Hello"}])
    return answer.choices[0].message.content


async def image_async(sdk: Any) -> Any:
    return plain(await sdk.aimage_generation(model="openai/gpt-image-1", prompt="a cat", **_place))


async def embeddings_async(sdk: Any) -> Any:
    return plain(await sdk.aembedding(model="openai/text-embedding-3-small", input="a", **_place))


async def speech_async(sdk: Any) -> Any:
    return (await sdk.aspeech(model="openai/tts-1", input="Hello", voice="alloy", **_place)).content


async def transcription_async(sdk: Any) -> Any:
    return plain(await sdk.atranscription(model="openai/whisper-1", file=("a.wav", b"RIFF"), **_place))


ASYNC = (
    Pattern(chat_async, "completed"),
    Pattern(chat_with_tools_async, "completed"),
    Pattern(stream_to_the_end_async, "completed"),
    Pattern(stream_by_anext_async, "completed"),
    Pattern(stream_broken_off_async, "aborted"),
    Pattern(stream_broken_off_and_deleted_async, "aborted"),
    Pattern(stream_never_read_async, "aborted"),
    Pattern(stream_closed_async, "aborted"),
    Pattern(task_cancelled_async, "aborted"),
    Pattern(call_cancelled_async, "aborted"),
    Pattern(exception_in_the_loop_async, "aborted"),
    Pattern(error_in_the_stream_async, "error"),
    Pattern(socket_dropped_async, "error"),
    Pattern(rate_limited_async, "error"),
    Pattern(retried_by_litellm_async, "error"),
    Pattern(text_completion_async, "completed"),
    Pattern(response_async, "completed"),
    Pattern(response_stream_async, "completed"),
    Pattern(routed_async, "completed"),
    Pattern(image_async, "completed"),
    Pattern(embeddings_async, "completed"),
    Pattern(speech_async, "completed"),
    Pattern(transcription_async, "completed"),
)


# -- how the suite runs them ----------------------------------------------------------------------------------------------


def make_sync(base_url: str) -> Any:
    _place.update(api_base=base_url, api_key="not-a-key")
    return litellm


make_async = make_sync


def opened(sdk: Any) -> Any:
    """A module is not opened and closed."""
    return nullcontext(sdk)


def outcome(run: Callable[[Any], Any], sdk: Any) -> Any:
    """What the host gets: a value, or an exception by type and message."""
    try:
        return "returned", run(sdk)
    except (openai.OpenAIError, RuntimeError) as error:
        return "raised", type(error), str(error)


async def outcome_async(run: Callable[[Any], Any], sdk: Any) -> Any:
    try:
        return "returned", await run(sdk)
    except (openai.OpenAIError, RuntimeError) as error:
        return "raised", type(error), str(error)
