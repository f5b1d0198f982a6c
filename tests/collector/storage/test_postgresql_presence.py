"""
Collectors that know of each other: a dead one's work is free in a moment, a living one's is left alone, news reach the others.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from collector.clock import SystemClock
from collector.storage.engines import open_store
from collector.storage.membership import Listeners, new_owner
from collector.storage.postgresql_clock import DatabaseClock
from collector.storage.postgresql_presence import Presence
from collector.storage.protocols import Store
from tests.end_to_end.database import count, query
from tests.end_to_end.processes import wait_for
from tests.fakes.clock import FakeClock
from tests.fakes.stored import NOW_MS, append, claim, event, settlement

LEASE_MS = 3_600_000


@pytest.fixture
def store(postgresql_url: str) -> Iterator[Store]:
    """
    A store on an empty database.
    """
    opened = open_store(postgresql_url, settle_ms=0)
    yield opened
    opened.close()


class Heard:
    """What a presence told, and the presence."""

    def __init__(self, url: str, *, grace_s: float = 0.0) -> None:
        self.news: list[Sequence[str] | None] = []
        self.freed = threading.Event()
        self.presence = Presence(url, owner=new_owner(), roles=("work",), grace_s=grace_s)
        self.presence.join(Listeners(on_news=self.news.append, on_freed=self.freed.set))


@pytest.fixture
def joined(postgresql_url: str) -> Iterator[Any]:
    """
    Makes collectors that are present until the test ends.
    """
    with ExitStack() as stack:

        def join(**options: Any) -> Heard:
            heard = Heard(postgresql_url, **options)
            stack.callback(heard.presence.leave, 30.0)
            wait_for("the collector to be listed", lambda: heard.presence.owner in owners(postgresql_url))
            return heard

        yield join


def owners(url: str) -> list[str]:
    """Who is listed."""
    return [row["owner"] for row in query(url, "SELECT owner FROM collectors")]


def claim_both(store: Store, owner: str) -> None:
    """One call and one span that this owner works on for an hour."""
    append(store, event("e1", request_id="r1"), start=True, terminal=True)
    (first,) = claim(store, owner=owner)
    store.settle_calls([settlement(first, destinations=("otlp",))], now_ms=NOW_MS)
    append(store, event("e2", request_id="r2"), start=True, terminal=True)
    assert ["r2"] == [one.request_id for one in claim(store, owner=owner, lease_ms=LEASE_MS)]
    assert 1 == len(exports(store, owner))


def exports(store: Store, owner: str) -> list[Any]:
    """Claim what is to be sent."""
    return store.claim_exports(owner=owner, destination="otlp", now_ms=NOW_MS, lease_ms=LEASE_MS, limit=9, max_bytes=10**6)


def test_work_of_a_dead_collector_is_free_at_once(store: Store, postgresql_url: str, joined: Any):
    """
    A name whose lock nobody holds: its call and its span can be claimed although their leases last an hour.
    """
    claim_both(store, "dead:1:00000001")
    insert = "INSERT INTO collectors VALUES ('dead:1:00000001', 1, 'work', 0)"
    with psycopg.connect(postgresql_url.replace("+psycopg", "")) as driver:
        driver.execute(insert)

    living = joined()

    assert living.freed.wait(60)
    assert ["r2"] == [one.request_id for one in claim(store, owner="w2")]
    assert 1 == len(exports(store, "w2"))
    assert [living.presence.owner] == owners(postgresql_url)


def test_work_of_a_living_collector_is_left_alone(store: Store, joined: Any):
    """
    Another collector looks around, several times, and takes nothing.
    """
    working, other = joined(), joined()
    claim_both(store, working.presence.owner)

    wait_for("the other to have looked", lambda: other.presence.looks > 3)

    assert [] == claim(store, owner="w2")
    assert [] == exports(store, "w2")
    assert not other.freed.is_set()


def test_collector_that_leaves_gives_its_work_back(store: Store, postgresql_url: str, joined: Any):
    """
    A stop is no death: nobody has to find out.
    """
    leaving = joined()
    claim_both(store, leaving.presence.owner)

    leaving.presence.leave(30.0)

    assert ["r2"] == [one.request_id for one in claim(store, owner="w2")]
    assert 1 == len(exports(store, "w2"))
    assert [] == owners(postgresql_url)


def test_broken_connection_is_not_a_death(store: Store, postgresql_url: str, joined: Any):
    """
    The server cuts everybody off: a collector comes back within the grace, and keeps its work.
    """
    working, other = joined(grace_s=60.0), joined(grace_s=60.0)
    claim_both(store, working.presence.owner)
    with psycopg.connect(postgresql_url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hookline'")

    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
    wait_for("both to be back", lambda: count(postgresql_url, held) == 2 and other.news and working.news)

    assert {working.presence.owner, other.presence.owner} == set(owners(postgresql_url))
    assert None in other.news, "what was told meanwhile was not heard: look everywhere"
    assert [] == claim(store, owner="w2")


def test_news_reach_the_other_collector_and_not_oneself(joined: Any):
    """
    The projects of a commit, once told; very many of them are "any".
    """
    teller, hearer = joined(), joined()

    def told() -> bool:
        # It tells only where it knows of somebody who could hear.
        teller.presence.tell(["p", "q"])
        return bool(hearer.news)

    wait_for("news", told)
    assert ["p", "q"] == hearer.news[0]
    teller.presence.tell([f"project-{n}" for n in range(2_000)])
    wait_for("news of many", lambda: None in hearer.news)
    assert [] == teller.news


def test_clock_is_the_databases():
    """
    Once set it goes by the monotonic clock: the machine's own may jump as it likes; small differences are the way there and back.
    """
    machine = FakeClock()
    clock = DatabaseClock(machine)
    assert machine.now_ms() == clock.now_ms()

    clock.set(5_000_000.0, at_s=machine.monotonic_s())
    assert 5_000_000 == clock.now_ms()
    clock.set(5_000_010.0, at_s=machine.monotonic_s())
    assert 5_000_000 == clock.now_ms()
    clock.set(5_009_000.0, at_s=machine.monotonic_s())
    assert 5_009_000 == clock.now_ms()


def test_presence_sets_the_clock(joined: Any):
    """
    It is the server's, which in tests is this machine's.
    """
    clock = joined().presence.clock

    assert abs(clock.now_ms() - SystemClock().now_ms()) < 60_000
