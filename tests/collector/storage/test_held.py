"""
Claims in memory: SQLite's one process keeps them without a write.
"""

from collections.abc import Iterator

import pytest

from collector.storage.engines import open_store
from collector.storage.held import Held
from collector.storage.protocols import Store
from tests.end_to_end.database import query
from tests.fakes.stored import NOW_MS, append, claim, event, settlement


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    opened = open_store(sqlite_url, settle_ms=1_000)
    yield opened
    opened.close()


def test_held_until_released_or_the_lease_ends() -> None:
    """
    What is held is nobody else's until it is let go, or its time is over.
    """
    held = Held[str]()
    with held.claiming(1_000) as taken:
        taken.update(a=2_000, b=3_000)

    held.release(["a", "never held"])

    assert {"b": 3_000} == held.now()
    with held.claiming(3_000) as taken:
        assert {} == taken


def test_claim_of_sqlite_is_no_write(store: Store, sqlite_url: str) -> None:
    """
    The work item stays as ingest wrote it: a claim costs no commit, and a crash leaves no lease behind.
    """
    append(store, event("e1"), start=True, terminal=True)
    before = query(sqlite_url, "SELECT * FROM call_work")

    assert 1 == len(claim(store))
    assert [] == claim(store)

    assert before == query(sqlite_url, "SELECT * FROM call_work")


def test_claims_that_wait_do_not_hide_others(store: Store) -> None:
    """
    More calls are in hand than one claim takes: the next claim finds those behind them.
    """
    for number in range(6):
        append(store, event(f"e{number}", request_id=f"r{number}"), start=True, terminal=True, received_ms=NOW_MS + number)

    taken = [one.request_id for _ in range(4) for one in claim(store, now_ms=NOW_MS + 10, limit=2)]

    assert [f"r{number}" for number in range(6)] == taken


def test_settlement_that_failed_keeps_its_claim(store: Store) -> None:
    """
    The database refused it: the call stays in hand until its lease ends, as it would in a table.
    """
    append(store, event("e1"), start=True, terminal=True)
    (claimed,) = claim(store, lease_ms=500)

    with pytest.raises(Exception, match="refused"):
        store.settle_calls([settlement(claimed, chunk_count=2**70)], now_ms=NOW_MS)

    assert [] == claim(store, now_ms=NOW_MS + 499)
    assert NOW_MS + 500 == store.next_due_ms(now_ms=NOW_MS)
    assert 1 == len(claim(store, now_ms=NOW_MS + 500))
