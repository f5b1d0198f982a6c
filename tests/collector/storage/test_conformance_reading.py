"""
What every engine keeps of `Reader`: filters, cursors, one call, a trace, the live tail.
"""

import base64
import json
from typing import Any

import pytest

from collector.errors import BadRequest
from collector.storage.protocols import CallFilter, EventFilter, Store
from tests.fakes.stored import NOW_MS, TRACE_ID, append, claim, event, settle_one, settlement


def event_ids(store: Store, **conditions: Any) -> list[str]:
    """The ids that a filter finds."""
    return [row["event_id"] for row in store.events(EventFilter(project="p", **conditions)).items]


def request_ids(store: Store, **conditions: Any) -> list[str]:
    """The calls that a filter finds."""
    return [row["request_id"] for row in store.calls(CallFilter(project="p", **conditions)).items]


def test_events_are_newest_first_and_of_one_millisecond_by_arrival(store: Store):
    """
    The order is (timestamp, arrival), newest first.
    """
    append(store, event("a"), event("b", timestamp=NOW_MS + 5), event("c"))

    assert ["b", "c", "a"] == event_ids(store)


def test_repeated_values_mean_or_and_a_mark_means_not(store: Store):
    """
    Plain values: one of them; with `!`: none of them, and an event without a value is none of them.
    """
    append(store, event("a", provider="openai"), event("b", provider="anthropic"), event("c", provider="groq"), event("d"))

    assert {"a", "b"} == set(event_ids(store, provider=("openai", "anthropic")))
    assert {"c", "d"} == set(event_ids(store, provider=("!openai", "!anthropic")))
    assert {"b"} == set(event_ids(store, provider=("openai", "anthropic", "!openai")))


@pytest.mark.parametrize("name", ["type", "request_id", "stream_id", "client_id", "thread_id", "run_id", "provider", "model"])
def test_each_filter_of_events_looks_at_its_own_column(store: Store, name: str):
    """
    An event is found by the value in the column of the filter's name only.
    """
    columns = ["type", "request_id", "stream_id", "client_id", "thread_id", "run_id", "provider", "model"]
    append(store, *(event(column, **{"stream_id": None, column: "wanted"}) for column in columns))

    assert [name] == event_ids(store, **{name: ("wanted",)})


def test_time_bounds_include_the_start_and_not_the_end(store: Store):
    """
    since <= timestamp < until.
    """
    append(store, *(event(f"e{n}", timestamp=NOW_MS + n) for n in range(4)))

    assert ["e2", "e1"] == event_ids(store, since_ms=NOW_MS + 1, until_ms=NOW_MS + 3)


def test_tool_filter_finds_what_was_called_not_what_was_offered(store: Store):
    """
    An offered tool matches nothing; a called one finds its call and the events of the tool call.
    """
    append(store, event("offer", tool_names='["search"]'), event("use", tool_call_id="t0"), start=True, terminal=True)
    append(store, event("else", request_id="r2"), start=True, terminal=True)
    for one in claim(store):
        store.settle_calls([settlement(one, tools=("search",) if one.request_id == "r1" else ())], now_ms=NOW_MS)

    assert ["use"] == event_ids(store, tool=("search",))
    assert ["r1"] == request_ids(store, tool=("search",))
    assert ["r2"] == request_ids(store, tool=("!search",))
    assert [] == request_ids(store, tool=("fetch",))


def test_pages_hold_everything_once_though_events_come_in_between(store: Store):
    """
    Following `next_cursor` visits each event once, in order; newer ones that come meanwhile shift nothing.
    """
    append(store, *(event(f"e{n:02}", timestamp=NOW_MS + n // 3) for n in range(20)))
    expected = event_ids(store, limit=100)

    found: list[str] = []
    cursor = None
    while True:
        page = store.events(EventFilter(project="p", limit=3, cursor=cursor))
        found += [row["event_id"] for row in page.items]
        append(store, event(f"new{len(found)}", timestamp=NOW_MS + 1_000))
        cursor = page.next_cursor
        if cursor is None:
            break

    assert expected == found


def test_pages_of_calls_hold_everything_once(store: Store):
    """
    Equal starts, a call without a start, and pages of one.
    """
    for n, start_ms in enumerate((NOW_MS + 1.5, NOW_MS + 1.5, NOW_MS, None)):
        settle_one(store, f"r{n}", start_ms=start_ms, end_ms=NOW_MS + 0.25)
    expected = ["r1", "r0", "r3", "r2"]
    assert expected == request_ids(store)

    found: list[str] = []
    cursor = None
    for _ in expected:
        page = store.calls(CallFilter(project="p", limit=1, cursor=cursor))
        found += [row["request_id"] for row in page.items]
        cursor = page.next_cursor

    assert expected == found
    assert cursor is None


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "é", "!!!!", base64.urlsafe_b64encode(b'["calls", 1.0, "r"]').decode(), base64.urlsafe_b64encode(b"[").decode(),
     base64.urlsafe_b64encode(json.dumps(["events", 2**70, 1]).encode()).decode(),
     base64.urlsafe_b64encode(b'["events", "1", true]').decode(), base64.urlsafe_b64encode(b"[[]]" * 9).decode()],
)  # fmt: skip
def test_broken_cursor_is_the_senders_fault(store: Store, cursor: str):
    """
    A cursor of another list or of nobody is a bad request, not an error of ours.
    """
    append(store, event("e1"))

    with pytest.raises(BadRequest):
        store.events(EventFilter(project="p", cursor=cursor))


@pytest.mark.parametrize("limit", [0, -1, 1_001])
def test_limit_has_bounds(store: Store, limit: int):
    """
    From 1 to 1,000.
    """
    with pytest.raises(BadRequest):
        store.calls(CallFilter(project="p", limit=limit))


def test_filters_of_calls(store: Store):
    """
    Each filter of calls finds the one call that differs in it.
    """
    columns: dict[str, Any] = {
        "status": "error", "operation": "image_generation", "provider": "groq", "model": "llama", "service": "shop",
        "client_id": "web", "session_id": "s1",
    }  # fmt: skip
    for name, value in columns.items():
        settle_one(store, name, **{name: value})

    assert [[name] for name in columns] == [request_ids(store, **{name: (value,)}) for name, value in columns.items()]
    assert len(columns) - 1 == len(request_ids(store, status=("!error",)))


def test_calls_by_duration_text_and_time(store: Store):
    """
    `min_duration_ms` is inclusive, `q` ignores case and takes % and _ literally, times bound the start.
    """
    settle_one(store, "quick", duration_ms=10.0, prompt_preview="What is 100% of it?", start_ms=float(NOW_MS))
    settle_one(store, "slow", duration_ms=500.0, answer_preview="Paris_Texas", start_ms=NOW_MS + 10.0)

    assert ["slow"] == request_ids(store, min_duration_ms=500.0)
    assert ["quick"] == request_ids(store, q="100% OF")
    assert ["slow"] == request_ids(store, q="paris_t")
    assert [] == request_ids(store, q="parisxt")
    assert ["quick"] == request_ids(store, since_ms=NOW_MS, until_ms=NOW_MS + 10)


def test_events_of_a_call_are_in_its_order(store: Store):
    """
    Oldest first by time with its fraction, then the sender's sequence; pages go on exactly.
    """
    append(
        store,
        event("d", timestamp=NOW_MS + 1), event("c", fraction=0.5), event("b", sequence=2), event("a", sequence=1),
        event("other", request_id="r2"),
    )  # fmt: skip
    found: list[str] = []
    cursor = None
    for _ in range(4):
        page = store.call_events("p", "r1", limit=1, cursor=cursor)
        found += [row["event_id"] for row in page.items]
        cursor = page.next_cursor

    assert ["a", "b", "c", "d"] == found
    assert cursor is None
    assert {"part", "place"}.isdisjoint(store.call_events("p", "r1", limit=1, cursor=None).items[0])


def test_trace_has_its_calls_spans_and_the_loose_events_of_its_runs(store: Store):
    """
    Events without a requestId are found through the runs of the trace's calls.
    """
    append(store, event("own", run_id="run"), start=True, terminal=True)
    append(store, event("loose", request_id=None, run_id="run", type="client:stopped"))
    append(store, event("foreign", request_id=None, run_id="elsewhere"))
    store.settle_calls([settlement(claim(store)[0], run_id="run")], now_ms=NOW_MS)

    trace = store.trace("p", TRACE_ID)

    assert ["loose"] == [row["event_id"] for row in trace["events"]]
    assert ["r1"] == [row["request_id"] for row in trace["calls"]]
    assert [{"gen_ai.request.model": "gpt-4o"}] == [row["attributes"] for row in trace["spans"]]
    assert [] == store.trace("other", TRACE_ID)["spans"]


def test_live_tail_goes_on_where_it_stopped(store: Store):
    """
    Events after an arrival, oldest first; calls from a time of change on.
    """
    append(store, event("a"), event("b"))
    last = store.last_arrival("p")
    append(store, event("c", request_id="r2"), received_ms=NOW_MS + 7)

    assert ["c"] == [row["event_id"] for row in store.events_after("p", last, limit=10)]
    assert ["a"] == [row["event_id"] for row in store.events_after("p", 0, limit=1)]
    assert [("r2", NOW_MS + 7)] == [
        (row["request_id"], row["updated_ms"]) for row in store.calls_updated_after("p", NOW_MS + 1, limit=10)
    ]
    assert 0 == store.last_arrival("other")


def test_what_is_not_there(store: Store):
    """
    None and nothing, not an error.
    """
    assert store.call("p", "nobody") is None
    assert store.blob("p", "nothing") is None
    assert {"spans", "tool_calls", "token_usage", "trace_health", "exports"} == set(store.call_details("p", "nobody"))
    assert () == store.events(EventFilter(project="nobody")).items
