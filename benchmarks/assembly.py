"""
Calls a second with everything on: ingest, assembly, export to a backend in another process.

    python -m benchmarks.assembly [--rate 1000] [--minutes 0.5] [--postgresql | --database URL] [--worker-process never]

Calls of six events come at a fixed rate, whatever the collector does. Told are the backlog over time (calls to assemble, spans to
send), the times from settling and from the call's last event to the backend's receipt, and the CPU that the collector takes for a
call. The times are told once more for those stretches alone in which the machine's host left us our processors. SQLite runs with
synchronous=FULL, our own PostgreSQL with fsync.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import cpu_s, rss_mb, spell, stolen_share, yardstick_s
from tests.end_to_end.database import count, query
from tests.end_to_end.load import RESOURCE
from tests.end_to_end.processes import CollectorProcess, wait_for
from tests.fakes.postgres import PostgresServer, find_binaries

EVENTS_A_CALL = 6
CALLS_A_BODY = 20
CONNECTIONS = 8
LOOK_EVERY_S = 5.0
DRAIN_LIMIT_S = 120.0
CALM_SHARE = 0.05
"""A stretch in which the host gives others less of our processors' time than this tells of us, not of the host."""


@dataclass(kw_only=True)
class Progress:
    """What the load has done so far."""

    began_s: float = field(default_factory=time.monotonic)
    calls: int = 0
    answers_s: list[float] = field(default_factory=list[float])
    latest_s: float = 0.0
    """How far the load itself was behind its plan, at most."""
    is_over: bool = False
    looks: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])
    """Ends of the stretches between looks (Unix ms), and which share of the processors' time the host took in each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Out:
    """One span that the backend has. Unix ms."""

    came_ms: int
    """The call's last event."""
    settled_ms: int
    received_ms: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=1000, help="calls a second")
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--postgresql", action="store_true", help="start a PostgreSQL with fsync for it")
    parser.add_argument("--database", help="the URL of an empty database; default: a new SQLite file")
    parser.add_argument(
        "--worker-process", choices=("auto", "always", "never"), default="auto", help="as HOOKLINE_WORKER_PROCESS"
    )
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _database(wanted, folder) as url, _receiver() as port:
        measure(url, port, wanted.rate, wanted.minutes * 60, Path(folder), wanted.worker_process)


def measure(url: str, backend_port: int, rate: int, seconds: float, folder: Path, worker_process: str) -> None:
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{backend_port}",
        "HOOKLINE_LOG_LEVEL": "warning",
        "HOOKLINE_WORKER_PROCESS": worker_process,
    }
    with CollectorProcess(database_url=url, log_path=folder / "collector.log", env=environment) as collector:
        assert collector.process is not None
        pid = collector.process.pid
        _load(collector.port, Progress(), rate=10, seconds=1.0)
        _drain(url)
        before_cpu_s, progress = cpu_s(pid), Progress()
        looking = threading.Thread(target=_look, args=(url, pid, progress), daemon=True)
        looking.start()
        _load(collector.port, progress, rate=rate, seconds=seconds)
        ended_s = time.monotonic()
        progress.is_over = True
        looking.join()
        _drain(url)
        drained_s = time.monotonic() - ended_s
        used_us = (cpu_s(pid) - before_cpu_s) / progress.calls * 1e6
        print(f"\n{url.split(':')[0]}: {progress.calls} calls of {EVENTS_A_CALL} events in {ended_s - progress.began_s:.1f} s")
        print(f"  CPU of the collector: {used_us:.0f} µs a call in all; a loop of 2 million steps took {yardstick_s():.3f} s")
        print(
            f"  answers: {_percentiles_ms(progress.answers_s)}; load behind its plan by {1000 * progress.latest_s:.0f} ms at most"
        )
        print(f"  everything was out {drained_s:.1f} s after the last answer; memory {rss_mb(pid):.0f} MB")
        _tell_spans(url, backend_port, progress.looks)


def _tell_spans(url: str, backend_port: int, looks: Sequence[tuple[int, float]]) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{backend_port}/spans", timeout=60) as answer:
        told = json.load(answer)
    queued = query(url, "SELECT request_id, span, queued_ms FROM exports WHERE request_id LIKE 'bench-%'")
    came = query(url, "SELECT request_id, max(received_at) AS ms FROM events WHERE request_id LIKE 'bench-%' GROUP BY request_id")
    came_ms = {row["request_id"]: row["ms"] for row in came}
    out = [
        _Out(came_ms=came_ms[row["request_id"]], settled_ms=row["queued_ms"], received_ms=told["spans"][row["span"]])
        for row in queued
        if row["span"] in told["spans"]
    ]
    print(f"  spans: {len(queued)} queued, {len(out)} received, {told['repeated']} twice")
    _tell_waits("all of it", out)
    ends_ms = [end_ms for end_ms, _ in looks]
    calm = {place for place, (_, stolen) in enumerate(looks) if stolen < CALM_SHARE}
    _tell_waits(
        f"{len(calm)} of {len(looks)} stretches of {LOOK_EVERY_S:.0f} s in which the host took less than {CALM_SHARE:.0%}",
        [one for one in out if bisect_left(ends_ms, one.came_ms) in calm],
    )


def _tell_waits(which: str, out: Sequence[_Out]) -> None:
    print(f"  {which}:")
    print(f"    from settling to receipt: {_percentiles_ms([(one.received_ms - one.settled_ms) / 1000 for one in out])}")
    print(f"    from the last event to receipt: {_percentiles_ms([(one.received_ms - one.came_ms) / 1000 for one in out])}")


def _look(url: str, pid: int, progress: Progress) -> None:
    """The backlog, again and again."""
    cpu_before_s, calls_before, began = cpu_s(pid), 0, spell()
    while not progress.is_over:
        time.sleep(LOOK_EVERY_S)
        stolen, began = stolen_share(began), spell()
        progress.looks.append((int(time.time() * 1000), stolen))
        cpu_now_s, calls = cpu_s(pid), progress.calls
        work, spans = _backlog(url)
        each_us = (cpu_now_s - cpu_before_s) / max(calls - calls_before, 1) * 1e6
        elapsed_s = time.monotonic() - progress.began_s
        print(
            f"  {elapsed_s:6.1f} s: {calls} calls sent, {work} to assemble, {spans} spans to send, "
            f"{each_us:.0f} µs CPU a call, {rss_mb(pid):.0f} MB, {stolen:.0%} stolen",
            flush=True,
        )
        cpu_before_s, calls_before = cpu_now_s, calls


def _backlog(url: str) -> tuple[int, int]:
    return count(url, "SELECT count(*) FROM call_work"), count(url, "SELECT count(*) FROM exports WHERE state = 'pending'")


def _drain(url: str) -> None:
    wait_for("the backlog to be worked off", lambda: _backlog(url) == (0, 0), limit_s=DRAIN_LIMIT_S)


def _load(port: int, progress: Progress, *, rate: int, seconds: float) -> None:
    asyncio.run(_send_all(port, progress, rate, seconds))


async def _send_all(port: int, progress: Progress, rate: int, seconds: float) -> None:
    calls_a_body = min(CALLS_A_BODY, rate)
    bodies, every_s = round(rate * seconds / calls_a_body), calls_a_body / rate
    numbers, began_s, prefix = iter(range(bodies)), time.monotonic(), f"bench-{time.time_ns():x}"

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: "
        for number in numbers:
            await asyncio.sleep(max(began_s + number * every_s - time.monotonic(), 0))
            content = body(f"{prefix}-{number}", calls_a_body)
            sent_s = time.monotonic()
            progress.latest_s = max(progress.latest_s, sent_s - began_s - number * every_s)
            writer.write(f"{head}{len(content)}\r\n\r\n".encode() + content)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            said = await reader.readexactly(length)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"the collector answered {answer[:30]!r} {said[:200]!r}")
            progress.answers_s.append(time.monotonic() - sent_s)
            progress.calls += calls_a_body
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))


def body(prefix: str, calls: int) -> bytes:
    """A POST body of so many calls that end now."""
    now_ms = int(time.time() * 1000)
    resource, told = json.dumps(RESOURCE), []
    for number in range(calls):
        text = _CALL.replace("@name", f"{prefix}-{number}")
        for place, offset_ms in enumerate(_OFFSETS_MS):
            text = text.replace(f'"@at{place}"', str(now_ms - 300 + offset_ms))
        told.append(text)
    return f'{{"resource":{resource},"events":[{",".join(told)}]}}'.encode()


_OFFSETS_MS = (0, 40, 140, 240, 241, 242)
_USAGE = {"promptTokens": 71, "completionTokens": 22, "totalTokens": 93, "promptTokensDetails": {"cachedTokens": 10}}
_PARTS: Sequence[dict[str, object]] = (
    {
        "type": "text:request:started",
        "messageCount": 1,
        "hasTools": False,
        "streaming": True,
        "messages": [{"role": "user", "content": "What is the weather like in the north today? " * 6}],
        "modelOptions": {"temperature": 0.3, "max_tokens": 200},
    },
    *(
        {
            "type": "text:chunk:content",
            "messageId": "m",
            "content": "",
            "chunks": [{"offsetMs": n * 12.5, "delta": f"word{n} "} for n in range(8)],
        }
        for _ in range(2)
    ),
    {"type": "text:chunk:done", "messageId": "m", "finishReason": "stop"},
    {"type": "text:usage", "messageId": "m", "usage": _USAGE},
    {
        "type": "text:request:completed",
        "content": "It is cold and clear. " * 12,
        "finishReason": "stop",
        "streaming": True,
        "messageCount": 1,
        "hasTools": False,
        "duration": 242.5,
        "usage": _USAGE,
    },
)
_CALL = ",".join(
    json.dumps(
        {
            "requestId": "@name", "streamId": "@name-s", "provider": "openai", "model": "gpt-4o", "source": "server",
            "eventId": f"@name-{place}", "sequence": place, "timestamp": f"@at{place}", **part,
        }
    )
    for place, part in enumerate(_PARTS)
)  # fmt: skip


@contextlib.contextmanager
def _receiver() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-m", "benchmarks.span_receiver"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextlib.contextmanager
def _database(wanted: argparse.Namespace, folder: str) -> Iterator[str]:
    if not wanted.postgresql:
        yield wanted.database or f"sqlite:///{folder}/bench.db"
        return
    binaries = find_binaries()
    assert binaries is not None, "no PostgreSQL here: give --database"
    server = PostgresServer(binaries, options="-c fsync=on -c shared_buffers=256MB")
    try:
        yield server.url(server.new_database())
    finally:
        server.stop()


def _percentiles_ms(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds) or [float("nan")]
    shares = {share: 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99)}
    return f"p50 {shares[0.5]:.0f} ms, p99 {shares[0.99]:.0f} ms, most {1000 * ordered[-1]:.0f} ms"


if __name__ == "__main__":
    main()
