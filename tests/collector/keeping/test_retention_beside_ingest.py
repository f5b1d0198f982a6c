"""
Retention while events come in, calls are settled and steps fail: no row is left that refers to nothing.
"""

import sqlite3
import threading
from contextlib import closing

import psycopg
import pytest

from collector.errors import StoreError
from collector.keeping.retention import RetentionLimits, RetentionWorker
from collector.storage.engines import open_store
from collector.storage.protocols import Store
from tests.fakes.clock import FakeClock
from tests.fakes.kept import DAY_MS, OLD_MS, dangling, media, old_call, rows, showing
from tests.fakes.stored import NOW_MS, append, claim, event, settlement

CALLS = 7
AT_MOST = 3_000
ROUNDS = (60, pytest.param(400, marks=pytest.mark.long))
BREAK_SQLITE = "CREATE TRIGGER broken BEFORE DELETE ON call_health BEGIN SELECT RAISE(ABORT, 'broken'); END"
BREAK_POSTGRESQL = (
    "CREATE FUNCTION break_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;"
    "CREATE TRIGGER broken BEFORE DELETE ON call_health FOR EACH ROW EXECUTE FUNCTION break_it()"
)
MEND_POSTGRESQL = "DROP TRIGGER broken ON call_health; DROP FUNCTION break_it()"


def retention(store: Store, *, days: int | None = 30) -> RetentionWorker:
    limits = RetentionLimits(days=days)
    return RetentionWorker(store, limits, clock=FakeClock(NOW_MS), queued_events=store.queued_events)


def send(store: Store, failures: list[Exception], offset: int, rounds: int, has_removed: threading.Event) -> None:
    """The same few calls again and again, all old, all with the same two pictures; each once more after one was removed."""
    try:
        left = rounds
        for number in range(AT_MOST):
            left = max(left - 1, 0 if has_removed.is_set() else CALLS)
            if not left:
                break
            name, blob = f"r{(number + offset) % CALLS}", media(b"picture %d" % (number % 2))
            columns = {"request_id": name, "timestamp": OLD_MS + number, "received_at": OLD_MS}
            row = event(f"{offset}-{number}", **columns, payload=showing(blob))
            append(store, row, start=True, terminal=True, received_ms=OLD_MS, blobs=(blob,))
    except Exception as exc:
        failures.append(exc)


def settle(store: Store, failures: list[Exception], is_over: threading.Event) -> None:
    try:
        while not is_over.is_set():
            claims = claim(store, lease_ms=60_000)
            store.settle_calls([settlement(one, start_ms=float(OLD_MS)) for one in claims], now_ms=OLD_MS)
    except Exception as exc:
        failures.append(exc)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_events_come_in_while_their_calls_go(store_url: str, rounds: int):
    """
    Two senders (on PostgreSQL through two collectors) keep calls alive that retention removes, with media that it collects.
    """
    store = open_store(store_url, settle_ms=0)
    other = store if store_url.startswith("sqlite") else open_store(store_url, settle_ms=0)
    failures: list[Exception] = []
    is_over, has_removed = threading.Event(), threading.Event()
    senders = [
        threading.Thread(target=send, args=(one, failures, offset, rounds, has_removed))
        for offset, one in enumerate((store, other))
    ]
    settler = threading.Thread(target=settle, args=(store, failures, is_over))
    worker, removed = retention(store), 0
    try:
        for thread in (*senders, settler):
            thread.start()
        while any(sender.is_alive() for sender in senders):
            removed += worker.run_pass().get("calls", 0)
            if removed:
                has_removed.set()
        is_over.set()
        settler.join(60)
        assert [] == failures
        assert {} == {name: count for name, count in dangling(store_url).items() if name != "media without a reference"}
        settled = [settlement(one, start_ms=float(OLD_MS)) for one in claim(store, now_ms=NOW_MS + 120_000)]
        store.settle_calls(settled, now_ms=OLD_MS)
        removed += worker.run_pass().get("calls", 0)
    finally:
        is_over.set()
        other.close()
        store.close()

    assert removed > CALLS
    assert {} == dangling(store_url)
    assert {"events": 0, "blobs": 0} == rows(store_url, "events", "blobs")


def test_step_that_fails_in_the_middle_changed_nothing(store: Store, store_url: str):
    """
    A call is removed in one transaction: an error at one of its tables leaves all of it.
    """
    old_call(store, "old", destinations=(), blob=media(b"x"))
    run(store_url, BREAK_SQLITE if store_url.startswith("sqlite") else BREAK_POSTGRESQL)
    before = rows(store_url, "events", "calls", "spans", "tool_calls", "blobs", "blob_refs", "call_work")

    try:
        with pytest.raises((StoreError, sqlite3.Error)):
            retention(store).run_pass()
        assert before == rows(store_url, "events", "calls", "spans", "tool_calls", "blobs", "blob_refs", "call_work")
    finally:
        run(store_url, "DROP TRIGGER broken" if store_url.startswith("sqlite") else MEND_POSTGRESQL)
    retention(store).run_pass()
    assert {"events": 0, "calls": 0, "blobs": 0} == rows(store_url, "events", "calls", "blobs")


def run(url: str, statement: str) -> None:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.execute(statement)
    else:
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(statement.encode())


def test_worker_takes_small_steps_and_rests(store: Store):
    """
    One step a round, a rest after it at least as long; with many events waiting it does nothing; a pass every few minutes.
    """
    for number in range(5):
        old_call(store, f"r{number}", trace_id=f"{number:032}")
    waiting = [0]
    clock = FakeClock(NOW_MS)
    worker = RetentionWorker(store, RetentionLimits(days=30), clock=clock, queued_events=lambda: waiting[0])

    waiting[0] = 100_000
    worker.run_once()
    assert 0 == worker.counts["calls"]
    assert worker.until_due_s() > 0
    waiting[0] = 0
    rounds = 0
    while worker.until_due_s() < 100:
        clock.advance(worker.until_due_s() * 1000 + 1)
        worker.run_once()
        rounds += 1

    assert rounds > 3
    assert 5 == worker.counts["calls"]
    old_call(store, "next")
    worker.run_once()
    assert 5 == worker.counts["calls"]
    clock.advance(DAY_MS / 24)
    worker.run_once()
    assert 6 == worker.counts["calls"]


def test_media_that_somebody_is_about_to_refer_to_stay(postgresql_url: str):
    """
    An event of another collector shows a picture that is there already; it is not committed yet. The picture waits for it.
    """
    store = open_store(postgresql_url, settle_ms=0)
    picture = media(b"shown again")
    old_call(store, "r", blob=picture)
    run(postgresql_url, "DELETE FROM blob_refs")
    try:
        with psycopg.connect(postgresql_url.replace("+psycopg", "")) as ingest:
            ingest.execute("INSERT INTO blobs SELECT * FROM blobs ON CONFLICT DO NOTHING")
            ingest.execute("INSERT INTO blob_refs SELECT project, sha256, 1, 'e' FROM blobs")
            with pytest.raises(StoreError):
                store.sweep_blobs(limit=10)
        store.sweep_blobs(limit=10)
        assert store.blob("p", picture.sha256) is not None
    finally:
        store.close()
