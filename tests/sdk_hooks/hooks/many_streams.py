"""
Every SDK's stream of text, over a provider in the same event loop that holds all of them open at once.

Flow: test_many_streams -> **a way to read** -> SDK -> MockTransport -> the bundled provider's replies.
Sockets would be a thousand of them; what they would add is shown by the patterns.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, NamedTuple

from collector.demo.provider.google import verb_and_model
from collector.demo.provider.server import choose_reply
from collector.demo.provider.wire import Ask, Frames, read_markers

HOLD = "[hold]"
"""A stream that is asked so goes on for ever after its first pieces."""
SSE = {"content-type": "text/event-stream; charset=utf-8"}
HELD_AFTER = 4


class Crowd:
    """So many streams: none gets beyond its first frame before all have begun."""

    def __init__(self, size: int) -> None:
        self._missing = size
        self._all_here = asyncio.Event()

    def transport(self, http: Any) -> Any:
        """For `httpx` or `httpx2`, whichever the SDK has."""
        return http.MockTransport(lambda request: http.Response(200, headers=SSE, content=self._body(request)))

    async def _body(self, request: Any) -> AsyncIterator[bytes]:
        raw = await request.aread()
        frames = list(frames_of(str(request.url.path), raw))
        yield frames[0]
        self._missing -= 1
        if self._missing == 0:
            self._all_here.set()
        await self._all_here.wait()
        for number, frame in enumerate(frames[1:]):
            if number == HELD_AFTER and HOLD.encode() in raw:
                await asyncio.Event().wait()
            # Now it is the others' turn.
            await asyncio.sleep(0)
            yield frame


def frames_of(path: str, raw: bytes) -> list[bytes]:
    """What the provider answers, as it goes over the wire."""
    body: Any = json.loads(raw)
    is_google = path.endswith(":streamGenerateContent")
    if is_google:
        short, body["model"] = verb_and_model(path)
    else:
        short = path.removeprefix("/api").removeprefix("/v1")
    ask = Ask(path=short, body=body, markers=read_markers(raw.decode()), is_openrouter=path.startswith("/api/"))
    reply = choose_reply(ask)
    assert isinstance(reply, Frames), reply
    lines = [(f"event: {frame['type']}\n" if reply.named else "") + f"data: {json.dumps(frame)}\n\n" for frame in reply.frames]
    if not reply.named and reply.has_done:
        lines.append("data: [DONE]\n\n")
    return [line.encode() for line in lines]


class Host(NamedTuple):
    """What is to be instrumented, and how a host reads one stream's text, piece by piece."""

    client: Any
    read: Callable[[str], AsyncIterator[str]]


def asked(text: str) -> Any:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], "stream": True}


async def chat_pieces(stream: Any) -> AsyncIterator[str]:
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            yield chunk.choices[0].delta.content


def openai(crowd: Crowd) -> Host:
    import httpx2
    from openai import AsyncOpenAI

    http = httpx2.AsyncClient(transport=crowd.transport(httpx2))
    client = AsyncOpenAI(base_url="http://provider/v1", api_key="k", http_client=http)

    async def read(text: str) -> AsyncIterator[str]:
        async for piece in chat_pieces(await client.chat.completions.create(**asked(text))):
            yield piece

    return Host(client, read)


def anthropic(crowd: Crowd) -> Host:
    import httpx2
    from anthropic import AsyncAnthropic

    http = httpx2.AsyncClient(transport=crowd.transport(httpx2))
    client = AsyncAnthropic(base_url="http://provider", api_key="k", http_client=http)

    async def read(text: str) -> AsyncIterator[str]:
        stream: Any = await client.messages.create(**asked(text), max_tokens=100)
        async for event in stream:
            if event.type == "content_block_delta" and event.delta.type == "text_delta":
                yield event.delta.text

    return Host(client, read)


def openai_agents(crowd: Crowd) -> Host:
    import httpx2
    from agents import Agent, OpenAIResponsesModel, RunConfig, Runner
    from openai import AsyncOpenAI

    http = httpx2.AsyncClient(transport=crowd.transport(httpx2))
    client = AsyncOpenAI(base_url="http://provider/v1", api_key="k", http_client=http)
    agent = Agent(name="guide", model=OpenAIResponsesModel("gpt-4o-mini", client))
    quiet = RunConfig(tracing_disabled=True)

    async def read(text: str) -> AsyncIterator[str]:
        result = Runner.run_streamed(agent, text, run_config=quiet)
        try:
            async for event in result.stream_events():
                if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                    yield event.data.delta
        finally:
            # A host that leaves says so, or the run goes on in its own task.
            result.cancel()

    return Host(agent, read)


def openrouter(crowd: Crowd) -> Host:
    import httpx
    from openrouter import OpenRouter

    client = OpenRouter(
        api_key="k", server_url="http://provider/api/v1", async_client=httpx.AsyncClient(transport=crowd.transport(httpx))
    )

    async def read(text: str) -> AsyncIterator[str]:
        async for piece in chat_pieces(await client.chat.send_async(**asked(text))):
            yield piece

    return Host(client, read)


def google_genai(crowd: Crowd) -> Host:
    import httpx2
    from google.genai import Client
    from google.genai.types import HttpOptions

    options = HttpOptions(base_url="http://provider", httpx_async_client=httpx2.AsyncClient(transport=crowd.transport(httpx2)))
    client = Client(api_key="k", http_options=options)

    async def read(text: str) -> AsyncIterator[str]:
        async for chunk in await client.aio.models.generate_content_stream(model="gemini-2.5-flash", contents=text):
            if chunk.text:
                yield chunk.text

    return Host(client, read)


def litellm(crowd: Crowd) -> Host:
    import httpx
    import litellm  # pyright: ignore[reportMissingImports]
    from openai import AsyncOpenAI

    http: Any = httpx.AsyncClient(transport=crowd.transport(httpx))
    client = AsyncOpenAI(base_url="http://provider/v1", api_key="k", http_client=http)
    sdk: Any = litellm

    async def read(text: str) -> AsyncIterator[str]:
        given = {**asked(text), "model": "openai/gpt-4o-mini"}
        async for piece in chat_pieces(await sdk.acompletion(**given, client=client)):
            yield piece

    return Host(sdk, read)


HOSTS: Mapping[str, Callable[[Crowd], Host]] = {
    "openai": openai,
    "anthropic": anthropic,
    "openai-agents": openai_agents,
    "openrouter": openrouter,
    "google-genai": google_genai,
    "litellm": litellm,
}
"""By the name in the registry of hooks."""
