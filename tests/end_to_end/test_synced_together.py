"""
The kernel's view of group commit: many connections post at once, and none is answered before a sync that covers its events.

A real collector on SQLite under strace. A group that was answered with the sync of the group before it would show here.
"""

import http.client
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.end_to_end.kills.nursery import Nursery
from tests.end_to_end.test_synced import watched
from tests.end_to_end.warm import WarmCollector
from tests.fakes.running import RESOURCE, chat_call

CONNECTIONS = 16
REQUESTS_EACH = 12
_LINE = re.compile(r"(?P<thread>\d+) +(?P<rest>.*)")
_CALL = re.compile(r"(?P<name>\w+)\((?P<descriptor>\d+)<(?P<file>[^>]*)>?")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>")
_ENDED_WELL = re.compile(r"= \d+$")
_GOT_BYTES = re.compile(r"= [1-9]\d*$")


class Watch:
    """What a trace tells, line by line: for each descriptor when it was last read; when syncs of the log began and ended."""

    def __init__(self) -> None:
        self.answers = 0
        self.too_early = 0
        self.syncs = 0
        self._read_at: dict[str, int] = {}
        self._newest_sync = -1
        """When the latest began of those syncs that have ended."""
        self._under_way: dict[str, tuple[str, str, str, int]] = {}

    def take(self, at: int, thread: str, text: str) -> None:
        """One line: a whole call of the kernel, its beginning, or its end."""
        if _RESUMED.match(text):
            if (begun := self._under_way.pop(thread, None)) is not None:
                self._end(at, text, *begun)
            return
        if (call := _CALL.match(text)) is None:
            return
        begun = (call["name"], call["descriptor"], call["file"], at)
        if '"HTTP/1.1 200' in text:
            self._answer(call["descriptor"])
        if text.endswith("<unfinished ...>"):
            self._under_way[thread] = begun
        else:
            self._end(at, text, *begun)

    def _answer(self, descriptor: str) -> None:
        # A connection whose POST was not seen would be no proof: it counts as too early.
        read_at = self._read_at.pop(descriptor, None)
        self.answers += 1
        self.too_early += read_at is None or self._newest_sync < read_at

    def _end(self, at: int, text: str, name: str, descriptor: str, file: str, began: int) -> None:
        if name in ("fsync", "fdatasync") and file.endswith("-wal") and _ENDED_WELL.search(text):
            self.syncs += 1
            self._newest_sync = max(self._newest_sync, began)
        elif name in ("read", "recvfrom", "recvmsg") and _GOT_BYTES.search(text):
            # The last piece of a request counts: without it there was nothing to store.
            self._read_at[descriptor] = at


def seen(trace: str) -> Watch:
    """The whole trace."""
    watch = Watch()
    for at, (thread, text) in enumerate(_lines(trace)):
        watch.take(at, thread, text)
    return watch


def _lines(trace: str) -> Iterator[tuple[str, str]]:
    for line in trace.splitlines():
        if found := _LINE.match(line):
            yield found["thread"], found["rest"]


def post_from_one_connection(port: int, sender: int) -> int:
    """How many POSTs one kept-alive connection had answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=100)
    taken = 0
    try:
        for number in range(REQUESTS_EACH):
            body = json.dumps({"resource": RESOURCE, "events": chat_call(f"c{sender}-{number}")})
            connection.request("POST", "/v1/events", body=body, headers={"content-type": "application/json"})
            answer = connection.getresponse()
            taken += answer.status == 200 and json.loads(answer.read())["accepted"] == 3
    finally:
        connection.close()
    return taken


def traced_together(strace: str, collector: WarmCollector) -> Watch:
    """What the kernel saw of a collector that many connections post to at once."""
    path = collector.log_path.with_name("trace")
    with collector, ThreadPoolExecutor(CONNECTIONS) as senders:
        assert collector.child is not None
        with watched(strace, collector.child.pid, path):
            taken = list(senders.map(lambda sender: post_from_one_connection(collector.port, sender), range(CONNECTIONS)))
    assert [REQUESTS_EACH] * CONNECTIONS == taken
    return seen(path.read_text(errors="replace"))


@pytest.mark.timeout(300)
def test_each_of_many_answers_waits_for_its_own_sync(sqlite_url: str, tmp_path: Path, nursery: Nursery, strace: str) -> None:
    """
    For every 200 a sync of the log began after its POST was read, and ended before the answer was written.
    """
    watch = traced_together(strace, WarmCollector(database_url=sqlite_url, log_path=tmp_path / "log", nursery=nursery))

    assert CONNECTIONS * REQUESTS_EACH == watch.answers
    assert 0 < watch.syncs
    assert 0 == watch.too_early


@pytest.mark.long
@pytest.mark.timeout(300)
def test_many_answers_from_memory_are_noticed(sqlite_url: str, tmp_path: Path, nursery: Nursery, strace: str) -> None:
    """
    With a writer that acknowledges before the commit the same look finds answers without a sync.
    """
    collector = WarmCollector(database_url=sqlite_url, log_path=tmp_path / "log", nursery=nursery, what="serve_hastily")
    watch = traced_together(strace, collector)

    assert CONNECTIONS * REQUESTS_EACH == watch.answers
    assert 0 < watch.too_early


BORROWED = """\
11 read(7<socket:[1]>, "POST /v1/events", 65536) = 15
12 fdatasync(4</db-wal> <unfinished ...>
11 read(8<socket:[2]>,  <unfinished ...>
11 <... read resumed>"POST /v1/events", 65536) = 15
12 <... fdatasync resumed>) = 0
11 write(7<socket:[1]>, "HTTP/1.1 200 OK", 15) = 15
11 write(8<socket:[2]>, "HTTP/1.1 200 OK", 15) = 15
"""


def test_a_sync_that_began_before_the_post_does_not_count() -> None:
    """
    Of two answers after one sync the one is too early whose POST was read while it ran: its events may not be in it.
    """
    watch = seen(BORROWED)

    assert (2, 1, 1) == (watch.answers, watch.syncs, watch.too_early)
