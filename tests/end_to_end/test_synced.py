"""
The kernel's view of an acknowledgement: before each 200 the data was synced, or PostgreSQL had said that it is.

A real collector under strace. Between reading a POST and writing its answer there must be, on SQLite, a finished fdatasync of
the log; on PostgreSQL, its answer to COMMIT.
"""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.kills.nursery import Nursery
from tests.end_to_end.warm import WarmCollector
from tests.fakes.running import chat_call

REQUESTS = 30
CALLS = "read,recvfrom,recvmsg,write,writev,sendto,sendmsg,fsync,fdatasync"
POSTED, SAFE, ANSWERED = "P", "S", "A"
_COMMITTED = re.compile(r" (read|recv\w+|<\.\.\. re\w+ resumed>).*COMMIT\\0.* = \d+$")
_SYNCED = re.compile(r" f(data)?sync\([^<]*<[^>]*-wal>\) += 0$")
_SYNC_BEGAN = re.compile(r" f(data)?sync\([^<]*<[^>]*-wal> <unfinished \.\.\.>$")
_SYNC_ENDED = re.compile(r" <\.\.\. f(data)?sync resumed>\) += 0$")


def marks(trace: str) -> str:
    """What happened, in its order: a POST was read, data became safe, an answer began to be written."""
    syncing: set[str] = set()
    found: list[str] = []
    for line in trace.splitlines():
        thread = line.partition(" ")[0]
        if '"POST /v1/events' in line:
            found.append(POSTED)
        elif '"HTTP/1.1 200' in line:
            found.append(ANSWERED)
        elif _COMMITTED.search(line) or _SYNCED.search(line):
            found.append(SAFE)
        elif _SYNC_BEGAN.search(line):
            syncing.add(thread)
        elif thread in syncing and _SYNC_ENDED.search(line):
            syncing.discard(thread)
            found.append(SAFE)
    return "".join(found)


def answers_before_safety(trace: str) -> int:
    """How many answers were begun although nothing had become safe since their POST was read."""
    return len(re.findall(f"{POSTED}{ANSWERED}", marks(trace)))


@contextmanager
def watched(strace: str, pid: int, path: Path) -> Iterator[None]:
    """The process's calls of the kernel go to the file meanwhile."""
    command = [strace, "-f", "-y", "-s", "400", "-e", f"trace={CALLS}", "-o", str(path), "-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        told = tracer.stderr.readline()
        try:
            assert "attached" in told, told
            yield
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.stderr.read()


def traced(strace: str, collector: WarmCollector) -> str:
    """The trace of a collector that took a number of POSTs, one after the other."""
    path = collector.log_path.with_name("trace")
    with collector:
        assert collector.child is not None
        with watched(strace, collector.child.pid, path):
            for number in range(REQUESTS):
                assert 3 == collector.post(chat_call(f"c{number}"))["accepted"]
    return path.read_text(errors="replace")


@pytest.mark.timeout(300)
def test_data_is_safe_before_each_answer(store_url: str, tmp_path: Path, nursery: Nursery, strace: str) -> None:
    """
    Every single 200 comes after the sync of the log, or after PostgreSQL's answer to COMMIT.
    """
    trace = traced(strace, WarmCollector(database_url=store_url, log_path=tmp_path / "log", nursery=nursery))

    assert REQUESTS == marks(trace).count(POSTED)
    assert REQUESTS <= marks(trace).count(SAFE)
    assert 0 == answers_before_safety(trace)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_trace_shows_a_collector_that_answers_too_early(
    sqlite_url: str, tmp_path: Path, nursery: Nursery, strace: str
) -> None:
    """
    With a writer that acknowledges from memory, answers come first.
    """
    collector = WarmCollector(database_url=sqlite_url, log_path=tmp_path / "log", nursery=nursery, what="serve_hastily")
    trace = traced(strace, collector)

    assert 0 < answers_before_safety(trace)
