"""
Each SDK's real client, over HTTP to a provider, or over a transport that answers at once.

Flow: client_worker -> **real client** (its request is built, its answer read) -> client_provider, or a mock transport.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from benchmarks import client_said as said
from benchmarks.client_stubs import Act, Subject, exhaust

SSE = {"content-type": "text/event-stream"}
JSON = {"content-type": "application/json"}
FRAMES = b"\n\n"
"""What ends a frame of a stream."""


def frames(events: list[Any], *, is_named: bool, end: str = "") -> bytes:
    """Events of a stream as they go over the wire."""
    texts = [event if isinstance(event, str) else json.dumps(event) for event in events]
    names = [f"event: {event['type']}\n" if is_named else "" for event in events]
    return "".join(f"{name}data: {text}\n\n" for name, text in zip(names, texts, strict=True)).encode() + end.encode()


CHATS = frames(said.chat_chunks(said.CHUNKS), is_named=False, end="data: [DONE]\n\n")
ANSWERS: Mapping[str, tuple[bytes, bytes]] = {
    "/chat/completions": (json.dumps(said.CHAT).encode(), CHATS),
    "/responses": (json.dumps(said.RESPONSE).encode(), frames(said.response_events(said.CHUNKS), is_named=True)),
    "/v1/messages": (json.dumps(said.MESSAGE).encode(), frames(said.message_events(said.CHUNKS), is_named=True)),
    ":generateContent": (said.content(said.ANSWER, is_last=True).encode(), b""),
    ":streamGenerateContent": (b"", frames(said.contents(said.CHUNKS), is_named=False)),
}
"""By the end of the path: the whole answer, and the stream."""


def answer_to(path: str, asked: bytes) -> tuple[bytes, bool]:
    """What a provider says to it, and whether that is a stream."""
    whole, stream = next(found for end, found in ANSWERS.items() if path.partition("?")[0].endswith(end))
    is_stream = not whole or b'"stream":true' in asked.replace(b": ", b":")
    return stream if is_stream else whole, is_stream


def http_client(http: Any, provider: str, kind: str = "Client") -> Any:
    """
    A client of httpx or httpx2, which these SDKs differ in. Without a provider's address it answers itself, at once.
    """

    def answer(request: Any) -> Any:
        said, is_stream = answer_to(request.url.path, request.content)
        return http.Response(200, headers=SSE if is_stream else JSON, content=said)

    return getattr(http, kind)(transport=None if provider else http.MockTransport(answer))


NOWHERE = "http://provider"


def text_of(chunks: Iterable[Any]) -> str:
    """What a host does with a stream of chat chunks: it puts the text together."""
    texts: list[str] = []
    for chunk in chunks:
        for choice in chunk.choices:
            if choice.delta.content:
                texts.append(choice.delta.content)
    return "".join(texts)


def openai(provider: str = "") -> Subject:
    import httpx2
    from openai import OpenAI

    base_url = f"{provider or NOWHERE}/v1"
    client = OpenAI(api_key="none", base_url=base_url, http_client=http_client(httpx2, provider))
    asked: Any = {"model": said.MODEL, "messages": said.MESSAGES, "temperature": 0.2}
    counted: Any = {"stream": True, "stream_options": {"include_usage": True}}
    return Subject(
        client,
        {
            "chat": lambda: client.chat.completions.create(**asked),
            "stream": lambda: text_of(client.chat.completions.create(**asked, **counted)),
            "responses": lambda: client.responses.create(model=said.MODEL, input=said.MESSAGES, temperature=0.2),
        },
    )


def anthropic(provider: str = "") -> Subject:
    import httpx2
    from anthropic import Anthropic

    client = Anthropic(api_key="none", base_url=provider or NOWHERE, http_client=http_client(httpx2, provider))
    user: Any = said.MESSAGES[1:]
    asked: Any = {"model": "claude-sonnet-5", "messages": user, "system": said.SYSTEM, "max_tokens": 100}
    return Subject(
        client,
        {
            "chat": lambda: client.messages.create(**asked),
            "stream": lambda: exhaust(client.messages.create(**asked, stream=True)),
        },
    )


def openrouter(provider: str = "") -> Subject:
    import httpx
    from openrouter import OpenRouter

    server_url = f"{provider or NOWHERE}/v1"
    client = OpenRouter(api_key="none", server_url=server_url, client=http_client(httpx, provider))
    chat: Any = client.chat
    asked = {"model": said.MODEL, "messages": said.MESSAGES, "temperature": 0.2}
    return Subject(client, {"chat": lambda: chat.send(**asked), "stream": lambda: text_of(chat.send(**asked, stream=True))})


def google_genai(provider: str = "") -> Subject:
    import httpx2
    from google.genai import Client
    from google.genai.types import HttpOptions

    options = HttpOptions(base_url=provider or NOWHERE, httpx_client=http_client(httpx2, provider))
    client = Client(api_key="none", http_options=options)
    config: Any = {"system_instruction": said.SYSTEM, "temperature": 0.2}
    asked: Any = {"model": "gemini-2.5-flash", "contents": said.ASKED, "config": config}
    return Subject(
        client,
        {
            "chat": lambda: client.models.generate_content(**asked),
            "stream": lambda: exhaust(client.models.generate_content_stream(**asked)),
        },
    )


def openai_agents(provider: str = "") -> Subject:
    import httpx2
    from agents import Agent, OpenAIResponsesModel, RunConfig, Runner
    from openai import AsyncOpenAI

    base_url = f"{provider or NOWHERE}/v1"
    client = AsyncOpenAI(api_key="none", base_url=base_url, http_client=http_client(httpx2, provider, "AsyncClient"))
    model = OpenAIResponsesModel(said.MODEL, client)
    agent = Agent(name="A", instructions=said.SYSTEM, model=model)
    quiet = RunConfig(tracing_disabled=True)
    loop = asyncio.new_event_loop()

    async def stream() -> None:
        async for _ in Runner.run_streamed(agent, said.ASKED, run_config=quiet).stream_events():
            pass

    acts: dict[str, Act] = {
        "chat": lambda: loop.run_until_complete(Runner.run(agent, said.ASKED, run_config=quiet)),
        "stream": lambda: loop.run_until_complete(stream()),
    }
    # The model, not the agent: then runs are no calls of their own, and a run is one call.
    return Subject(model, acts)


CLIENTS: Mapping[str, Callable[[str], Subject]] = {
    "openai": openai,
    "anthropic": anthropic,
    "openrouter": openrouter,
    "google-genai": google_genai,
    "openai-agents": openai_agents,
}
