"""
Each SDK with nothing behind it: the method that a hook holds gives back an answer that was made before.

Flow: client_worker -> **stub** -> hook -> recorder.
What is left to be timed is the hook. The answers are the SDK's own objects, and the streams of the SDK's own classes.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from benchmarks import client_said as said

Act = Callable[[], object]


class Subject(NamedTuple):
    """What is to be instrumented, and what can be done with it. `short stream` is a stream of a single word."""

    client: Any
    acts: Mapping[str, Act]


STREAMS = {"stream": said.CHUNKS, "short stream": 1}


class _Response:
    """The HTTP response that an SDK's stream holds."""

    def close(self) -> None: ...


def exhaust(items: Iterator[Any]) -> None:
    for _ in items:
        pass


# -- openai, anthropic ------------------------------------------------------------------------------------------------------


def _stainless(
    client: Any,
    stream_class: Any,
    options: Any,
    wholes: Mapping[str, tuple[str, Any]],
    chunks: Any,
    not_given: Mapping[str, Any] = MappingProxyType({}),
) -> Subject:
    """SDKs that Stainless generates go through `client.request`. `not_given`: what their requests have besides."""

    def request(cast_to: Any, options: Any, *, stream: bool = False, stream_cls: Any = None) -> Any:
        if not stream:
            return answers[options.url]
        made = stream_class(cast_to=object, response=_Response(), client=client)
        made._iterator = iter(pieces[options.extra_json["words"]])
        return made

    def whole(path: str, body: Any) -> Act:
        asked = options(method="post", url=path, json_data=body)
        return lambda: client.request(object, asked, stream=False)

    def stream(path: str, body: Any, words: int) -> Act:
        # Where the stub finds how much it is to say; the hook reads it like anything of the host's.
        asked = options(method="post", url=path, json_data={**body, "stream": True}, extra_json={"words": words})
        return lambda: exhaust(client.request(object, asked, stream=True))

    answers = dict(wholes.values())
    pieces = {words: chunks(words) for words in STREAMS.values()}
    client.request = request
    bodies = {"chat": {"model": said.MODEL, "messages": said.MESSAGES, "temperature": 0.2}}
    bodies["responses"] = {"model": said.MODEL, "input": said.MESSAGES, "temperature": 0.2}
    bodies = {name: {**body, **not_given} for name, body in bodies.items()}
    path = wholes["chat"][0]
    acts = {name: whole(where, bodies[name]) for name, (where, _) in wholes.items()}
    return Subject(client, acts | {name: stream(path, bodies["chat"], words) for name, words in STREAMS.items()})


def openai() -> Subject:
    from openai import OpenAI, Stream
    from openai._models import FinalRequestOptions
    from openai.types.chat import ChatCompletion, ChatCompletionChunk
    from openai.types.responses import Response

    def chunks(words: int) -> list[Any]:
        return [ChatCompletionChunk.model_validate(chunk) for chunk in said.chat_chunks(words)]

    wholes = {
        "chat": ("/chat/completions", ChatCompletion.model_validate(said.CHAT)),
        "responses": ("/responses", Response.model_validate(said.RESPONSE)),
    }
    return _stainless(OpenAI(api_key="none"), Stream, FinalRequestOptions.construct, wholes, chunks)


def anthropic() -> Subject:
    from anthropic import Anthropic, Stream, omit
    from anthropic._models import FinalRequestOptions
    from anthropic.types import Message, RawMessageStreamEvent
    from pydantic import TypeAdapter

    event: Any = TypeAdapter(RawMessageStreamEvent)

    def chunks(words: int) -> list[Any]:
        return [event.validate_python(one) for one in said.message_events(words)]

    wholes = {"chat": ("/v1/messages", Message.model_validate(said.MESSAGE))}
    arguments = ("metadata", "service_tier", "stop_sequences", "system", "thinking", "tool_choice", "tools", "top_k", "top_p")
    not_given: dict[str, Any] = dict.fromkeys(arguments, omit)
    return _stainless(Anthropic(api_key="none"), Stream, FinalRequestOptions.construct, wholes, chunks, not_given)


# -- openrouter -------------------------------------------------------------------------------------------------------------


def openrouter() -> Subject:
    from openrouter import OpenRouter
    from openrouter.components import ChatResult, ChatStreamChunk
    from openrouter.utils.eventstreaming import EventStream

    client = OpenRouter(api_key="none")
    whole = ChatResult.model_validate(said.CHAT)
    pieces = {words: [ChatStreamChunk.model_validate(one) for one in said.chat_chunks(words)] for words in STREAMS.values()}

    def send(*, words: int = 0, **_: Any) -> Any:
        if not words:
            return whole
        made: Any = EventStream(_Response(), str)  # type: ignore[arg-type]
        made.generator = iter(pieces[words])
        return made

    def chat() -> Any:
        return client.chat.send(model=said.MODEL, messages=said.MESSAGES, temperature=0.2)

    def stream(words: int) -> Act:
        resource: Any = client.chat
        return lambda: exhaust(resource.send(model=said.MODEL, messages=said.MESSAGES, temperature=0.2, stream=True, words=words))

    client.chat.send = send  # type: ignore[method-assign]
    return Subject(client, {"chat": chat} | {name: stream(words) for name, words in STREAMS.items()})


# -- google-genai -----------------------------------------------------------------------------------------------------------


def google_genai() -> Subject:
    from google.genai import Client
    from google.genai.types import HttpResponse

    client = Client(api_key="none")
    api: Any = client._api_client
    whole = HttpResponse(headers={}, body=said.content(said.ANSWER, is_last=True))
    pieces = {words: [HttpResponse(headers={}, body=body) for body in said.contents(words)] for words in STREAMS.values()}
    path = "models/gemini-2.5-flash"

    def request_streamed(method: str, path: str, request: Any, options: Any = None) -> Any:
        return (piece for piece in pieces[options])

    def stream(words: int) -> Act:
        return lambda: exhaust(api.request_streamed("post", f"{path}:streamGenerateContent?alt=sse", said.CONTENTS, words))

    api.request = lambda method, path, request, options=None: whole
    api.request_streamed = request_streamed
    chat: Act = lambda: api.request("post", f"{path}:generateContent", said.CONTENTS, None)  # noqa: E731
    return Subject(client, {"chat": chat} | {name: stream(words) for name, words in STREAMS.items()})


# -- openai-agents ----------------------------------------------------------------------------------------------------------


def openai_agents() -> Subject:
    from agents import Model, ModelResponse, ModelSettings, ModelTracing, Usage
    from openai.types.responses import Response, ResponseStreamEvent
    from pydantic import TypeAdapter

    event: Any = TypeAdapter(ResponseStreamEvent)
    whole = Response.model_validate(said.RESPONSE)
    counted = Usage(requests=1, input_tokens=20, output_tokens=5, total_tokens=said.TOTAL_TOKENS)
    pieces = {words: [event.validate_python(one) for one in said.response_events(words)] for words in STREAMS.values()}

    class Ready(Model):
        async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
            return ModelResponse(output=whole.output, usage=counted, response_id=whole.id)

        async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:  # type: ignore[override]
            for piece in pieces[kwargs["prompt"]]:
                yield piece

    model: Any = Ready()
    settings = ModelSettings(temperature=0.2)
    given: Any = {"tools": [], "output_schema": None, "handoffs": [], "tracing": ModelTracing.DISABLED}
    given |= {"system_instructions": said.SYSTEM, "input": said.ASKED, "model_settings": settings}
    given |= {"previous_response_id": None, "conversation_id": None}

    async def read(words: int) -> None:
        async for _ in model.stream_response(**given, prompt=words):
            pass

    acts: dict[str, Act] = {"chat": lambda: at_once(model.get_response(**given, prompt=None))}
    return Subject(model, acts | {name: lambda words=words: at_once(read(words)) for name, words in STREAMS.items()})


def at_once(coroutine: Any) -> Any:
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("a stub waited")


STUBS: Mapping[str, Callable[[], Subject]] = {
    "openai": openai,
    "anthropic": anthropic,
    "openrouter": openrouter,
    "google-genai": google_genai,
    "openai-agents": openai_agents,
}
"""By the name in the registry of hooks."""
