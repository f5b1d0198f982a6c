"""
The load generator, in a process of its own: keep-alive connections that post bodies made beforehand and time each answer.

    python -m benchmarks.http_load PORT EVENTS_A_BODY CONNECTIONS EVENTS SECONDS SDK

Ends when all are posted or the time is over, and prints one JSON object. For single events `wrk`, where it is installed, takes
less of the machine: see `run_wrk`.
"""

import asyncio
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.traffic import bodies

WRK_SCRIPT = Path(__file__).with_name("single_event.lua")
_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
_WRK_LINES = {"p50_ms": r"50%\s+([\d.]+)(us|ms|s)", "p99_ms": r"99%\s+([\d.]+)(us|ms|s)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What a load gave. The times are of answers, from a request's first byte to the whole answer."""

    events: int
    elapsed_s: float
    p50_ms: float
    p99_ms: float

    @property
    def events_per_s(self) -> float:
        return self.events / self.elapsed_s


def run_load(
    port: int, *, events_a_body: int, connections: int, events: int, seconds: int = 600, sdk: str = "hookline-py"
) -> LoadResult:
    """Run the generator and wait for it. Raises CalledProcessError on an answer that is not 200."""
    given = map(str, (port, events_a_body, connections, events, seconds, sdk))
    command = [sys.executable, "-m", "benchmarks.http_load", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return LoadResult(**json.loads(done.stdout))


def has_wrk() -> bool:
    return shutil.which("wrk") is not None


def run_wrk(port: int, *, connections: int, seconds: int) -> LoadResult:
    """Single-event requests by `wrk`. Raises RuntimeError on an answer that is not 200."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", "-s", str(WRK_SCRIPT)]
    command += [f"http://127.0.0.1:{port}/v1/events", "--", str(time.time_ns() // 1_000_000)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        raise RuntimeError(told)
    counted = re.search(r"(\d+) requests in ([\d.]+)s", told)
    assert counted is not None, told
    found = {name: re.search(pattern, told) for name, pattern in _WRK_LINES.items()}
    times_ms = {name: float(match[1]) * _UNITS_MS[match[2]] for name, match in found.items() if match is not None}
    return LoadResult(events=int(counted[1]), elapsed_s=float(counted[2]), **times_ms)


def post_all(port: int, made: Sequence[bytes], *, events_a_body: int, connections: int, seconds: float) -> LoadResult:
    """POST each body once over `connections` connections, as far as time allows; RuntimeError on an answer that is not 200."""
    return asyncio.run(_post_all(port, list(made), events_a_body, connections, seconds))


async def _post_all(port: int, made: list[bytes], events_a_body: int, connections: int, seconds: float) -> LoadResult:
    waiting, answers_s = list(reversed(made)), list[float]()
    began = time.perf_counter()
    ends_s = began + seconds
    await asyncio.gather(*(_one_connection(port, waiting, answers_s, ends_s) for _ in range(connections)))
    elapsed_s = time.perf_counter() - began
    ordered = sorted(answers_s)
    p50_ms, p99_ms = (1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.99))
    return LoadResult(events=len(answers_s) * events_a_body, elapsed_s=elapsed_s, p50_ms=p50_ms, p99_ms=p99_ms)


async def _one_connection(port: int, waiting: list[bytes], answers_s: list[float], ends_s: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: "
    while waiting and time.perf_counter() < ends_s:
        body = waiting.pop()
        began = time.perf_counter()
        writer.write(f"{head}{len(body)}\r\n\r\n".encode() + body)
        status = await _read_answer(reader)
        answers_s.append(time.perf_counter() - began)
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


if __name__ == "__main__":
    to_port, a_body, at_once, many, limit_s = map(int, sys.argv[1:6])
    made_by_sdk = list(bodies(many, a_body, sdk=sys.argv[6]))
    result = post_all(to_port, made_by_sdk, events_a_body=a_body, connections=at_once, seconds=limit_s)
    print(json.dumps(asdict(result)))
