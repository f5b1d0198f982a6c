"""
A history that JavaScript's client sends once, in front of a real collector, also one that gets another database.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.fakes.js_package import environment
from tests.fakes.running import Running, eventually, running_collector

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]
CALLS = 8


@contextmanager
def chatting(package: Path, url: str) -> Iterator[Callable[[], dict[str, Any]]]:
    """A process of the application; each use is a call, delivered."""
    process = subprocess.Popen(
        ["node", "test/apps/history.mjs"],
        cwd=package,
        env=environment(HOOKLINE_URL=url),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, told = process.stdin, process.stdout

        def call() -> dict[str, Any]:
            asked.write("call\n")
            asked.flush()
            return json.loads(told.readline())

        yield call
        asked.close()
        assert 0 == process.wait(timeout=60)
    finally:
        process.kill()
        process.wait(timeout=60)


def histories(collector: Running, count: int) -> list[list[str]]:
    """What each call was asked, as a reader sees it; the oldest first."""
    rows = eventually(lambda: found if len(found := started(collector)) == count else None)
    return [[message["content"] for message in row["payload"]["messages"]] for row in rows]


def started(collector: Running) -> list[dict[str, Any]]:
    rows = collector.get("/v1/events?type=text:request:started&limit=100").json["items"]
    return sorted(rows, key=lambda row: row["sequence"])


def test_a_history_goes_over_the_wire_once(package: Path, sqlite_url: str, tmp_path: Path) -> None:
    """
    Each call's event takes along what is new and is read whole. A collector that comes back with another database gets all of it
    once more, and nothing is lost.
    """
    with running_collector(sqlite_url) as collector:
        port = urlsplit(collector.url).port
        with chatting(package, collector.url) as call:
            told = [call() for _ in range(CALLS)]
            assert [one["last"] for one in told] == histories(collector, CALLS)
            collector.server.stop()
            with running_collector(f"sqlite:///{tmp_path}/other.db", port=port) as other:
                told += [call(), call()]
                assert [one["last"] for one in told[CALLS:]] == histories(other, 2)
    assert {(True, 0)} == {(one["isDelivered"], one["losses"]) for one in told}
    *growing, anew, last = [one["wireBytes"] for one in told]
    assert max(growing[1:]) < 2 * growing[0]
    assert anew > CALLS * growing[0] / 2
    assert last < 2 * growing[0]
