"""
What became of spans is written down behind the sending of the next ones, and none of it gets lost.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import cast

import pytest

from collector.errors import StoreUnavailable
from collector.pipeline.exports import ExportWorker
from collector.pipeline.outcomes import Outcomes
from collector.storage.outbox import ExportClaim, ExportDone, Outbox
from collector.storage.protocols import Store
from tests.fakes.bench import Bench
from tests.fakes.clock import FakeClock
from tests.fakes.exporter import RecordingExporter
from tests.fakes.faulty import FaultyStore, Killed

HOUR_MS = 3_600_000


@contextmanager
def writing_held_up(sqlite_url: str) -> Iterator[None]:
    """
    Another program is writing to the file: no commit gets through until it is done.
    """
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def left_behind(store: Store, clock: FakeClock, *request_ids: str) -> list[ExportClaim]:
    """
    Spans whose worker died, one a call, as a claim gives them.
    """
    dying = RecordingExporter()
    bench = Bench(store, [dying])
    for request_id in request_ids:
        dying.will(Killed())
        bench.feed(*bench.whole(request_id))
        with pytest.raises(Killed):
            bench.run()
    now_ms = clock.now_ms()
    return list(
        store.claim_exports(owner="heir", destination="otlp", now_ms=now_ms, lease_ms=HOUR_MS, limit=9, max_bytes=1_000_000)
    )


@pytest.fixture
def clock() -> FakeClock:
    """
    After the leases of the dead.
    """
    clock = FakeClock()
    clock.advance(HOUR_MS)
    return clock


def test_next_spans_do_not_wait_for_the_commit_of_the_last_outcomes(
    store: Store, exporter: RecordingExporter, clock: FakeClock, sqlite_url: str
) -> None:
    """
    While a commit is held up spans go out, and their outcomes are stored after it, also by a worker that ends.
    """
    first, second = left_behind(store, clock, "a", "b")
    worker = ExportWorker(store, exporter, clock=clock, owner="heir", roll=lambda: 1.0)
    with writing_held_up(sqlite_url):
        worker.hand_over([first])
        assert (1, 1) == (worker.run_on(), len(exporter.names()))
        worker.hand_over([second])
        assert (1, 2) == (worker.run_on(), len(exporter.names()))
        assert 0.0 == worker.until_due_s()
        assert ["pending", "pending"] == states(store)
    worker.finish()

    assert ["done", "done"] == states(store)
    assert (None, 0) == (worker.until_due_s(), worker.run_on())
    assert ["chat model-of-a", "chat model-of-b"] == exporter.names()


def test_outcomes_whose_commit_fails_behind_are_written_with_the_next(
    store: Store, exporter: RecordingExporter, clock: FakeClock
) -> None:
    """
    The error comes out at the next round, the outcomes are kept, and nothing is sent again.
    """
    first, second = left_behind(store, clock, "a", "b")
    faulty = FaultyStore(store)
    faulty.will_fail_later("begin_settling", StoreUnavailable("away"))
    worker = ExportWorker(cast(Outbox, faulty), exporter, clock=clock, owner="heir", roll=lambda: 1.0)
    worker.hand_over([first])
    worker.run_on()
    worker.hand_over([second])
    with pytest.raises(StoreUnavailable):
        worker.run_once()
    assert ["pending", "pending"] == states(store)
    worker.run_once()

    assert ["done", "done"] == states(store)
    assert 2 == len(exporter.names())


def test_no_more_is_kept_than_its_limit_without_waiting(store: Store, clock: FakeClock) -> None:
    """
    Who would send without end what the database is too slow to note waits for it instead.
    """
    spans = left_behind(store, clock, "a", "b", "c")
    faulty = FaultyStore(store)
    faulty.will_fail_later("begin_settling", StoreUnavailable("away"))
    outcomes = Outcomes(cast(Outbox, faulty), clock, most_kept=2)
    for span in spans[:2]:
        outcomes.add([ExportDone(export_id=span.export_id)])
        outcomes.begin()
    assert 1 == len(outcomes.kept)
    outcomes.add([ExportDone(export_id=spans[2].export_id)])
    with pytest.raises(StoreUnavailable):
        outcomes.begin()
    assert 3 == len(outcomes.kept)
    outcomes.begin()
    outcomes.settle()

    assert not outcomes.is_open
    assert ["done"] * 3 == states(store)


def states(store: Store) -> list[str]:
    """
    Of all spans to send.
    """
    calls = (store.call_details("default", request_id)["exports"] for request_id in "abc")
    return [row["state"] for rows in calls for row in rows]
