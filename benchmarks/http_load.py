"""
A small HTTP/1.1 load generator: keep-alive connections that post prepared bodies and time each answer.

Runs in the benchmark's process, apart from the collector's. Bounded by the number of bodies.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What a load gave. `answers_s` are seconds from the first byte sent to the whole answer, one a POST."""

    events: int
    elapsed_s: float
    answers_s: tuple[float, ...]

    @property
    def events_per_s(self) -> float:
        return self.events / self.elapsed_s

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.answers_s)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def post_all(port: int, bodies: Sequence[bytes], *, events_a_body: int, connections: int) -> LoadResult:
    """POST every body once over `connections` connections; raises RuntimeError on an answer that is not 200."""
    return asyncio.run(_post_all(port, list(bodies), events_a_body, connections))


async def _post_all(port: int, bodies: list[bytes], events_a_body: int, connections: int) -> LoadResult:
    waiting = list(reversed(bodies))
    answers: list[float] = []
    began = time.perf_counter()
    await asyncio.gather(*(_one_connection(port, waiting, answers) for _ in range(connections)))
    elapsed_s = time.perf_counter() - began
    return LoadResult(events=len(bodies) * events_a_body, elapsed_s=elapsed_s, answers_s=tuple(answers))


async def _one_connection(port: int, waiting: list[bytes], answers: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: "
    while waiting:
        body = waiting.pop()
        began = time.perf_counter()
        writer.write(f"{head}{len(body)}\r\n\r\n".encode() + body)
        status = await _read_answer(reader)
        answers.append(time.perf_counter() - began)
        if status != 200:
            raise RuntimeError(f"the collector answered {status}")
    writer.close()


async def _read_answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])
