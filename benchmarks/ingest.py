"""
From HTTP to a synced commit: events a second, the answer's p50 and p99, memory, and how soon a call is a row and a span.

    python -m benchmarks.ingest [--seconds 10] [--database URL …]

SQLite runs with `synchronous=FULL`. A PostgreSQL given by URL is measured as it is configured; the figure says its `fsync`.
The same run writes the same rows by the bare driver, so that a figure can be read as a ratio on any machine.
"""

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.http_load import LoadResult, post_all
from tests.end_to_end.database import count
from tests.end_to_end.load import RESOURCE, call_events
from tests.end_to_end.processes import CollectorProcess, wait_for
from tests.fakes.otlp import OtlpReceiver

SHAPES = ((1, 1), (1, 64), (100, 4), (1000, 4))
"""(events a request, connections)"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=60_000, help="events a shape; single-event requests take a tenth")
    parser.add_argument("--database", action="append", help="default: a new SQLite file")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        urls = wanted.database or [f"sqlite:///{folder}/bench.db"]
        for url in urls:
            print(f"\n{url.split(':')[0]}: {durability(url)}")
            measure_throughput(url, wanted.events, Path(folder))
        raw_sqlite(Path(folder), wanted.events)
        for url in wanted.database or [f"sqlite:///{folder}/latency.db"]:
            measure_latency(url, Path(folder))


def durability(url: str) -> str:
    """What a commit means on this database."""
    if url.startswith("sqlite"):
        return "WAL, synchronous=FULL"
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        row = connection.execute("SHOW fsync").fetchone()
        return f"fsync={row[0] if row else '?'}, synchronous_commit as configured"


def measure_throughput(url: str, events: int, folder: Path) -> None:
    with CollectorProcess(database_url=url, log_path=folder / "collector.log") as collector:
        print(f"  memory idle: {rss_mb(collector):.0f} MB")
        for events_a_body, connections in SHAPES:
            many = events // 10 if events_a_body == 1 else events
            prepared = bodies(f"{events_a_body}-{connections}-{time.time_ns()}", many, events_a_body)
            show(
                events_a_body,
                connections,
                post_all(collector.port, prepared, events_a_body=events_a_body, connections=connections),
            )
        print(f"  memory after: {rss_mb(collector):.0f} MB")


def show(events_a_body: int, connections: int, load: LoadResult) -> None:
    print(
        f"  {events_a_body:5} events a request, {connections:2} connections: {load.events_per_s:8,.0f} events/s, "
        f"p50 {load.percentile_ms(0.5):6.1f} ms, p99 {load.percentile_ms(0.99):6.1f} ms"
    )


def bodies(prefix: str, events: int, events_a_body: int) -> list[bytes]:
    """Prepared POST bodies of three-event calls, about 500 bytes an event."""
    now_ms = time.time() * 1000
    stream = [event for n in range(-(-events // 3)) for event in call_events(f"{prefix}-{n}", at_ms=now_ms + n)][:events]
    groups = [stream[at : at + events_a_body] for at in range(0, events, events_a_body)]
    return [json.dumps({"resource": RESOURCE, "events": group}).encode() for group in groups]


def raw_sqlite(folder: Path, events: int) -> None:
    """The limit to compare with: sqlite3, FULL, 1,000 rows of 26 columns a commit, unique key and one more index."""
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.executescript("PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-64000;")
    columns = ", ".join(f"c{n}" for n in range(24))
    connection.execute(f"CREATE TABLE raw (id INTEGER PRIMARY KEY, at INTEGER, name TEXT, {columns}, payload TEXT)")
    connection.execute("CREATE UNIQUE INDEX raw_key ON raw (at, name)")
    connection.execute("CREATE INDEX raw_request ON raw (c0)")
    insert = f"INSERT OR IGNORE INTO raw (at, name, {columns}, payload) VALUES ({', '.join('?' * 27)})"
    rows = [(1_764_000_000_000 + n, f"e-{n:09}", *(["x" * 12] * 24), "p" * 500) for n in range(events)]
    began = time.perf_counter()
    for at in range(0, events, 1000):
        connection.execute("BEGIN")
        connection.executemany(insert, rows[at : at + 1000])
        connection.execute("COMMIT")
    print(f"\nraw sqlite3, FULL, 1,000 rows a commit: {events / (time.perf_counter() - began):,.0f} rows/s")


def measure_latency(url: str, folder: Path, *, calls: int = 60) -> None:
    """Seconds from the POST's first byte to the finished row, and to the span at the receiver, with nothing else to do."""
    wait_for("the backlog of the load", lambda: not backlog(url), limit_s=300)
    with OtlpReceiver() as backend:
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": backend.endpoint}
        with CollectorProcess(database_url=url, log_path=folder / "collector.log", env=environment) as collector:
            rows_s: list[float] = []
            spans_s: list[float] = []
            for n in range(calls):
                name = f"latency-{time.time_ns()}-{n}"
                began = time.perf_counter()
                collector.post({"resource": RESOURCE, "events": call_events(name, at_ms=time.time() * 1000)})
                wait_for("the row", lambda name=name: collector.get(f"/v1/calls/{name}")["call"]["status"] == "ok")
                rows_s.append(time.perf_counter() - began)
                wait_for("the span", lambda name=name: seen(backend, name))
                spans_s.append(time.perf_counter() - began)
    print(f"\n{url.split(':')[0]}: POST to finished row {summary(rows_s)}; to exported span {summary(spans_s)}")


def backlog(url: str) -> int:
    """Calls that wait for assembly; a database of its own has none."""
    return count(url, "SELECT count(*) FROM call_work") if not url.startswith("sqlite") else 0


def seen(backend: OtlpReceiver, name: str) -> bool:
    return any(span.attributes["hookline.request_id"] == name for span in backend.spans())


def summary(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    return f"p50 {1000 * statistics.median(ordered):.0f} ms, p99 {1000 * ordered[int(len(ordered) * 0.99)]:.0f} ms"


def rss_mb(collector: CollectorProcess) -> float:
    assert collector.process is not None
    status = Path(f"/proc/{collector.process.pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


if __name__ == "__main__":
    main()
