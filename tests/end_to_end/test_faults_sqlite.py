"""
What happens to the disk under a running collector on SQLite: a clear 503, a living process, nothing acknowledged lost, and it
goes on by itself when the fault is over.
"""

import os
import resource
import shutil
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.faulty import post_until_refused, readiness, refused, stored
from tests.end_to_end.kills.nursery import Nursery
from tests.end_to_end.processes import wait_for
from tests.end_to_end.warm import WarmCollector
from tests.fakes.running import Running, chat_call, running_collector

BIG = "x" * 20_000


def test_full_disk(sqlite_url: str, tmp_path: Path, nursery: Nursery) -> None:
    """
    Files that can't grow: 503 with Retry-After, /readyz names the disk. With room again the same POST is taken, without a
    restart, and everything that was acknowledged is there.
    """
    with WarmCollector(database_url=sqlite_url, log_path=tmp_path / "log", nursery=nursery) as process:
        collector = Running(url=process.url, server=None)  # pyright: ignore[reportArgumentType]
        assert 200 == collector.post_events(*chat_call("before")).status
        assert process.child is not None
        in_use = max(path.stat().st_size for path in tmp_path.iterdir())
        limit_files(process.child.pid, in_use + 100_000)
        taken, answer = post_until_refused(collector, "full", BIG)
        refused(answer)
        status, reason = readiness(collector)
        assert (503, True) == (status, "disk" in reason), reason
        assert 200 == collector.get("/healthz").status
        assert 200 == collector.get("/v1/calls").status

        limit_files(process.child.pid, resource.RLIM_INFINITY)
        assert 200 == collector.post_events(*chat_call("after")).status
        assert (200, "") == readiness(collector)
        assert process.is_alive()
    assert {"before", "after", *taken} == stored(sqlite_url)


def limit_files(pid: int, size_bytes: int) -> None:
    """No file of that process grows beyond this."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))


def test_database_that_is_moved_away_and_put_back(sqlite_url: str, tmp_path: Path) -> None:
    """
    SQLite would go on writing into the file that has no name any more: events are refused until it is back in its place.
    """
    path, elsewhere = tmp_path / "hookline.db", tmp_path / "elsewhere.db"
    with running_collector(sqlite_url) as collector:
        assert 200 == collector.post_events(*chat_call("before")).status
        path.rename(elsewhere)
        refused(collector.post_events(*chat_call("meanwhile")))
        status, reason = readiness(collector)
        assert (503, True) == (status, "removed or replaced" in reason), reason
        elsewhere.rename(path)
        assert 200 == collector.post_events(*chat_call("after")).status
        assert (200, "") == readiness(collector)
    assert {"before", "after"} == stored(sqlite_url)


def _replace(path: Path) -> None:
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    os.replace(copy, path)


def _remove_log(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


@pytest.mark.parametrize("damage", [_replace, _remove_log])
def test_database_that_is_replaced_takes_nothing(sqlite_url: str, tmp_path: Path, damage: Callable[[Path], Any]) -> None:
    """
    Another file of that name, or a removed log, needs a restart: until then nothing is acknowledged that would be lost.
    """
    with running_collector(sqlite_url) as collector:
        assert 200 == collector.post_events(*chat_call("before")).status
        damage(tmp_path / "hookline.db")
        for name in ("one", "two"):
            refused(collector.post_events(*chat_call(name)))
        assert 503 == readiness(collector)[0]
        assert 200 == collector.get("/healthz").status


@pytest.mark.long
def test_database_locked_by_another_process(sqlite_url: str, tmp_path: Path) -> None:
    """
    Somebody's open transaction makes POSTs wait for some seconds, then 503; /readyz names the lock; its end ends it.
    """
    with running_collector(sqlite_url) as collector, closing(sqlite3.connect(tmp_path / "hookline.db")) as other:
        other.isolation_level = None
        other.execute("BEGIN IMMEDIATE")
        refused(collector.post_events(*chat_call("meanwhile")))
        status, reason = readiness(collector)
        assert (503, True) == (status, "locked" in reason), reason
        other.execute("ROLLBACK")
        assert 200 == collector.post_events(*chat_call("after")).status
        wait_for("readiness", lambda: readiness(collector)[0] == 200)
    assert {"after"} == stored(sqlite_url)


@pytest.mark.long
def test_no_file_descriptor_left(sqlite_url: str, tmp_path: Path, nursery: Nursery) -> None:
    """
    Where the process may open nothing more, connections wait; when others end, it serves again.
    """
    with WarmCollector(database_url=sqlite_url, log_path=tmp_path / "log", nursery=nursery) as process:
        collector = Running(url=process.url, server=None)  # pyright: ignore[reportArgumentType]
        assert process.child is not None
        open_ones = Path(f"/proc/{process.child.pid}/fd")
        in_use = len(os.listdir(open_ones))
        resource.prlimit(process.child.pid, resource.RLIMIT_NOFILE, (in_use + 5, 4096))
        idle = [socket.create_connection(("127.0.0.1", process.port)) for _ in range(20)]
        wait_for("descriptors to run out", lambda: len(os.listdir(open_ones)) >= in_use + 5)
        for connection in idle:
            connection.close()
        wait_for("a free one", lambda: len(os.listdir(open_ones)) < in_use + 4)
        assert 200 == collector.post_events(*chat_call("after")).status
        assert process.is_alive()
    assert {"after"} == stored(sqlite_url)
