"""
Upkeep: partitions are made before they are needed, receipts end, and a lock that somebody holds is no misfortune.
"""

from collections.abc import Iterator, Sequence

import pytest

from collector.errors import StoreUnavailable
from collector.pipeline.upkeep import AGAIN_S, EVERY_S, RECEIPTS_LAST_MS, UpkeepWorker
from collector.storage.engines import open_store
from collector.storage.protocols import Store
from tests.fakes.clock import FakeClock


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """
    A store; what PostgreSQL does of this is tried with its partitions.
    """
    opened = open_store(sqlite_url, settle_ms=0)
    yield opened
    opened.close()


class Locked:
    """A database in which somebody holds a lock."""

    def __init__(self) -> None:
        self.asked = 0

    def make_room(self, *, now_ms: int) -> Sequence[str]:
        self.asked += 1
        raise StoreUnavailable("locked")

    def drop_empty_partitions(self, *, now_ms: int) -> Sequence[str]:
        raise NotImplementedError

    def bring_forward(self, *, later_than_ms: int, to_ms: int) -> int:
        raise NotImplementedError

    def first_receipt(self, project: str, idempotency_key: str, *, received_ms: int) -> int:
        raise NotImplementedError

    def forget_receipts(self, *, before_ms: int) -> int:
        raise NotImplementedError


def test_receipts_end(store: Store):
    """
    The first receipt of a key counts for two days, however often it comes; then it is new again.
    """
    clock = FakeClock()
    worker = UpkeepWorker(store, clock=clock)
    first_ms = clock.now_ms()
    assert [first_ms] * 2 == [store.first_receipt("p", "k", received_ms=first_ms + n) for n in range(2)]

    clock.advance(RECEIPTS_LAST_MS)
    worker.run_once()
    assert first_ms == store.first_receipt("p", "k", received_ms=clock.now_ms())
    clock.advance(EVERY_S * 1000 + 1)
    worker.run_once()
    assert clock.now_ms() == store.first_receipt("p", "k", received_ms=clock.now_ms())


def test_lock_of_another_is_waited_for():
    """
    Nothing is raised; it is tried again soon, and not before.
    """
    locked, clock = Locked(), FakeClock()
    worker = UpkeepWorker(locked, clock=clock)

    assert [0, 0] == [worker.run_once(), worker.run_once()]
    assert 1 == locked.asked
    clock.advance(AGAIN_S * 1000)
    worker.run_once()
    assert 2 == locked.asked
