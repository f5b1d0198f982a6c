"""
What an event loop feels while two hundred streams are read in it.

Flow: client_worker -> **loop**: AsyncOpenAI, a transport that writes as slowly as a model, and a task that looks at the clock.
The loop must have time to spare: how late a full one is says nothing about what was added to it. So the streams begin one after
the other, bring four pieces a second each, and the share of its time that the loop works is told beside how late it is.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from benchmarks import client_said as said
from benchmarks.client_clients import SSE, frames
from benchmarks.client_stubs import Subject

FRAME_S = 0.25
BEGINNING_S = 2.5
TICK_S = 0.005

PIECES = frames(said.chat_chunks(said.FEW_CHUNKS), is_named=False, end="data: [DONE]\n\n").split(b"\n\n")


async def slowly() -> AsyncIterator[bytes]:
    """The body of a stream, word by word."""
    for frame in PIECES:
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
        reading = asyncio.gather(*(read(BEGINNING_S * number / count) for number in range(count)))
        # From when all have begun to when the first comes to its end.
        await asyncio.sleep(BEGINNING_S)
        found = await watch(FRAME_S * len(PIECES) - BEGINNING_S)
        await reading
        for _ in range(20):
            # The bodies that were read are closed by the loop, in its next rounds.
            await asyncio.sleep(0)
        return found

    loop = asyncio.new_event_loop()
    return Subject(client, {"streams": lambda count=0: loop.run_until_complete(streams(count))})


async def watch(for_s: float) -> dict[str, float]:
    """How late the loop is in ms, and the share of its time that it works."""
    late_ms: list[float] = []
    began_s, worked_ns = time.perf_counter(), time.thread_time_ns()
    while (since_s := time.perf_counter()) - began_s < for_s:
        await asyncio.sleep(TICK_S)
        late_ms.append((time.perf_counter() - since_s - TICK_S) * 1e3)
    busy = (time.thread_time_ns() - worked_ns) / 1e9 / (time.perf_counter() - began_s)
    late_ms.sort()
    return {"mean": sum(late_ms) / len(late_ms), "p99": late_ms[len(late_ms) * 99 // 100], "max": late_ms[-1], "busy": busy}
