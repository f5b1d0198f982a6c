"""
What an event loop feels while two hundred streams are read in it.

Flow: client_worker -> **loop**: AsyncOpenAI, a transport that writes as slowly as a model, and a task that looks at the clock.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from benchmarks import client_said as said
from benchmarks.client_clients import CHATS, SSE
from benchmarks.client_stubs import Subject

FRAME_S = 0.15
TICK_S = 0.005


async def slowly() -> AsyncIterator[bytes]:
    """The body of a stream, word by word."""
    for frame in CHATS.split(b"\n\n"):
        await asyncio.sleep(FRAME_S)
        yield frame + b"\n\n"


def openai() -> Subject:
    import httpx2
    from openai import AsyncOpenAI

    def answer(request: Any) -> Any:
        return httpx2.Response(200, headers=SSE, content=slowly())

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer), limits=httpx2.Limits(max_connections=1_000))
    client = AsyncOpenAI(api_key="none", base_url="http://provider/v1", http_client=http)
    asked: Any = {"model": said.MODEL, "messages": said.MESSAGES, "stream": True, "stream_options": {"include_usage": True}}

    async def read(after_s: float) -> None:
        await asyncio.sleep(after_s)
        async for _ in await client.chat.completions.create(**asked):
            pass

    async def streams(count: int) -> dict[str, float]:
        # Not all at once: their words would come at once, too.
        reading = asyncio.gather(*(read(FRAME_S * number / count) for number in range(count)))
        late_ms: list[float] = []
        while not reading.done():
            began_s = time.perf_counter()
            await asyncio.sleep(TICK_S)
            late_ms.append((time.perf_counter() - began_s - TICK_S) * 1e3)
        await reading
        for _ in range(20):
            # The bodies that were read are closed by the loop, in its next rounds.
            await asyncio.sleep(0)
        late_ms.sort()
        return {"mean": sum(late_ms) / len(late_ms), "p99": late_ms[len(late_ms) * 99 // 100], "max": late_ms[-1]}

    loop = asyncio.new_event_loop()
    return Subject(client, {"streams": lambda count=0: loop.run_until_complete(streams(count))})
