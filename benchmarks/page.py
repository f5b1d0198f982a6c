"""
How quick the page is on a large database: `python -m benchmarks.page [--calls 100000] [--keep FILE] [--postgresql]`.

Server time and bytes by plain HTTP, first paint by a real Chromium; the collector is a process of its own. Each figure is the
best and the median of several, beside its limit; the machine's load is printed because the figures mean nothing without it.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.big_database import BIG_CALL, BIG_TRACE_ROOT, fill
from tests.browser.conftest import ARGUMENTS, NAMES
from tests.end_to_end.processes import CollectorProcess
from tests.fakes.postgres import PostgresServer, find_binaries

ROUNDS = 7
LIST_PAINT_MS = 300
CALL_OPEN_MS = 500
LIST_BYTES = 200_000
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"


def measure(url: str, say: Callable[[str], None]) -> None:
    """All figures of one collector."""
    pages = (
        ("list", "/", LIST_PAINT_MS, LIST_BYTES),
        ("list, filtered by model and status", "/?model=gpt-5&status=error", LIST_PAINT_MS, LIST_BYTES),
        ("list, words searched", "/?q=refund", None, LIST_BYTES),
        ("list, words that nothing has", "/?q=zzzz", None, LIST_BYTES),
        ("20,000 chunks: conversation", f"/calls/{BIG_CALL}", CALL_OPEN_MS, None),
        ("20,000 chunks: chunks", f"/calls/{BIG_CALL}?tab=chunks", CALL_OPEN_MS, None),
        ("20,000 chunks: events", f"/calls/{BIG_CALL}?tab=events", CALL_OPEN_MS, None),
        ("20,000 chunks: timing", f"/calls/{BIG_CALL}?tab=timing", CALL_OPEN_MS, None),
        ("20,000 chunks: raw", f"/calls/{BIG_CALL}?tab=raw", CALL_OPEN_MS, None),
        ("3,000 spans: waterfall", f"/calls/{BIG_TRACE_ROOT}", CALL_OPEN_MS, None),
        ("an ordinary call", "/calls/req-000007-3", CALL_OPEN_MS, None),
    )
    say(f"{'':<36} {'server ms':>15} {'first paint ms':>17} {'limit':>6} {'bytes':>9} {'limit':>8}")
    with sync_playwright() as playwright:
        path = next(found for name in NAMES if (found := shutil.which(name)))
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        for name, address, limit_ms, limit_bytes in pages:
            served, size = _served(url + address)
            painted = _painted(page, url + address)
            say(
                f"{name:<36} {_figures(served):>15} {_figures(painted):>17} {limit_ms or '':>6} {size:>9,} "
                f"{format(limit_bytes, ',') if limit_bytes else '':>8}"
            )
        browser.close()
    _, size = _served(f"{url}/v1/calls")
    say(f"{'/v1/calls, one page':<36} {'':>15} {'':>17} {'':>6} {size:>9,} {LIST_BYTES:>8,}")


def _served(address: str) -> tuple[list[float], int]:
    times: list[float] = []
    size = 0
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        with urllib.request.urlopen(address, timeout=60) as answer:
            size = len(answer.read())
        times.append((time.perf_counter() - begin) * 1000)
    return times, size


def _painted(page: Page, address: str) -> list[float]:
    times: list[float] = []
    for _ in range(ROUNDS):
        page.goto(address)
        page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length > 0")
        times.append(float(page.evaluate(PAINT)))
    return times


def _figures(times: list[float]) -> str:
    return f"{min(times):.0f} / {statistics.median(times):.0f}"


def _run(name: str, url: str, folder: Path, calls: int, *, is_full: bool) -> None:
    print(f"\n{name}, {calls:,} calls")
    if not is_full:
        begin = time.perf_counter()
        fill(url, total_calls=calls, say=lambda line: print(f"  {time.perf_counter() - begin:6.1f} s  {line}", flush=True))
    with CollectorProcess(database_url=url, log_path=folder / "collector.log", env={"HOME": str(folder)}) as collector:
        time.sleep(1)
        print(f"load before: {os.getloadavg()[0]:.1f}; best / median of {ROUNDS}")
        measure(collector.url, lambda line: print(line, flush=True))
        print(f"load after: {os.getloadavg()[0]:.1f}")


def main() -> None:
    """Fill and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, help="an SQLite file to fill once and measure again")
    parser.add_argument("--postgresql", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hookline-bench-") as name:
        folder = Path(name)
        if given.postgresql:
            binaries = find_binaries()
            if binaries is None:
                raise SystemExit("no PostgreSQL binaries")
            server = PostgresServer(binaries)
            try:
                _run("PostgreSQL", server.url(server.new_database()), folder, given.calls, is_full=False)
            finally:
                server.stop()
            return
        path = given.keep or folder / "big.db"
        _run("SQLite", f"sqlite:///{path}", folder, given.calls, is_full=path.exists())


if __name__ == "__main__":
    main()
