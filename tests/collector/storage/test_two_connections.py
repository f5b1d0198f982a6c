"""
PostgreSQL takes several writers at once: what piles up behind one connection goes by a second.
"""

import random
from collections.abc import Iterator
from concurrent.futures import Future, wait
from typing import Any

import pytest

from collector.events import Receipt
from collector.storage.postgresql import PostgresqlEngine
from collector.storage.writer import SECOND_FROM_EVENTS, GroupWriter
from tests.end_to_end.database import count
from tests.fakes.clock import FakeClock
from tests.fakes.held_writer import Hold
from tests.fakes.stored import batch, event

LIMIT_S = 60


@pytest.fixture
def writer(postgresql_url: str) -> Iterator[GroupWriter]:
    """
    A writer on PostgreSQL.
    """
    engine = PostgresqlEngine(postgresql_url)
    made = GroupWriter(engine, FakeClock(), settle_ms=0, queue_max_events=20_000)
    yield made
    made.close()
    engine.close()


def many(name: str, events: int) -> Any:
    """A batch of so many events of one call."""
    return batch(*(event(f"{name}-{n}", request_id=name) for n in range(events)))


def test_what_piles_up_is_committed_beside_a_long_transaction(writer: GroupWriter):
    """
    Many events and other work are done while the first connection hangs in a transaction.
    """
    hold = Hold(writer)
    futures = [writer.append(many(name, SECOND_FROM_EVENTS // 2)) for name in "ab"]

    assert [SECOND_FROM_EVENTS // 2] * 2 == [future.result(LIMIT_S).accepted for future in futures]
    assert 7 == writer.run(lambda _: 7)
    hold.end()


def test_few_events_wait_for_the_first_connection(writer: GroupWriter):
    """
    Small groups cost more each, so the second connection leaves them to the first even where it comes by with a job.
    """
    hold = Hold(writer)
    future = writer.append(many("few", SECOND_FROM_EVENTS - 1))
    assert 7 == writer.run(lambda _: 7)

    assert not future.done()
    hold.end()
    assert SECOND_FROM_EVENTS - 1 == future.result(LIMIT_S).accepted


def test_close_is_not_held_by_what_hangs_on_the_first(writer: GroupWriter):
    """
    What the second connection had in hand is committed and told so; what waits is told that it was not.
    """
    hold = Hold(writer)
    done = writer.append(many("a", SECOND_FROM_EVENTS))
    assert SECOND_FROM_EVENTS == done.result(LIMIT_S).accepted
    left = writer.append(many("left", 1))

    writer.close(timeout_s=0.05)

    assert "closed before" in str(left.exception(0))
    hold.end()


def test_the_same_calls_and_the_same_events_on_both_at_once(writer: GroupWriter, postgresql_url: str):
    """
    Both connections store events of the same calls at the same time, some of them twice: each is there once, counted once as new.
    """
    order = random.Random(1)
    futures: list[Future[Receipt]] = []
    for turn in range(24):
        events = [event(f"{turn // 2}-{call}-{n}", request_id=f"call-{call}") for call in range(30) for n in range(5)]
        order.shuffle(events)
        futures.append(writer.append(batch(*events, terminal=turn == 23)))
    wait(futures, LIMIT_S)
    receipts = [future.result(0) for future in futures]

    assert 12 * 150 == sum(receipt.accepted for receipt in receipts) == sum(receipt.duplicates for receipt in receipts)
    assert 12 * 150 == count(postgresql_url, "SELECT count(*) FROM events")
    assert (30, 30) == (
        count(postgresql_url, "SELECT count(*) FROM calls"),
        count(postgresql_url, "SELECT count(*) FROM call_work"),
    )
