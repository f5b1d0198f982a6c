"""
What only PostgreSQL has: several collectors on one database, transactions that commit out of order, a server that goes away.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import text

from collector.storage.engines import open_store
from collector.storage.postgresql import PostgresqlEngine
from collector.storage.postgresql_events import BulkInsert
from collector.storage.protocols import Store
from tests.end_to_end.database import count
from tests.fakes.stored import NOW_MS, append, batch, claim, event, settlement


@pytest.fixture
def two(postgresql_url: str) -> Iterator[tuple[Store, Store]]:
    """
    Two collectors on one database.
    """
    stores = open_store(postgresql_url, settle_ms=0), open_store(postgresql_url, settle_ms=0)
    yield stores
    for store in stores:
        store.close()


def test_live_tail_waits_for_an_arrival_that_commits_later(postgresql_url: str):
    """
    A lower arrival is still uncommitted while a higher one is there: the tail shows neither, then both in order.
    """
    engine = PostgresqlEngine(postgresql_url)
    store = open_store(postgresql_url, settle_ms=0)
    append(store, event("before"))
    with engine.connect_writer() as slow:
        transaction = slow.begin()
        engine.begin_ingest(slow)
        engine.insert_events(slow, [event("slow")])
        append(store, event("quick"))

        assert ["before"] == [row["event_id"] for row in store.events_after("p", 0, limit=10)]
        seen = store.last_arrival("p")
        transaction.commit()

    assert ["slow", "quick"] == [row["event_id"] for row in store.events_after("p", seen, limit=10)]
    store.close()
    engine.close()


def test_live_tail_goes_on_after_a_rollback(postgresql_url: str):
    """
    Arrivals that were given and never committed hold nothing up.
    """
    engine = PostgresqlEngine(postgresql_url)
    store = open_store(postgresql_url, settle_ms=0)
    with engine.connect_writer() as broken:
        transaction = broken.begin()
        engine.begin_ingest(broken)
        engine.insert_events(broken, [event("lost")])
        append(store, event("quick"))
        assert [] == store.events_after("p", 0, limit=10)
        transaction.rollback()

    assert ["quick"] == [row["event_id"] for row in store.events_after("p", 0, limit=10)]
    store.close()
    engine.close()


def test_two_collectors_never_claim_the_same_call(two: tuple[Store, Store]):
    """
    Claims of two collectors at once: every call goes to exactly one.
    """
    append(two[0], *(event(f"e{n}", request_id=f"r{n}") for n in range(200)), start=True, terminal=True)

    with ThreadPoolExecutor(4) as pool:
        rounds = [pool.submit(claim, two[n % 2], owner=f"w{n % 2}", limit=15, lease_ms=60_000) for n in range(20)]
    claimed = [one.request_id for future in rounds for one in future.result()]

    assert 200 == len(claimed)
    assert 200 == len(set(claimed))


def test_same_events_through_two_collectors_are_stored_once(two: tuple[Store, Store], postgresql_url: str):
    """
    A client that posts again to another collector: one row each, the counts add up, whatever waits for whom.
    """
    forth = [event(f"e{n}", request_id=f"r{n % 5}") for n in range(60)]
    futures = [two[n % 2].append(batch(*(forth if n % 3 else forth[::-1]))) for n in range(12)]

    receipts = [future.result(60) for future in futures]

    assert 60 == sum(receipt.accepted for receipt in receipts)
    assert 60 * 11 == sum(receipt.duplicates for receipt in receipts)
    assert 60 == count(postgresql_url, "SELECT count(*) FROM events")


def test_work_of_a_dead_collector_is_taken_over(two: tuple[Store, Store]):
    """
    Its lease ends, another collector settles, and what the first says later changes nothing.
    """
    append(two[0], event("e1"), start=True, terminal=True)
    (dead,) = claim(two[0], lease_ms=100)
    (taken,) = claim(two[1], owner="w2", now_ms=NOW_MS + 100)
    two[1].settle_calls([settlement(taken, destinations=("otlp",))], now_ms=NOW_MS + 110)
    two[0].settle_calls([settlement(dead, destinations=("otlp",))], now_ms=NOW_MS + 120)

    spans = two[0].claim_exports(owner="w1", destination="otlp", now_ms=NOW_MS + 1_000, lease_ms=1, limit=9, max_bytes=10**6)
    assert 1 == len(spans)


def test_lost_connection_is_replaced(postgresql_url: str):
    """
    The server ends all connections: the next batch and the next read work again.
    """
    store = open_store(postgresql_url, settle_ms=0)
    append(store, event("e1"))
    store.last_arrival("p")
    with psycopg.connect(postgresql_url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hookline'")

    assert 1 == append(store, event("e2")).accepted
    assert 2 == len(store.events_after("p", 0, limit=10))
    store.close()


@pytest.mark.parametrize("copy_from_rows", [1, 1_000])
def test_both_ways_of_bulk_insert_do_the_same(postgresql_url: str, copy_from_rows: int):
    """
    Arrays and COPY: equal rows, equal counts, duplicates passed over, whole numbers taken where fractions may be.
    """
    bulk = BulkInsert(copy_from_rows=copy_from_rows)
    rows = [
        event("a", duration_ms=3, has_tools=True, payload={"text": 'tab\t, quote", back\\slash, ü'}),
        event("b", duration_ms=2.5, fraction=0.5, message_count=2**40, sequence=1),
        event("a"),
    ]
    with psycopg.connect(postgresql_url.replace("+psycopg", "")) as driver:
        bulk.prepare(driver)
        assert [2, 0] == [bulk.insert(driver, rows), bulk.insert(driver, rows)]
        found = driver.execute(
            "SELECT event_id, duration_ms, has_tools, message_count, payload FROM events ORDER BY arrival"
        ).fetchall()

    assert [("a", 3.0, True, None, rows[0].payload), ("b", 2.5, None, 2**40, rows[1].payload)] == found


@pytest.mark.parametrize(("told", "used"), [("off", "on"), ("local", "local")])
def test_commits_are_synced_whatever_the_server_does_by_default(postgresql_url: str, told: str, used: str):
    """
    An answer before the sync would be no acknowledgement: `off` is overruled for writing, anything else is the server's choice.
    """
    engine = PostgresqlEngine(f"{postgresql_url}?options=-c%20synchronous_commit%3D{told}")
    connection = engine.connect_writer()

    assert used == connection.execute(text("SHOW synchronous_commit")).scalar_one()
    connection.close()
    engine.close()
