"""
What every engine keeps of `EventWriter.append`: what is stored, what counts as a duplicate, what makes work.
"""

import json
import sqlite3
from typing import Any

import pytest

from collector.errors import StoreError
from collector.events import Blob, HookState
from collector.storage.engines import SqlStore
from collector.storage.protocols import EventFilter, Store
from tests.end_to_end.database import count, query
from tests.fakes.stored import FOREIGN, NOW_MS, append, batch, claim, event, settlement

TOO_LARGE = 2**70
"""No database's integer holds it."""


def test_every_column_comes_back_as_it_was_sent(store: Store):
    """
    All columns of an event, JSON and truth values included, are read as they were given.
    """
    given = event(
        "e1", fraction=0.25, parent_request_id="r0", stream_id="s", message_id="m", client_id="c", thread_id="t", run_id="run",
        tool_call_id="tc", session_id="se", user_id="u", source="server", provider="openai", model="gpt-4o", tool_names='["a"]',
        message_count=3, has_tools=True, streaming=False, duration_ms=12.5, sequence=7, trace_id="f" * 32,
        parent_span_id="e" * 16,
        schema_issues='["x"]', reduced='["y"]', payload={"deep": {"ü": [1, 2.5, None]}},
    )  # fmt: skip
    append(store, given)

    (row,) = store.events(EventFilter(project="p")).items

    decoded = {name: json.loads(getattr(given, name)) for name in ("tool_names", "schema_issues", "reduced", "payload")}
    expected = {name: value for name, value in given._asdict().items() if name in row} | decoded
    assert expected == {name: value for name, value in row.items() if name != "arrival"}
    assert row["has_tools"] is True


def test_second_time_is_all_duplicates_and_changes_nothing(store: Store, store_url: str):
    """
    A batch sent twice is stored once; the repeat touches no call and makes no work.
    """
    append(store, event("e1"), event("e2"), start=True, terminal=True)
    (claimed,) = claim(store)
    store.settle_calls([settlement(claimed)], now_ms=NOW_MS)
    before = query(store_url, "SELECT * FROM calls")

    receipt = append(store, event("e1"), event("e2"), start=True, terminal=True, received_ms=NOW_MS + 5)

    assert (0, 2) == (receipt.accepted, receipt.duplicates)
    assert before == query(store_url, "SELECT * FROM calls")
    assert 0 == count(store_url, "SELECT count(*) FROM call_work")


def test_pair_inside_a_batch_counts_as_one_and_one(store: Store, store_url: str):
    """
    Two equal identities in one batch: one stored, one duplicate.
    """
    receipt = append(store, event("e1"), event("e1"), event("e2"))

    assert (2, 1) == (receipt.accepted, receipt.duplicates)
    assert 2 == count(store_url, "SELECT count(*) FROM events")


def test_counts_are_exact_for_each_request_of_a_mixed_group(store: Store):
    """
    Batches that commit together get each their own counts.
    """
    append(store, event("e1"), event("e2"))

    futures = [
        store.append(batch(*(event(name) for name in names))) for names in (("e1", "e3"), ("e4",), ("e2", "e1"), ("e3", "e4"))
    ]

    assert [(1, 1), (1, 0), (0, 2), (0, 2)] == [(f.result(20).accepted, f.result(20).duplicates) for f in futures]


def test_duplicates_beside_new_events_make_work_only_for_calls_with_news(store: Store, store_url: str):
    """
    A batch half known: only the call that got a new event is due again.
    """
    append(store, event("a1", request_id="a"), event("b1", request_id="b"), start=True, terminal=True)
    store.settle_calls([settlement(claimed) for claimed in claim(store)], now_ms=NOW_MS)

    append(store, event("a1", request_id="a"), event("b2", request_id="b"))

    assert [{"request_id": "b"}] == query(store_url, "SELECT request_id FROM call_work")


def test_same_identity_at_another_time_or_project_is_another_event(store: Store):
    """
    Unique is (project, timestamp, event id), nothing less.
    """
    append(store, event("e1"))

    assert 1 == append(store, event("e1", timestamp=NOW_MS + 1)).accepted
    assert 1 == append(store, event("e1"), project="other").accepted


def test_projects_see_only_their_own(store: Store):
    """
    Equal request ids in two projects are two calls, and neither shows the other's events, blobs or states.
    """
    blob = Blob(sha256="ab", media_type="image/png", content=b"1")
    append(store, event("e1"), blobs=[blob])
    append(store, event("e2"), project="other")

    assert ["e1"] == [row["event_id"] for row in store.events(EventFilter(project="p")).items]
    assert ["e2"] == [row["event_id"] for row in store.call_events("other", "r1", limit=10, cursor=None).items]
    assert [1, 1] == [len(claimed.events) for claimed in claim(store, now_ms=NOW_MS + 2_000)]
    assert ("image/png", b"1") == store.blob("p", "ab")
    assert store.blob("other", "ab") is None


@pytest.mark.parametrize("size", [3, 700])
def test_arrival_follows_the_order_of_the_batch(store: Store, size: int):
    """
    Arrivals grow in the order in which the events came, in small batches and in large ones.
    """
    names = [f"e{number}" for number in range(size)][::-1]
    append(store, *(event(name, duration_ms=1, sequence=None) for name in names))

    assert names == [row["event_id"] for row in store.events_after("p", 0, limit=1_000)]


def test_batch_that_the_database_refuses_fails_alone_and_whole(store: Store, store_url: str):
    """
    A value no column holds fails its own batch, of which nothing is kept; batches of the same group are stored.
    """
    blob = Blob(sha256="ab", media_type="image/png", content=b"1")
    poison = batch(event("bad1"), event("bad2", sequence=TOO_LARGE), blobs=[blob])

    futures = [store.append(batch(event("e1"))), store.append(poison), store.append(batch(event("e2")))]

    assert isinstance(futures[1].exception(20), StoreError)
    assert [1, 1] == [futures[0].result(20).accepted, futures[2].result(20).accepted]
    assert [{"event_id": "e1"}, {"event_id": "e2"}] == query(store_url, "SELECT event_id FROM events ORDER BY event_id")
    assert 0 == count(store_url, "SELECT count(*) FROM blobs")


def test_events_and_their_work_are_stored_together_or_not_at_all(store: Store, store_url: str):
    """
    The work item can't be stored (its time fits no column): the events that came with it are not there either.
    """
    future = store.append(batch(event("e1"), received_ms=TOO_LARGE))

    assert isinstance(future.exception(20), StoreError)
    tables = ("events", "calls", "call_work", "resources")
    assert [0, 0, 0, 0] == [count(store_url, f"SELECT count(*) FROM {table}") for table in tables]


def test_newest_hook_state_stays(store: Store, store_url: str):
    """
    Of a hook's states the one with the highest (timestamp, sequence) is kept, whatever the order of arrival.
    """
    states = [HookState(hook_id="h", timestamp=at, sequence=n, state=f'"{at}-{n}"') for at, n in ((5, 1), (5, 3), (5, 2))]
    append(store, event("e1"), hook_states=states)
    append(store, event("e2"), hook_states=[HookState(hook_id="h", timestamp=4, sequence=9, state='"old"')])

    assert [{"state": '"5-3"'}] == query(store_url, "SELECT state FROM hook_states")


def test_first_row_of_a_call_is_there_with_its_first_event(store: Store):
    """
    A call is listed as running as soon as one of its events is acknowledged.
    """
    append(store, event("e1", model="gpt-4o", client_id="c", fraction=0.5), start=True, resource=FOREIGN)

    row = store.call("p", "r1")

    assert row is not None
    assert ("running", NOW_MS + 0.5, "gpt-4o", "c", None) == tuple(
        row[name] for name in ("status", "start_ms", "model", "client_id", "trace_id")
    )


def test_empty_batch_is_acknowledged(store: Store):
    """
    A request without events is no error.
    """
    assert 0 == append(store).accepted


def test_number_of_statements_does_not_grow_with_the_events(store: Store):
    """
    A thousand events of a hundred calls take a few statements more than one event: a table's rows go in large blocks.
    """
    statements: list[str] = []
    assert isinstance(store, SqlStore)
    connect = store._database.engine.connect_writer

    def watched():
        connection = connect()
        driver: Any = connection.connection.driver_connection
        if isinstance(driver, sqlite3.Connection):
            driver.set_trace_callback(statements.append)
        else:
            execute = driver.execute

            def told(query: Any, *given: Any, **more: Any) -> Any:
                statements.append(str(query))
                return execute(query, *given, **more)

            driver.execute = told
        return connection

    store._database.engine.connect_writer = watched
    append(store, event("e0"))
    few = len(statements)
    append(store, *(event(f"x{number}", request_id=f"r{number % 100}") for number in range(1_000)))

    assert 0 < few
    assert len(statements) - few <= 3 * few
