"""
What every engine keeps of the promise: acknowledged means committed, and a failure loses nothing that was acknowledged.
"""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event

from collector.clock import SystemClock
from collector.errors import StoreBusy, StoreError, StoreUnavailable
from collector.storage.database import Database
from collector.storage.engines import ENGINES, SqlStore
from collector.storage.writer import GroupWriter
from tests.end_to_end.database import count
from tests.fakes.stored import append, batch, event

EVENTS = "SELECT count(*) FROM events"


class Gate:
    """Holds the writer at its commit, or makes the commit fail, as a test says."""

    def __init__(self) -> None:
        self.is_open = threading.Event()
        self.is_open.set()
        self.reached = threading.Event()
        self.failures = 0

    def watch(self, engine: Any) -> None:
        connect = engine.connect_writer

        def watched():
            connection = connect()
            sqlalchemy_event.listen(connection, "commit", self.pass_through)
            return connection

        engine.connect_writer = watched

    def pass_through(self, connection: Any) -> None:
        self.reached.set()
        assert self.is_open.wait(60)
        if self.failures:
            self.failures -= 1
            connection.exec_driver_sql("SELECT * FROM table_that_is_not_there")


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def gated(store_url: str, gate: Gate) -> Iterator[SqlStore]:
    """
    A store whose commits go through the gate.
    """
    engine = ENGINES[store_url.partition(":")[0]](store_url)
    gate.watch(engine)
    writer = GroupWriter(engine, SystemClock(), settle_ms=1_000, queue_max_events=10)
    store = SqlStore(Database(engine, writer), settle_ms=1_000)
    yield store
    gate.is_open.set()
    store.close()


def test_acknowledged_only_after_commit(gated: SqlStore, gate: Gate, store_url: str):
    """
    While the commit has not happened the future is not done; once it is done another connection sees the event.
    """
    gate.is_open.clear()
    future = gated.append(batch(event("e1")))
    assert gate.reached.wait(60)
    assert not future.done()
    assert 0 == count(store_url, EVENTS)

    seen: list[int] = []
    future.add_done_callback(lambda _: seen.append(count(store_url, EVENTS)))
    gate.is_open.set()
    future.result(20)

    gated.close()
    assert [1] == seen


def test_failed_commit_stores_nothing_and_the_writer_goes_on(gated: SqlStore, gate: Gate, store_url: str):
    """
    Every request of a group whose commit failed is told to come again; then it works.
    """
    gate.failures = 1
    future = gated.append(batch(event("e1")))

    assert isinstance(future.exception(20), StoreUnavailable)
    assert 0 == count(store_url, EVENTS)
    assert 1 == append(gated, event("e1")).accepted
    assert 1 == count(store_url, EVENTS)


def test_full_queue_refuses_at_once(gated: SqlStore, gate: Gate):
    """
    More events than may wait: refused without being queued; one batch larger than the limit passes while nothing waits.
    """
    gate.is_open.clear()
    big = gated.append(batch(*(event(f"a{number}") for number in range(20))))
    assert gate.reached.wait(60)

    with pytest.raises(StoreBusy):
        gated.append(batch(event("e1")))
    assert 20 == gated.queued_events()

    gate.is_open.set()
    assert 20 == big.result(20).accepted
    assert 1 == append(gated, event("e1")).accepted
    assert 0 == gated.queued_events()


def test_close_commits_what_is_queued_and_then_refuses(gated: SqlStore, gate: Gate, store_url: str):
    """
    Nothing that was taken is dropped by a graceful stop.
    """
    gate.is_open.clear()
    futures = [gated.append(batch(event(f"e{number}"))) for number in range(5)]
    gate.is_open.set()

    gated.close()

    assert [1] * 5 == [future.result(0).accepted for future in futures]
    assert 5 == count(store_url, EVENTS)
    with pytest.raises(StoreUnavailable):
        gated.append(batch(event("late")))


def test_requests_that_wait_commit_together(gated: SqlStore, gate: Gate, store_url: str):
    """
    What gathers during one commit goes into the next one, all in a single transaction.
    """
    gate.is_open.clear()
    futures = [gated.append(batch(event("e0")))]
    assert gate.reached.wait(60)
    commits: list[int] = []
    futures += [gated.append(batch(event(f"e{number}"))) for number in range(1, 5)]
    for future in futures:
        future.add_done_callback(lambda _: commits.append(count(store_url, EVENTS)))
    gate.is_open.set()

    gated.close()
    assert [1, 5, 5, 5, 5] == commits


def test_store_for_reading_only_refuses_to_write(store_url: str):
    """
    Programs that only look can't change anything.
    """
    engine = ENGINES[store_url.partition(":")[0]](store_url, read_only=True)
    store = SqlStore(Database(engine, None), settle_ms=0)

    assert 0 == store.last_arrival("p")
    with pytest.raises(StoreUnavailable):
        store.append(batch(event("e1")))
    with store._database.reading() as connection, pytest.raises(Exception, match=r"readonly|read-only"):
        connection.exec_driver_sql("DELETE FROM events")
    store.close()


def test_error_of_a_job_is_its_own(gated: SqlStore):
    """
    A statement that the database refuses fails its caller and nobody else.
    """
    with pytest.raises(StoreError):
        gated._database.write(lambda connection: connection.exec_driver_sql("SELECT * FROM nowhere_at_all").all())

    assert 1 == append(gated, event("e1")).accepted
