"""
A file system that turns read-only under a running collector, as Linux does to a damaged one: every write is EROFS.

The kernel itself refuses: strace answers the collector's writes to its database so, which works for root too.
"""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.faulty import readiness, refused, stored
from tests.end_to_end.kills.nursery import Nursery
from tests.end_to_end.processes import wait_for
from tests.end_to_end.warm import WarmCollector
from tests.fakes.running import Running, chat_call

WRITES = "write,pwrite64,ftruncate,fallocate,fsync,fdatasync"


@contextmanager
def read_only(strace: str, pid: int, database: Path) -> Iterator[None]:
    """Meanwhile the process can't write to the database, nor to its log."""
    paths = ("-P", str(database), "-P", f"{database}-wal")
    faults = ("-e", f"trace={WRITES}", "-e", f"inject={WRITES}:error=EROFS")
    command = [strace, "-f", *paths, *faults, "-o", "/dev/null", "-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        told = ""
        try:
            while "attached" not in told:
                told = tracer.stderr.readline()
                assert told, "strace ended"
            yield
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.stderr.read()


@pytest.mark.timeout(300)
def test_read_only_file_system(sqlite_url: str, tmp_path: Path, nursery: Nursery, strace: str) -> None:
    """
    POSTs get 503 and /readyz says why; reading goes on. Once writes work again events are taken; nothing acknowledged is lost.
    """
    with WarmCollector(database_url=sqlite_url, log_path=tmp_path / "log", nursery=nursery) as process:
        assert process.child is not None
        collector = Running(url=process.url, server=None)  # pyright: ignore[reportArgumentType]
        assert 200 == collector.post_events(*chat_call("before")).status
        collector.wait_for_calls("before")
        with read_only(strace, process.child.pid, tmp_path / "hookline.db"):
            refused(collector.post_events(*chat_call("meanwhile")))
            status, reason = readiness(collector)
            assert (503, True) == (status, "disk reports an error" in reason), reason
            assert ["before"] == [call["request_id"] for call in collector.get("/v1/calls").json["items"]]
            assert 200 == collector.get("/healthz").status
        assert 200 == collector.post_events(*chat_call("after")).status
        wait_for("readiness", lambda: readiness(collector)[0] == 200)
        collector.wait_for_calls("before", "after")
    assert {"before", "after"} == stored(sqlite_url)
