"""
Every way in which a host uses the google-genai client, sync and async, as functions of a client.

Each makes exactly one call of a model and gives back what the host got, in a form that two runs can be compared by. A stream that
is never read, or kept after a break, is in `test_google_genai`: there nothing was sent, and here it may go on.
"""

import asyncio
import inspect
from contextlib import suppress
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import Any

from google.auth.credentials import Credentials
from google.genai import Client
from google.genai.errors import APIError
from google.genai.types import Part
from httpx2 import HTTPError

from tests.sdk_hooks.hooks.arrivals import cancelled_when_sent
from tests.sdk_hooks.hooks.openai_patterns import City, Pattern, plain, some_rounds

MODEL = "gemini-2.5-flash"
TOOL: Any = {
    "function_declarations": [{"name": "look_up", "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}}]
}
THINKING: Any = {"thinking_config": {"include_thoughts": True}}
ERRORS = (APIError, HTTPError, RuntimeError, asyncio.CancelledError)
UNUSED = SSLContext(PROTOCOL_TLS_CLIENT)
_kept: list[Any] = []


def asking(text: Any = "Hello", **config: Any) -> Any:
    return {"model": MODEL, "contents": text, "config": {"automatic_function_calling": {"disable": True}, **config}}


def seen(answer: Any) -> Any:
    """An answer without the response's headers, which have a date."""
    kind, content = plain(answer)
    return kind, {name: value for name, value in content.items() if name != "sdk_http_response"}


# -- sync -----------------------------------------------------------------------------------------------------------------


def content(client: Client) -> Any:
    return seen(client.models.generate_content(**asking(system_instruction="Be short", temperature=0.1)))


def content_of_parts(client: Client) -> Any:
    return seen(
        client.models.generate_content(**asking(["What is it?", Part.from_bytes(data=b"picture", mime_type="image/png")]))
    )


def content_with_tools(client: Client) -> Any:
    return seen(client.models.generate_content(**asking("[tools:2]", tools=[TOOL])))


def content_with_thoughts(client: Client) -> Any:
    return seen(client.models.generate_content(**asking(**THINKING)))


def content_with_picture(client: Client) -> Any:
    return seen(client.models.generate_content(**asking(response_modalities=["TEXT", "IMAGE"])))


def structured(client: Client) -> Any:
    answer = client.models.generate_content(**asking(response_mime_type="application/json", response_schema=City))
    return seen(answer), plain(answer.parsed)


def chat(client: Client) -> Any:
    return seen(client.chats.create(model=MODEL).send_message("Hello"))


def chat_stream(client: Client) -> Any:
    return [seen(chunk) for chunk in client.chats.create(model=MODEL).send_message_stream("Hello")]


def stream_to_the_end(client: Client) -> Any:
    stream = client.models.generate_content_stream(**asking())
    return inspect.isgenerator(stream), [seen(chunk) for chunk in stream]


def stream_of_tools(client: Client) -> Any:
    return [seen(chunk) for chunk in client.models.generate_content_stream(**asking("[tools:2]", tools=[TOOL]))]


def stream_of_thoughts_and_a_picture(client: Client) -> Any:
    asked = asking(response_modalities=["TEXT", "IMAGE"], **THINKING)
    return [seen(chunk) for chunk in client.models.generate_content_stream(**asked)]


def stream_broken_off_and_deleted(client: Client) -> Any:
    for chunk in client.models.generate_content_stream(**asking("[words:50]")):
        return chunk.text
    return None


def stream_closed(client: Client) -> Any:
    stream: Any = client.models.generate_content_stream(**asking("[words:50]"))
    _kept[:] = [stream]
    first = next(stream).text
    stream.close()
    return first, next(stream, "closed")


def stream_thrown_into(client: Client) -> Any:
    stream: Any = client.models.generate_content_stream(**asking("[words:50]"))
    next(stream)
    stream.throw(RuntimeError("the host's own"))


def stream_left_when_whole(client: Client) -> Any:
    for chunk in client.models.generate_content_stream(**asking()):
        if chunk.candidates and chunk.candidates[0].finish_reason:
            return seen(chunk)
    return None


def exception_in_the_loop(client: Client) -> Any:
    for _ in client.models.generate_content_stream(**asking("[words:50]")):
        raise RuntimeError("the host's own")


def error_in_the_stream(client: Client) -> Any:
    return [seen(chunk) for chunk in client.models.generate_content_stream(**asking("[break:3]"))]


def socket_dropped(client: Client) -> Any:
    return [seen(chunk) for chunk in client.models.generate_content_stream(**asking("[drop:3]"))]


def rate_limited(client: Client) -> Any:
    return client.models.generate_content(**asking("[error:429]"))


def stream_refused(client: Client) -> Any:
    return list(client.models.generate_content_stream(**asking("[error:500]")))


def retried(client: Client) -> Any:
    return seen(client.models.generate_content(**asking("[flaky:500]")))


def timed_out(client: Client) -> Any:
    return client.models.generate_content(**asking("[late:5000]", http_options={"timeout": 50, "retry_options": {"attempts": 1}}))


def raw(client: Client) -> Any:
    """The host wants the bare response: its body is read all the same."""
    return client.models.generate_content(**asking(should_return_http_response=True)).sdk_http_response.body  # pyright: ignore


def embeddings(client: Client) -> Any:
    return seen(client.models.embed_content(model="gemini-embedding-001", contents=["one", "two"]))


def chat_keeps_its_history(client: Client) -> Any:
    conversation = client.chats.create(model=MODEL)
    conversation.send_message("Hello")
    return len(conversation.get_history())


SYNC = (
    Pattern(content, "completed"),
    Pattern(content_of_parts, "completed"),
    Pattern(content_with_tools, "completed"),
    Pattern(content_with_thoughts, "completed"),
    Pattern(content_with_picture, "completed"),
    Pattern(structured, "completed"),
    Pattern(chat, "completed"),
    Pattern(chat_stream, "completed"),
    Pattern(chat_keeps_its_history, "completed"),
    Pattern(stream_to_the_end, "completed"),
    Pattern(stream_of_tools, "completed"),
    Pattern(stream_of_thoughts_and_a_picture, "completed"),
    Pattern(stream_broken_off_and_deleted, "aborted"),
    Pattern(stream_closed, "aborted"),
    Pattern(stream_thrown_into, "aborted"),
    Pattern(stream_left_when_whole, "completed"),
    Pattern(exception_in_the_loop, "aborted"),
    Pattern(error_in_the_stream, "error"),
    Pattern(socket_dropped, "error"),
    Pattern(rate_limited, "error"),
    Pattern(stream_refused, "error"),
    Pattern(retried, "completed"),
    Pattern(timed_out, "error"),
    Pattern(raw, "completed"),
    Pattern(embeddings, "completed"),
)


# -- async ----------------------------------------------------------------------------------------------------------------


async def content_async(client: Any) -> Any:
    return seen(await client.models.generate_content(**asking()))


async def chat_async(client: Any) -> Any:
    return seen(await client.chats.create(model=MODEL).send_message("Hello"))


async def stream_to_the_end_async(client: Any) -> Any:
    stream = await client.models.generate_content_stream(**asking())
    return inspect.isasyncgen(stream), [seen(chunk) async for chunk in stream]


async def stream_broken_off_async(client: Any) -> Any:
    async for _ in await client.models.generate_content_stream(**asking("[words:50]")):
        break
    await some_rounds()


async def stream_closed_async(client: Any) -> Any:
    stream = await client.models.generate_content_stream(**asking("[words:50]"))
    _kept[:] = [stream]
    first = (await anext(stream)).text
    await stream.aclose()
    await some_rounds()
    return first, await anext(stream, "closed")


async def stream_left_by_a_loop_that_ends_async(client: Any) -> Any:
    stream = await client.models.generate_content_stream(**asking("[words:50]"))
    _kept[:] = [stream]
    return (await anext(stream)).text


async def task_cancelled_async(client: Any) -> Any:
    begun = asyncio.Event()

    async def work() -> None:
        async for _ in await client.models.generate_content_stream(**asking("[words:50] [slow:50]")):
            begun.set()

    task = asyncio.ensure_future(work())
    await begun.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await some_rounds()
    return task.cancelled()


async def call_cancelled_async(client: Any) -> Any:
    return await cancelled_when_sent(client.models.generate_content(**asking("[late:5000]")))


async def exception_in_the_loop_async(client: Any) -> Any:
    async for _ in await client.models.generate_content_stream(**asking("[words:50]")):
        raise RuntimeError("the host's own")


async def error_in_the_stream_async(client: Any) -> Any:
    return [seen(chunk) async for chunk in await client.models.generate_content_stream(**asking("[break:3]"))]


async def socket_dropped_async(client: Any) -> Any:
    return [seen(chunk) async for chunk in await client.models.generate_content_stream(**asking("[drop:3]"))]


async def rate_limited_async(client: Any) -> Any:
    return await client.models.generate_content(**asking("[error:429]"))


async def embeddings_async(client: Any) -> Any:
    return seen(await client.models.embed_content(model="gemini-embedding-001", contents=["one", "two"]))


ASYNC = (
    Pattern(content_async, "completed"),
    Pattern(chat_async, "completed"),
    Pattern(stream_to_the_end_async, "completed"),
    Pattern(stream_broken_off_async, "aborted"),
    Pattern(stream_closed_async, "aborted"),
    Pattern(stream_left_by_a_loop_that_ends_async, "aborted"),
    Pattern(task_cancelled_async, "aborted"),
    Pattern(call_cancelled_async, "aborted"),
    Pattern(exception_in_the_loop_async, "aborted"),
    Pattern(error_in_the_stream_async, "error"),
    Pattern(socket_dropped_async, "error"),
    Pattern(rate_limited_async, "error"),
    Pattern(embeddings_async, "completed"),
)


# -- how the suite runs them ----------------------------------------------------------------------------------------------


def options(base_url: str) -> Any:
    retries = {"attempts": 2, "initial_delay": 0.001, "max_delay": 0.002, "http_status_codes": [500]}
    # Reading the machine's certificates takes a second each time, and nothing here is encrypted.
    plain_http = {"verify": UNUSED}
    args = {"client_args": plain_http, "async_client_args": {**plain_http, "ssl": UNUSED}}
    return {"base_url": base_url.removesuffix("/v1"), "retry_options": retries, **args}


def make_sync(base_url: str) -> Client:
    return Client(api_key="not-a-key", http_options=options(base_url))


def make_async(base_url: str) -> Any:
    return make_sync(base_url).aio


class Anybody(Credentials):
    """Credentials that are good for a provider that doesn't look."""

    def __init__(self) -> None:
        super().__init__()
        self.token = "not-a-token"

    def refresh(self, request: Any) -> None: ...


def make_vertex(base_url: str) -> Client:
    return Client(vertexai=True, project="p", location="us-central1", credentials=Anybody(), http_options=options(base_url))


def outcome(run: Any, client: Any) -> Any:
    """What the host gets: a value, or an exception by type and message."""
    try:
        return "returned", run(client)
    except ERRORS as error:
        return "raised", type(error), str(error)


async def outcome_async(run: Any, client: Any) -> Any:
    try:
        return "returned", await run(client)
    except (*ERRORS, TimeoutError) as error:
        return "raised", type(error), str(error)
