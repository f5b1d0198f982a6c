"""
Upkeep: partitions are made before they are needed, receipts end, and a lock that somebody holds is no misfortune.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from collector.errors import StoreUnavailable
from collector.pipeline.upkeep import AGAIN_S, EVERY_S, RECEIPTS_LAST_MS, UpkeepWorker
from collector.storage.engines import open_store
from collector.storage.protocols import Store
from tests.fakes.clock import FakeClock
from tests.fakes.faulty import FaultyStore


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """
    A store; what PostgreSQL does of this is tried with its partitions.
    """
    opened = open_store(sqlite_url, settle_ms=0)
    yield opened
    opened.close()


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


def test_lock_of_another_is_waited_for(store: Store):
    """
    Nothing is raised; it is tried again soon, and not before.
    """
    locked: Any = FaultyStore(store)
    clock = FakeClock()
    locked.will_raise("make_room", StoreUnavailable("locked"), StoreUnavailable("locked"))
    worker = UpkeepWorker(locked, clock=clock)

    assert [0, 0] == [worker.run_once(), worker.run_once()]
    assert 1 == locked.calls["make_room"]
    clock.advance(AGAIN_S * 1000)
    worker.run_once()
    assert 2 == locked.calls["make_room"]
