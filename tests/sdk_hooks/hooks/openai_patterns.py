"""
Every way in which a host uses the openai client, as functions of a client; the async ones are in `openai_patterns_async`.

Each makes exactly one call and gives back what the host got, in a form that two runs can be compared by.
"""

import asyncio
import gc
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from openai import APIError, DefaultHttpxClient, OpenAI, Stream
from pydantic import BaseModel

Make = Callable[[str], Any]


class Pattern(NamedTuple):
    """`ends`: completed, error or aborted. `also`: calls made inside the call, like an image."""

    run: Callable[[Any], Any]
    ends: str
    also: int = 0

    @property
    def name(self) -> str:
        return self.run.__name__


class City(BaseModel):
    city: str
    size: int


MODEL = "gpt-4o-mini"
TOOL: Any = {
    "type": "function",
    "function": {"name": "look_up", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
DRAW: Any = {"type": "image_generation"}


def asking(text: str = "Hello") -> Any:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}]}


def plain(thing: Any) -> Any:
    """What can be compared of a result: its type and its content."""
    return type(thing).__name__, thing.model_dump() if isinstance(thing, BaseModel) else thing


def text_of(chunks: Any) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


async def some_rounds() -> None:
    """Let the event loop go on, which finalises in its next rounds what was dropped: rounds, because a time may be one round."""
    for _ in range(20):
        await asyncio.sleep(0)


# -- sync -----------------------------------------------------------------------------------------------------------------


def chat(client: OpenAI) -> Any:
    return plain(client.chat.completions.create(**asking()))


def chat_several_choices(client: OpenAI) -> Any:
    return plain(client.chat.completions.create(**asking(), n=2))


def stream_to_the_end(client: OpenAI) -> Any:
    stream = client.chat.completions.create(**asking(), stream=True, stream_options={"include_usage": True})
    return isinstance(stream, Stream), type(stream).__name__, text_of(stream)


def stream_in_with(client: OpenAI) -> Any:
    with client.chat.completions.create(**asking(), stream=True) as stream:
        return text_of(stream)


def stream_by_next(client: OpenAI) -> Any:
    stream = client.chat.completions.create(**asking(), stream=True)
    found = [next(stream)]
    with suppress(StopIteration):
        while True:
            found.append(next(stream))
    return text_of(found)


_kept: list[Any] = []


def stream_broken_off_and_kept(client: OpenAI) -> Any:
    stream = client.chat.completions.create(**asking("[words:50]"), stream=True)
    _kept[:] = [stream]
    for chunk in stream:
        if chunk.choices[0].delta.content:
            return chunk.choices[0].delta.content
    return None


def stream_broken_off_and_deleted(client: OpenAI) -> Any:
    stream = client.chat.completions.create(**asking("[words:50]"), stream=True)
    first = next(stream).id
    del stream
    gc.collect()
    return first


def stream_never_read(client: OpenAI) -> Any:
    client.chat.completions.create(**asking(), stream=True)
    gc.collect()


def stream_closed(client: OpenAI) -> Any:
    stream = client.chat.completions.create(**asking("[words:50]"), stream=True)
    next(stream)
    stream.close()


def stream_read_after_close(client: OpenAI) -> Any:
    stream = client.chat.completions.create(**asking("[words:5000]"), stream=True)
    next(stream)
    stream.close()
    for _ in range(5001):
        next(stream)


def exception_in_the_loop(client: OpenAI) -> Any:
    for _ in client.chat.completions.create(**asking("[words:50]"), stream=True):
        raise RuntimeError("the host's own")


def error_in_the_stream(client: OpenAI) -> Any:
    return text_of(client.chat.completions.create(**asking("[break:3]"), stream=True))


def socket_dropped(client: OpenAI) -> Any:
    return text_of(client.chat.completions.create(**asking("[drop:3]"), stream=True))


def finished_with_error(client: OpenAI) -> Any:
    return text_of(client.chat.completions.create(**asking("[failed]"), stream=True))


def rate_limited(client: OpenAI) -> Any:
    return client.chat.completions.create(**asking("[error:429]"))


def retried(client: OpenAI) -> Any:
    return plain(client.chat.completions.create(**asking("[flaky:500]")))


def retries_used_up(client: OpenAI) -> Any:
    return client.chat.completions.create(**asking("[error:500]"))


def timed_out(client: OpenAI) -> Any:
    return client.with_options(timeout=0.05, max_retries=0).chat.completions.create(**asking("[late:5000]"))


def raw(client: OpenAI) -> Any:
    response = client.chat.completions.with_raw_response.create(**asking())
    assert response.parse() is response.parse()
    return response.headers["x-request-id"], response.status_code, plain(response.parse())


def raw_unparsed(client: OpenAI) -> Any:
    return client.chat.completions.with_raw_response.create(**asking()).text


def raw_stream(client: OpenAI) -> Any:
    response = client.chat.completions.with_raw_response.create(**asking(), stream=True)
    stream = response.parse()
    assert stream is response.parse()
    return isinstance(stream, Stream), text_of(stream)


def streaming_response(client: OpenAI) -> Any:
    with client.chat.completions.with_streaming_response.create(**asking()) as response:
        return type(response).__name__, plain(response.parse())


def streaming_response_lines(client: OpenAI) -> Any:
    with client.chat.completions.with_streaming_response.create(**asking(), stream=True) as response:
        return list(response.iter_lines())


def streaming_response_left(client: OpenAI) -> Any:
    with client.chat.completions.with_streaming_response.create(**asking("[words:50]"), stream=True) as response:
        return next(iter(response.iter_lines()))


def structured(client: OpenAI) -> Any:
    return plain(client.chat.completions.parse(**asking(), response_format=City))


def helper_to_the_end(client: OpenAI) -> Any:
    with client.chat.completions.stream(**asking()) as stream:
        return [event.type for event in stream], plain(stream.get_final_completion())


def helper_left(client: OpenAI) -> Any:
    with client.chat.completions.stream(**asking("[words:50]")) as stream:
        return next(iter(stream)).type


def with_options(client: OpenAI) -> Any:
    return plain(client.with_options(max_retries=1).with_options(timeout=9).chat.completions.create(**asking()))


def copied(client: OpenAI) -> Any:
    return plain(client.copy().chat.completions.create(**asking()))


def tools_in_a_stream(client: OpenAI) -> Any:
    return [plain(chunk) for chunk in client.chat.completions.create(**asking("[tools:2]"), tools=[TOOL], stream=True)]


def tools_with_one_index(client: OpenAI) -> Any:
    asked = asking("[tools:2] [same-index]")
    return [plain(chunk) for chunk in client.chat.completions.create(**asked, tools=[TOOL], stream=True)]


def response(client: OpenAI) -> Any:
    return plain(client.responses.create(model=MODEL, input="Hello"))


def response_stream(client: OpenAI) -> Any:
    return [event.type for event in client.responses.create(model=MODEL, input="Hello", stream=True)]


def response_left_when_whole(client: OpenAI) -> Any:
    for event in client.responses.create(model=MODEL, input="Hello", stream=True):
        if event.type == "response.completed":
            return plain(event)
    return None


def response_helper_left(client: OpenAI) -> Any:
    with client.responses.stream(model=MODEL, input="[words:50]") as stream:
        return next(iter(stream)).type


def response_structured(client: OpenAI) -> Any:
    return plain(client.responses.parse(model=MODEL, input="Hello", text_format=City))


def response_with_an_image(client: OpenAI) -> Any:
    return plain(client.responses.create(model=MODEL, input="Draw", tools=[DRAW]))


def response_stream_with_an_image(client: OpenAI) -> Any:
    return [event.type for event in client.responses.create(model=MODEL, input="Draw", tools=[DRAW], stream=True)]


def response_failed(client: OpenAI) -> Any:
    return plain(client.responses.create(model=MODEL, input="[failed]"))


def response_stream_failed(client: OpenAI) -> Any:
    return [event.type for event in client.responses.create(model=MODEL, input="[failed]", stream=True)]


def image(client: OpenAI) -> Any:
    return plain(client.images.generate(model="gpt-image-1", prompt="a cat"))


def image_url(client: OpenAI) -> Any:
    return plain(client.images.generate(model="dall-e-3", prompt="a cat", response_format="url"))


def image_partials(client: OpenAI) -> Any:
    return [event.type for event in client.images.generate(model="gpt-image-1", prompt="a cat", stream=True, partial_images=2)]


def image_edit(client: OpenAI) -> Any:
    return plain(client.images.edit(model="gpt-image-1", prompt="a cat", image=b"\x89PNG"))


def embeddings(client: OpenAI) -> Any:
    return plain(client.embeddings.create(model="text-embedding-3-small", input=["a", "b"]))


def speech(client: OpenAI) -> Any:
    return client.audio.speech.create(model="tts-1", input="Hello", voice="alloy").content


def speech_streamed(client: OpenAI) -> Any:
    with client.audio.speech.with_streaming_response.create(model="tts-1", input="Hello", voice="alloy") as answer:
        return b"".join(answer.iter_bytes())


def transcription(client: OpenAI) -> Any:
    return plain(client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"RIFF")))


def translation(client: OpenAI) -> Any:
    return plain(client.audio.translations.create(model="whisper-1", file=("a.wav", b"RIFF")))


def moderation(client: OpenAI) -> Any:
    return plain(client.moderations.create(input="Hello"))


def text_completion(client: OpenAI) -> Any:
    return plain(client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Hello"))


def text_completion_stream(client: OpenAI) -> Any:
    return [plain(chunk) for chunk in client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Hello", stream=True)]


def timed_out_in_a_stream(client: OpenAI) -> Any:
    slow = client.with_options(timeout=0.3, max_retries=0)
    return text_of(slow.chat.completions.create(**asking("[words:50] [slow:2000]"), stream=True))


def video(client: OpenAI) -> Any:
    return plain(client.videos.create(model="sora-2", prompt="a film", seconds="4", size="720x1280"))


def video_of_a_picture(client: OpenAI) -> Any:
    return plain(client.videos.create(model="sora-2", prompt="a film", input_reference=("a.png", b"\x89PNG")))


def video_poll(client: OpenAI) -> Any:
    return plain(client.videos.retrieve("running-1"))


def video_failed(client: OpenAI) -> Any:
    return plain(client.videos.retrieve("failed-1"))


def video_failed_in_poll(client: OpenAI) -> Any:
    return plain(client.videos.poll("failed-1", poll_interval_ms=1))


def video_content(client: OpenAI) -> Any:
    return client.videos.download_content("job-1").content


def video_remix(client: OpenAI) -> Any:
    return plain(client.videos.remix("job-1", prompt="a film, but blue"))


SYNC = (
    Pattern(chat, "completed"),
    Pattern(chat_several_choices, "completed"),
    Pattern(stream_to_the_end, "completed"),
    Pattern(stream_in_with, "completed"),
    Pattern(stream_by_next, "completed"),
    Pattern(stream_broken_off_and_kept, "aborted"),
    Pattern(stream_broken_off_and_deleted, "aborted"),
    Pattern(stream_never_read, "aborted"),
    Pattern(stream_closed, "aborted"),
    Pattern(stream_read_after_close, "aborted"),
    Pattern(exception_in_the_loop, "aborted"),
    Pattern(error_in_the_stream, "error"),
    Pattern(socket_dropped, "error"),
    Pattern(finished_with_error, "error"),
    Pattern(rate_limited, "error"),
    Pattern(retried, "completed"),
    Pattern(retries_used_up, "error"),
    Pattern(timed_out, "error"),
    Pattern(raw, "completed"),
    Pattern(raw_unparsed, "completed"),
    Pattern(raw_stream, "completed"),
    Pattern(streaming_response, "completed"),
    Pattern(streaming_response_lines, "completed"),
    Pattern(streaming_response_left, "aborted"),
    Pattern(structured, "completed"),
    Pattern(helper_to_the_end, "completed"),
    Pattern(helper_left, "aborted"),
    Pattern(with_options, "completed"),
    Pattern(copied, "completed"),
    Pattern(tools_in_a_stream, "completed"),
    Pattern(tools_with_one_index, "completed"),
    Pattern(response, "completed"),
    Pattern(response_stream, "completed"),
    Pattern(response_left_when_whole, "completed"),
    Pattern(response_helper_left, "aborted"),
    Pattern(response_structured, "completed"),
    Pattern(response_with_an_image, "completed", also=1),
    Pattern(response_stream_with_an_image, "completed", also=1),
    Pattern(response_failed, "error"),
    Pattern(response_stream_failed, "error"),
    Pattern(image, "completed"),
    Pattern(image_url, "completed"),
    Pattern(image_partials, "completed"),
    Pattern(image_edit, "completed"),
    Pattern(embeddings, "completed"),
    Pattern(speech, "completed"),
    Pattern(speech_streamed, "completed"),
    Pattern(transcription, "completed"),
    Pattern(translation, "completed"),
    Pattern(moderation, "completed"),
    Pattern(text_completion, "completed"),
    Pattern(text_completion_stream, "completed"),
    Pattern(timed_out_in_a_stream, "error"),
    Pattern(video, "completed"),
    Pattern(video_of_a_picture, "completed"),
    Pattern(video_poll, "completed"),
    Pattern(video_failed, "error"),
    Pattern(video_failed_in_poll, "error"),
    Pattern(video_content, "completed"),
    Pattern(video_remix, "completed"),
)


def make_sync(base_url: str) -> OpenAI:
    # Loading certificates would take most of a test's time.
    http = DefaultHttpxClient(verify=False)
    return OpenAI(base_url=base_url, api_key="not-a-key", max_retries=1, http_client=http)


def outcome(run: Callable[[Any], Any], client: Any) -> Any:
    """What the host gets: a value, or an exception by type and message."""
    try:
        return "returned", run(client)
    except (APIError, RuntimeError) as error:
        return "raised", type(error), str(error)
