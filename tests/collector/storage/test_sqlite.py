"""
What only SQLite has: one owner a file, synced commits, a file that is not there.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy.event import listen

from collector.clock import SystemClock
from collector.errors import StoreLocked, StoreUnavailable, WrongSettings
from collector.storage.database import Database
from collector.storage.engines import SqlStore, open_store
from collector.storage.protocols import CallFilter, EventFilter
from collector.storage.sqlite import SqliteEngine
from collector.storage.writer import GroupWriter
from tests.fakes.stored import NOW_MS, append, claim, event, settlement

KILLED = """
import os, sys
from collector.storage.engines import open_store
from tests.fakes.stored import append, event
store = open_store(sys.argv[1], settle_ms=0)
append(store, event("e1"))
print("acknowledged", flush=True)
os.kill(os.getpid(), 9)
"""


def test_second_process_is_told_who_owns_the_file(sqlite_url: str):
    """
    The lock names its holder, ends with it, and doesn't keep readers out.
    """
    first = open_store(sqlite_url, settle_ms=0)

    with pytest.raises(StoreLocked, match=f"process {os.getpid()}"):
        open_store(sqlite_url, settle_ms=0)
    append(first, event("e1"))
    reader = open_store(sqlite_url, settle_ms=0, read_only=True)
    assert 1 == reader.last_arrival("p")

    reader.close()
    first.close()
    open_store(sqlite_url, settle_ms=0).close()


def test_acknowledged_event_survives_kill_and_the_lock_does_not(sqlite_url: str):
    """
    The process dies right after the acknowledgement: the event is there, and the file is free.
    """
    done = subprocess.run([sys.executable, "-c", KILLED, sqlite_url], capture_output=True, text=True, timeout=100, check=False)
    assert ("acknowledged\n", -9) == (done.stdout, done.returncode), done.stderr

    store = open_store(sqlite_url, settle_ms=0)
    assert 1 == store.last_arrival("p")
    store.close()


def test_restart_does_not_wait_for_the_leases_of_the_dead(sqlite_url: str):
    """
    The file has one owner, so whoever opens it knows that nobody works on a claim: calls and spans are due at once.
    """
    first = open_store(sqlite_url, settle_ms=0)
    append(first, event("e1"), event("e2"), start=True, terminal=True)
    (claimed,) = claim(first, now_ms=NOW_MS)
    first.settle_calls([settlement(claimed, destinations=["otlp"])], now_ms=NOW_MS)
    append(first, event("e3", request_id="r2"), start=True, terminal=True)
    claim(first, now_ms=NOW_MS)
    lease = {"owner": "dead", "destination": "otlp", "lease_ms": 60_000, "limit": 9, "max_bytes": 999}
    assert 1 == len(first.claim_exports(now_ms=NOW_MS, **lease))
    first.close()

    second = open_store(sqlite_url, settle_ms=0)
    try:
        assert NOW_MS == second.next_due_ms(now_ms=NOW_MS)
        assert ["r2"] == [one.request_id for one in claim(second, now_ms=NOW_MS)]
        assert 1 == len(second.claim_exports(now_ms=NOW_MS, **lease))
    finally:
        second.close()


def test_commits_are_synced(sqlite_url: str):
    """
    The writing connection syncs each commit, in WAL mode, with the sizes that were measured.
    """
    engine = SqliteEngine(sqlite_url)
    with engine.connect_writer() as connection:
        names = ("synchronous", "journal_mode", "page_size", "cache_size", "wal_autocheckpoint")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
    engine.close()

    assert [2, "wal", 8192, -8000, 4000] == found


def test_database_that_is_not_there_is_not_made_by_looking(tmp_path: Path):
    """
    Opening needs a schema, so it never leaves an empty file behind.
    """
    with pytest.raises(StoreUnavailable, match="there is no database"):
        open_store(f"sqlite:///{tmp_path}/none.db", settle_ms=0)

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("url", ["mysql://x", "sqlite://", "sqlite:///:memory:", "nonsense"])
def test_url_that_names_no_store_is_a_wrong_setting(url: str):
    """
    The variable is named.
    """
    with pytest.raises(WrongSettings, match="HOOKLINE_DATABASE_URL"):
        open_store(url, settle_ms=0)


def test_reads_find_their_index(sqlite_url: str):
    """
    On a fresh database, without ANALYZE, no read or claim walks through a project to find one call or the newest page.
    """
    engine = SqliteEngine(sqlite_url)
    store = SqlStore(Database(engine, GroupWriter(engine, SystemClock(), settle_ms=0, queue_max_events=10)), settle_ms=0)
    append(store, event("e1", run_id="run"), start=True, terminal=True)
    append(store, event("e2", run_id="run"), start=True, terminal=True, project="other")
    statements: list[tuple[str, Any]] = []
    listen(engine.readers, "before_cursor_execute", lambda *given: statements.append((given[2], given[3])))

    claimed = claim(store)
    store.events(EventFilter(project="p", request_id=("r1",)))
    store.call_events("p", "r1", limit=5, cursor=None)
    store.call_event_heads("p", "r1", limit=5, cursor=None, max_chars=9)
    store.call_story("p", "r1", limit=5, max_chars=9)
    store.call_pieces("p", "r1", limit=5)
    store.trace_outline("p", "a" * 32, limit=5)
    store.calls(CallFilter(project="p"))
    store.trace("p", "a" * 32)
    store.events_after("p", 0, limit=5)
    store.calls_updated_after("p", 0, limit=5)
    store.next_due_ms(now_ms=NOW_MS)

    with engine.readers.connect() as connection:
        plans = [
            str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all())
            for statement, given in statements.copy()
            if statement.startswith("SELECT")
        ]
    assert (2, True) == (len(claimed), len(plans) > 10)
    walks = r"SCAN (events|calls|spans|exports)|autoindex_events_1 \(project=\?\)"
    assert [] == [plan for plan in plans if re.search(walks, plan)]
    store.close()


@pytest.mark.parametrize("protected", ["file", "log", "folder"])
def test_files_of_somebody_else_are_told_at_the_start(protected: str, sqlite_url: str) -> None:
    """
    Not by a traceback at the first page that SQLite touches: the setting is named, and the file.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.db"
        log = path.with_name("a.db-wal")
        for file in (path, path.with_name("a.db.lock"), log):
            file.write_bytes(Path(sqlite_url.removeprefix("sqlite:///")).read_bytes() if file is path else b"")
            file.chmod(0o444 if file is path and protected == "file" else 0o666)
        log.chmod(0o400 if protected == "log" else 0o666)
        path.parent.chmod(0o555 if protected == "folder" else 0o777)

        told = told_to_an_ordinary_user(lambda: SqliteEngine(f"sqlite:///{path}"))

    refused = {"file": path, "log": log, "folder": path.parent}[protected]
    assert told.startswith(f"HOOKLINE_DATABASE_URL: {refused} can't be")


def told_to_an_ordinary_user(start: Callable[[], object]) -> str:
    """What WrongSettings says in a process that is not root: for root all files are open."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setuid(65534)
            start()
            os.write(writing, b"started")
        except WrongSettings as exc:
            os.write(writing, str(exc).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as answer:
        told = answer.read().decode()
    os.waitpid(child, 0)
    return told
