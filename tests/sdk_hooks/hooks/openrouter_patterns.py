"""
Every way in which a host uses the openrouter client, sync and async, as functions of a client.

Each makes exactly one call and gives back what the host got, in a form that two runs can be compared by.
"""

import asyncio
from contextlib import suppress
from typing import Any

import httpx
from openrouter import OpenRouter
from openrouter.errors import OpenRouterError
from openrouter.utils import BackoffStrategy, RetryConfig
from openrouter.utils.eventstreaming import EventStream, EventStreamAsync

from tests.sdk_hooks.hooks.arrivals import cancelled_when_sent
from tests.sdk_hooks.hooks.openai_patterns import DRAW, TOOL, Pattern, plain, some_rounds, text_of

RETRIES = RetryConfig("backoff", BackoffStrategy(1, 10, 1.5, 5_000), True)
_kept: list[Any] = []


def asking(text: str = "Hello", **more: Any) -> Any:
    return {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}


def streamed(client: OpenRouter, text: str = "Hello", **more: Any) -> Any:
    return client.chat.send(**asking(text, stream=True, **more))


# -- sync -----------------------------------------------------------------------------------------------------------------


def chat(client: OpenRouter) -> Any:
    return plain(client.chat.send(**asking()))


def chat_with_tools(client: OpenRouter) -> Any:
    return plain(client.chat.send(**asking("[tools:2]", tools=[TOOL])))


def chat_with_thoughts(client: OpenRouter) -> Any:
    return plain(client.chat.send(**asking(reasoning={"effort": "low"})))


def chat_that_failed(client: OpenRouter) -> Any:
    return plain(client.chat.send(**asking("[failed]")))


def structured(client: OpenRouter) -> Any:
    schema: Any = {"type": "object", "properties": {"city": {"type": "string"}}}
    asked = asking(response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": schema}})
    return plain(client.chat.send(**asked))


def stream_to_the_end(client: OpenRouter) -> Any:
    stream = streamed(client)
    return isinstance(stream, EventStream), type(stream).__name__, text_of(stream)


def stream_of_tools(client: OpenRouter) -> Any:
    return [plain(chunk) for chunk in streamed(client, "[tools:2]", tools=[TOOL])]


def stream_of_thoughts(client: OpenRouter) -> Any:
    return [plain(chunk) for chunk in streamed(client, reasoning={"effort": "low"})]


def stream_in_with(client: OpenRouter) -> Any:
    with streamed(client) as stream:
        return text_of(stream)


def stream_by_next(client: OpenRouter) -> Any:
    stream = streamed(client)
    found = [next(stream)]
    with suppress(StopIteration):
        while True:
            found.append(next(stream))
    return text_of(found)


def stream_broken_off_and_kept(client: OpenRouter) -> Any:
    stream = streamed(client, "[words:50]")
    _kept[:] = [stream]
    for chunk in stream:
        return chunk.id
    return None


def stream_broken_off_and_read_on(client: OpenRouter) -> Any:
    stream = streamed(client)
    for chunk in stream:
        return chunk.id, text_of(stream), list(stream)
    return None


def stream_broken_off_and_deleted(client: OpenRouter) -> Any:
    stream = streamed(client, "[words:50]")
    first = next(stream).id
    del stream
    return first


def stream_never_read(client: OpenRouter) -> Any:
    streamed(client)


def stream_closed(client: OpenRouter) -> Any:
    stream = streamed(client, "[words:50]")
    # Kept: the close must end the call, not the stream's end as an object.
    _kept[:] = [stream]
    next(stream)
    stream.close()


def stream_read_after_close(client: OpenRouter) -> Any:
    stream = streamed(client, "[words:50]")
    next(stream)
    stream.close()
    return next(stream, None), list(stream)


def stream_left_when_whole(client: OpenRouter) -> Any:
    for chunk in streamed(client):
        if chunk.choices[0].finish_reason:
            return plain(chunk)
    return None


def exception_in_the_loop(client: OpenRouter) -> Any:
    for _ in streamed(client, "[words:50]"):
        raise RuntimeError("the host's own")


def error_in_the_stream(client: OpenRouter) -> Any:
    return [plain(chunk) for chunk in streamed(client, "[break:3]")]


def socket_dropped(client: OpenRouter) -> Any:
    return text_of(streamed(client, "[drop:3]"))


def rate_limited(client: OpenRouter) -> Any:
    return client.chat.send(**asking("[error:429]"))


def stream_refused(client: OpenRouter) -> Any:
    return streamed(client, "[error:500]", retries=None)


def retried(client: OpenRouter) -> Any:
    return plain(client.chat.send(**asking("[flaky:500]"), retries=RETRIES))


def timed_out(client: OpenRouter) -> Any:
    return client.chat.send(**asking("[late:5000]"), timeout_ms=50)


def wrong_argument(client: OpenRouter) -> Any:
    return client.chat.send(messages=[{"role": "nobody"}])  # pyright: ignore[reportCallIssue, reportArgumentType]


def response(client: OpenRouter) -> Any:
    return plain(client.responses.send(model="openai/o3", input="Hello", instructions="Be short"))


def response_stream(client: OpenRouter) -> Any:
    stream: Any = client.responses.send(model="openai/o3", input="Hello", reasoning={"effort": "low"}, stream=True)
    return [plain(event) for event in stream]


def response_stream_with_image(client: OpenRouter) -> Any:
    with client.responses.send(model="openai/o3", input="Draw [words:1]", tools=[DRAW], stream=True) as stream:
        return [event.type for event in stream]


def response_stream_broken(client: OpenRouter) -> Any:
    return [event.type for event in client.responses.send(model="openai/o3", input="[break:2]", stream=True)]


def beta_response_left(client: OpenRouter) -> Any:
    for event in client.beta.responses.send(model="openai/o3", input="Hello", stream=True):
        return event.type
    return None


def images(client: OpenRouter) -> Any:
    return plain(client.images.generate(model="openai/gpt-image-1", prompt="a cat", n=2))


def image_stream(client: OpenRouter) -> Any:
    return [plain(event) for event in client.images.generate(model="openai/gpt-image-1", prompt="a cat", stream=True)]


def image_stream_broken(client: OpenRouter) -> Any:
    return [plain(event) for event in client.images.generate(model="m", prompt="a cat [break:1]", stream=True)]


def embeddings(client: OpenRouter) -> Any:
    return plain(client.embeddings.generate(model="openai/embed", input=["one", "two"], encoding_format="base64"))


def speech(client: OpenRouter) -> Any:
    return client.tts.create_speech(model="openai/tts", input="Say it", voice="alloy").read()


def speech_in_pieces(client: OpenRouter) -> Any:
    return b"".join(client.tts.create_speech(model="openai/tts", input="Say it").iter_bytes())


def speech_closed(client: OpenRouter) -> Any:
    answer = client.tts.create_speech(model="openai/tts", input="Say it")
    answer.close()
    return type(answer).__name__


def transcription(client: OpenRouter) -> Any:
    audio: Any = {"data": "AAAA", "format": "wav"}
    return plain(client.stt.create_transcription(model="openai/whisper", input_audio=audio))


def transcription_of_file(client: OpenRouter) -> Any:
    file: Any = {"file_name": "a.wav", "content": b"RIFF"}
    return plain(client.stt.create_transcription_multipart(model="openai/whisper", file=file))


def rerank(client: OpenRouter) -> Any:
    return plain(client.rerank.rerank(model="cohere/rerank", query="Which?", documents=["one", "two"], top_n=1))


def video(client: OpenRouter) -> Any:
    return plain(client.video_generation.generate(model="google/veo", prompt="a film", duration=5))


def video_poll(client: OpenRouter) -> Any:
    return plain(client.video_generation.get_generation(job_id="job-1"))


def video_failed(client: OpenRouter) -> Any:
    return plain(client.video_generation.get_generation(job_id="failed-1"))


SYNC = (
    Pattern(chat, "completed"),
    Pattern(chat_with_tools, "completed"),
    Pattern(chat_with_thoughts, "completed"),
    Pattern(chat_that_failed, "error"),
    Pattern(structured, "completed"),
    Pattern(stream_to_the_end, "completed"),
    Pattern(stream_of_tools, "completed"),
    Pattern(stream_of_thoughts, "completed"),
    Pattern(stream_in_with, "completed"),
    Pattern(stream_by_next, "completed"),
    Pattern(stream_broken_off_and_kept, "aborted"),
    Pattern(stream_broken_off_and_read_on, "completed"),
    Pattern(stream_broken_off_and_deleted, "aborted"),
    Pattern(stream_never_read, "aborted"),
    Pattern(stream_closed, "aborted"),
    Pattern(stream_read_after_close, "aborted"),
    Pattern(stream_left_when_whole, "completed"),
    Pattern(exception_in_the_loop, "aborted"),
    Pattern(error_in_the_stream, "error"),
    Pattern(socket_dropped, "error"),
    Pattern(rate_limited, "error"),
    Pattern(stream_refused, "error"),
    Pattern(retried, "completed"),
    Pattern(timed_out, "error"),
    Pattern(wrong_argument, "error"),
    Pattern(response, "completed"),
    Pattern(response_stream, "completed"),
    Pattern(response_stream_with_image, "completed", also=1),
    Pattern(response_stream_broken, "error"),
    Pattern(beta_response_left, "aborted"),
    Pattern(images, "completed"),
    Pattern(image_stream, "completed"),
    Pattern(image_stream_broken, "error"),
    Pattern(embeddings, "completed"),
    Pattern(speech, "completed"),
    Pattern(speech_in_pieces, "completed"),
    Pattern(speech_closed, "aborted"),
    Pattern(transcription, "completed"),
    Pattern(transcription_of_file, "completed"),
    Pattern(rerank, "completed"),
    Pattern(video, "completed"),
    Pattern(video_poll, "completed"),
    Pattern(video_failed, "error"),
)


# -- async ----------------------------------------------------------------------------------------------------------------


async def streamed_async(client: OpenRouter, text: str = "Hello", **more: Any) -> Any:
    return await client.chat.send_async(**asking(text, stream=True, **more))


async def chat_async(client: OpenRouter) -> Any:
    return plain(await client.chat.send_async(**asking()))


async def stream_to_the_end_async(client: OpenRouter) -> Any:
    stream = await streamed_async(client)
    return isinstance(stream, EventStreamAsync), type(stream).__name__, text_of([chunk async for chunk in stream])


async def stream_in_with_async(client: OpenRouter) -> Any:
    async with await streamed_async(client) as stream:
        return text_of([chunk async for chunk in stream])


async def stream_broken_off_async(client: OpenRouter) -> Any:
    stream = await streamed_async(client, "[words:50]")
    _kept[:] = [stream]
    async for _ in stream:
        break
    await some_rounds()


async def stream_broken_off_and_read_on_async(client: OpenRouter) -> Any:
    stream = await streamed_async(client)
    async for _ in stream:
        break
    await some_rounds()
    return text_of([chunk async for chunk in stream])


async def stream_broken_off_and_deleted_async(client: OpenRouter) -> Any:
    stream = await streamed_async(client, "[words:50]")
    await anext(stream)
    del stream
    await some_rounds()


async def stream_never_read_async(client: OpenRouter) -> Any:
    await streamed_async(client)


async def stream_closed_async(client: OpenRouter) -> Any:
    stream = await streamed_async(client, "[words:50]")
    _kept[:] = [stream]
    await anext(stream)
    await stream.close()
    return await anext(stream, None)


async def task_cancelled_async(client: OpenRouter) -> Any:
    begun = asyncio.Event()

    async def work() -> None:
        async for _ in await streamed_async(client, "[words:50] [slow:50]"):
            begun.set()

    task = asyncio.ensure_future(work())
    await begun.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return task.cancelled()


async def exception_in_the_loop_async(client: OpenRouter) -> Any:
    async for _ in await streamed_async(client, "[words:50]"):
        raise RuntimeError("the host's own")


async def error_in_the_stream_async(client: OpenRouter) -> Any:
    return text_of([chunk async for chunk in await streamed_async(client, "[break:3]")])


async def socket_dropped_async(client: OpenRouter) -> Any:
    return text_of([chunk async for chunk in await streamed_async(client, "[drop:3]")])


async def rate_limited_async(client: OpenRouter) -> Any:
    return await client.chat.send_async(**asking("[error:429]"))


async def retried_async(client: OpenRouter) -> Any:
    return plain(await client.chat.send_async(**asking("[flaky:500]"), retries=RETRIES))


async def cancelled_before_the_answer_async(client: OpenRouter) -> Any:
    return await cancelled_when_sent(client.chat.send_async(**asking("[late:5000]")))


async def response_stream_async(client: OpenRouter) -> Any:
    stream: Any = await client.responses.send_async(model="openai/o3", input="Hello [words:2]", stream=True)
    return [plain(event) async for event in stream]


async def beta_response_async(client: OpenRouter) -> Any:
    return plain(await client.beta.responses.send_async(model="openai/o3", input="Hello"))


async def image_stream_async(client: OpenRouter) -> Any:
    stream: Any = await client.images.generate_async(model="m", prompt="a cat", stream=True)
    return [plain(event) async for event in stream]


async def embeddings_async(client: OpenRouter) -> Any:
    return plain(await client.embeddings.generate_async(model="openai/embed", input="one"))


async def speech_async(client: OpenRouter) -> Any:
    answer = await client.tts.create_speech_async(model="openai/tts", input="Say it")
    return await answer.aread()


async def transcription_async(client: OpenRouter) -> Any:
    audio: Any = {"data": "AAAA", "format": "wav"}
    return plain(await client.stt.create_transcription_async(model="openai/whisper", input_audio=audio))


async def rerank_async(client: OpenRouter) -> Any:
    return plain(await client.rerank.rerank_async(model="cohere/rerank", query="Which?", documents=["one"]))


async def video_poll_async(client: OpenRouter) -> Any:
    return plain(await client.video_generation.get_generation_async(job_id="job-1"))


ASYNC = (
    Pattern(chat_async, "completed"),
    Pattern(stream_to_the_end_async, "completed"),
    Pattern(stream_in_with_async, "completed"),
    Pattern(stream_broken_off_async, "aborted"),
    Pattern(stream_broken_off_and_read_on_async, "completed"),
    Pattern(stream_broken_off_and_deleted_async, "aborted"),
    Pattern(stream_never_read_async, "aborted"),
    Pattern(stream_closed_async, "aborted"),
    Pattern(task_cancelled_async, "aborted"),
    Pattern(exception_in_the_loop_async, "aborted"),
    Pattern(error_in_the_stream_async, "error"),
    Pattern(socket_dropped_async, "error"),
    Pattern(rate_limited_async, "error"),
    Pattern(retried_async, "completed"),
    Pattern(cancelled_before_the_answer_async, "aborted"),
    Pattern(response_stream_async, "completed"),
    Pattern(beta_response_async, "completed"),
    Pattern(image_stream_async, "completed"),
    Pattern(embeddings_async, "completed"),
    Pattern(speech_async, "completed"),
    Pattern(transcription_async, "completed"),
    Pattern(rerank_async, "completed"),
    Pattern(video_poll_async, "completed"),
)


# -- how the suite runs them ----------------------------------------------------------------------------------------------


def make_sync(base_url: str) -> OpenRouter:
    # A client that never speaks TLS loads no certificates; without `retries` the SDK would go on for an hour.
    http, idle = httpx.Client(verify=False), httpx.AsyncClient(verify=False)
    address = f"{base_url.removesuffix('/v1')}/api/v1"
    return OpenRouter(api_key="not-a-key", server_url=address, client=http, async_client=idle, retry_config=None)


def make_async(base_url: str) -> OpenRouter:
    client = make_sync(base_url)
    # Closed when the host leaves its `async with`, as one of the SDK's own.
    client.sdk_configuration.async_client_supplied = False
    return client


def outcome(run: Any, client: Any) -> Any:
    """What the host gets: a value, or an exception by type and message."""
    try:
        return "returned", run(client)
    except (OpenRouterError, RuntimeError, ValueError, httpx.HTTPError) as error:
        return "raised", type(error), str(error)


async def outcome_async(run: Any, client: Any) -> Any:
    try:
        return "returned", await run(client)
    except (OpenRouterError, RuntimeError, httpx.HTTPError) as error:
        return "raised", type(error), str(error)
