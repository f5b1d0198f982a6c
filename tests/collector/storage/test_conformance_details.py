"""
Reading one call closely: pieces as the view `chunks` has them, heads of events, the story, the outline of a trace.
"""

import importlib
import json
import random
from typing import Any

import pytest

from collector.errors import BadRequest
from collector.events import EventRow
from collector.query.chunks import read_pieces, read_times
from collector.storage.protocols import Store
from collector.storage.views import PIECE_KINDS
from tests.end_to_end.database import query
from tests.fakes.stored import NOW_MS, TRACE_ID, append, claim, event, settlement

ODD: tuple[Any, ...] = (
    3,
    "abc",
    [{}],
    {"delta": "x"},
    None,
    [1, "a", {"delta": "good", "offsetMs": "soon"}, {"offsetMs": 1}],
    [],
)


def fill(store: Store) -> None:
    """A call of every kind of piece, packed and single, some of one millisecond, and what only looks like one."""
    packs = [{"offsetMs": n * 1.5, "delta": f"p{n}"} for n in range(7)]
    rows = [
        event("start", sequence=1),
        event("think", type="text:chunk:thinking", timestamp=NOW_MS + 5, sequence=2, payload={"delta": "hm"}),
        event("pack", type="text:chunk:content", timestamp=NOW_MS + 10, fraction=0.5, payload={"chunks": packs}),
        event("later", type="text:chunk:content", timestamp=NOW_MS + 10, fraction=0.75, payload={"delta": "z", "choice": 1}),
        event("tool", type="text:chunk:tool-call", timestamp=NOW_MS + 20, tool_call_id="t1", payload={"arguments": "{}"}),
        event("done", type="text:chunk:done", timestamp=NOW_MS + 21),
        event("end", type="text:request:completed", timestamp=NOW_MS + 30, payload={"content": "x" * 500}),
        event("other", request_id="r2", type="text:chunk:content", payload={"delta": "no"}),
    ]
    odd = [event(f"o{n}", type="text:chunk:content", timestamp=NOW_MS + 25, payload={"chunks": one}) for n, one in enumerate(ODD)]
    append(store, *rows, *odd)


def windows(store: Store, limit: int, kind: str | None = None) -> list[tuple[object, ...]]:
    """All pieces of the call, put together from windows of a size."""
    found: list[tuple[object, ...]] = []
    window, rounds = None, 0
    while rounds == 0 or window is not None:
        taken = read_pieces(store, "p", "r1", window=window, limit=limit, kind=kind)
        found += [(one.n, one.at_ms, one.gap_ms, one.kind, one.delta) for one in taken.pieces]
        window, rounds = taken.next_window, rounds + 1
    return found


def rows_of_view(store_url: str) -> list[tuple[object, ...]]:
    """The same from the view."""
    sql = "SELECT n, at_ms, gap_ms, kind, delta FROM chunks WHERE request_id = 'r1' ORDER BY n"
    return [tuple(row.values()) for row in query(store_url, sql)]


@pytest.mark.parametrize("limit", [1, 3, 200])
def test_pieces_are_the_rows_of_the_view(store: Store, store_url: str, limit: int):
    """
    Windows of any size put together are what the view says: number, time, gap, kind and text.
    """
    fill(store)
    expected = rows_of_view(store_url)

    assert expected == windows(store, limit)
    assert 11 == len(expected)
    assert [row[1] for row in expected] == read_times(store, "p", "r1")


def streamed(choose: random.Random) -> tuple[list[EventRow], dict[str, str]]:
    """A call's chunks without ids, shuffled, and its texts: several side by side, many pieces in a millisecond."""
    texts: dict[str, str] = {}
    rows: list[EventRow] = []
    for n in range(choose.randint(5, 60)):
        kind, message = choose.choice(("content", "thinking")), choose.choice((None, "m1", "m2"))
        before = texts.get(f"{kind} {message}", "")
        delta = choose.choice(("a", "äö", "", "\n", "😀 b")) + str(n)
        content = before + delta if choose.random() < 0.5 else len(before + delta)
        texts[f"{kind} {message}"] = before + delta
        rows.append(
            event(f"e{n}", type=f"text:chunk:{kind}", timestamp=NOW_MS + n // 9, fraction=0.5 if n % 9 > 5 else None,
                  message_id=message, payload={"delta": delta, "content": content})
        )  # fmt: skip
    for n in range(choose.randint(0, 6)):
        pack = {
            "chunks": [{"delta": f"p{n}", "offsetMs": 0}, {"delta": f"q{n}", "offsetMs": 1.5}],
            "content": choose.choice((0, "")),
        }
        odd = choose.choice(({"arguments": "{}"}, {"delta": "-", "content": "x" * n}, pack))
        rows.append(event(f"o{n}", type="text:chunk:tool-call", timestamp=NOW_MS + n % 3, payload=odd))
        rows.append(event(f"p{n}", type="text:chunk:content", timestamp=NOW_MS + n % 3, message_id="pack", payload=pack))
    choose.shuffle(rows)
    return rows, texts


@pytest.mark.parametrize("seed", range(4))
def test_shuffled_texts_without_ids_are_whole_for_the_view_and_in_windows(store: Store, store_url: str, seed: int):
    """
    By the length that each piece tells, and the two agree on every number, whatever the windows' size.
    """
    rows, texts = streamed(random.Random(seed))
    append(store, *rows)
    sql = "SELECT kind, message_id, delta FROM chunks WHERE request_id = 'r1' AND delta NOT IN ('-', '{}') ORDER BY n"
    found: dict[str, str] = {}
    for row in query(store_url, sql):
        found[f"{row['kind']} {row['message_id']}"] = found.get(f"{row['kind']} {row['message_id']}", "") + row["delta"]

    assert texts == {name: found[name] for name in texts}
    expected = rows_of_view(store_url)
    assert [expected] * 4 == [windows(store, limit) for limit in (1, 2, 7, 200)]
    thoughts = [row[3:] for row in expected if row[3] == "thinking"]
    assert thoughts == [row[3:] for row in windows(store, 3, kind="thinking")]
    assert [row[1] for row in expected] == read_times(store, "p", "r1")


def test_a_browsers_copy_without_a_piece_does_not_part_view_and_windows(store: Store, store_url: str):
    """
    It tells a length and came first; the two agree on where its text stands.
    """
    told: tuple[dict[str, Any], ...] = (
        {"content": 3},
        {"arguments": "{"},
        {"delta": "b", "content": 2},
        {"delta": "a", "content": 1},
    )
    append(store, *(event(f"e{n}", type="text:chunk:content", payload=one) for n, one in enumerate(told)))

    expected = rows_of_view(store_url)
    assert ["a", "b", "{"] == [row[4] for row in expected]
    assert [expected] * 3 == [windows(store, limit) for limit in (1, 2, 9)]


def test_pieces_of_one_kind(store: Store):
    """
    The thinking alone, without reading the text.
    """
    fill(store)

    assert ["hm"] == [piece.delta for piece in read_pieces(store, "p", "r1", kind="thinking").pieces]


@pytest.mark.parametrize("window", ["x", "1~2~3", "1~x~2~", "9" * 99 + "~0~1~", "1~0~1~broken"])
def test_window_of_nobody_is_a_bad_request(store: Store, window: str):
    """
    It came from an address, which anybody can write.
    """
    with pytest.raises(BadRequest):
        read_pieces(store, "p", "r1", window=window)


def test_kinds_are_those_of_the_view():
    """
    What the page takes for a piece is what SQL takes for one.
    """
    for name in ("0002_views", "0014_chunks_by_length"):
        assert importlib.import_module(f"migrations.versions.{name}").KINDS == PIECE_KINDS


def test_heads_of_events_are_cut(store: Store):
    """
    A long payload comes as its beginning and its length, in the order of the call, page by page.
    """
    fill(store)
    page = store.call_event_heads("p", "r1", limit=3, cursor=None, max_chars=40)
    following = store.call_event_heads("p", "r1", limit=100, cursor=page.next_cursor, max_chars=40)

    heads = [*page.items, *following.items]
    assert ["start", "think", "pack", "later", "tool", "done"] == [head["event_id"] for head in heads[:6]]
    end = next(head for head in heads if head["event_id"] == "end")
    assert (40, True, NOW_MS + 30.0) == (len(end["payload"]), end["payload_chars"] > 500, end["at_ms"])
    assert NOW_MS + 10.5 == heads[2]["at_ms"]
    assert store.call_event_heads("other", "r1", limit=3, cursor=None, max_chars=40).items == ()


def test_what_a_runs_client_said_is_found_by_the_run(store: Store):
    """
    Oldest first and cut, without its copies of the answer; not the server's own events, nor another run's or project's.
    """
    of_run: dict[str, Any] = {"request_id": None, "run_id": "run", "source": "client"}
    said = [
        event("cancelled", type="run:cancelled", timestamp=NOW_MS + 9, payload={"why": "x" * 90}, **of_run),
        event("created", type="run:created", timestamp=NOW_MS + 1, **of_run),
        event("piece", type="text:chunk:content", timestamp=NOW_MS + 2, payload={"delta": "a"}, **of_run),
        event("snapshot", type="hook:state-snapshot", timestamp=NOW_MS + 3, **of_run),
        event("own", run_id="run"),
        event("other-run", type="run:created", **{**of_run, "run_id": "another"}),
    ]
    append(store, *said)

    found = store.run_event_heads("p", "run", limit=9, max_chars=40)

    assert ["created", "cancelled"] == [head["event_id"] for head in found]
    assert (40, True) == (len(found[1]["payload"]), found[1]["payload_chars"] > 90)
    assert ["created"] == [head["event_id"] for head in store.run_event_heads("p", "run", limit=1, max_chars=40)]
    assert [] == store.run_event_heads("q", "run", limit=9, max_chars=40)


def test_one_event_is_found_by_its_arrival_in_its_project(store: Store):
    """
    Whole, and for nobody else.
    """
    fill(store)
    arrival = store.call_event_heads("p", "r1", limit=1, cursor=None, max_chars=9).items[0]["arrival"]

    found = store.event("p", arrival)
    assert found is not None
    assert ("start", "text:request:started") == (found["event_id"], found["payload"]["type"])
    assert [None] * 4 == [store.event("other", arrival), store.event("p", 10**9), store.event("p", -1), store.event("p", 2**70)]


def test_story_has_no_pieces_and_nothing_huge(store: Store):
    """
    What was asked, called and answered, oldest first.
    """
    fill(store)
    append(store, event("huge", type="text:usage", payload={"x": "y" * 5000}))

    story = store.call_story("p", "r1", limit=10, max_chars=2000)

    assert ["start", "done", "end"] == [one.event_id for one in story]
    assert 500 == len(story[-1].payload["content"])
    assert 1 == len(store.call_story("p", "r1", limit=1, max_chars=2000))


def test_outline_of_a_trace_has_no_bodies(store: Store):
    """
    Spans and calls of the trace, few columns.
    """
    append(store, event("e1"), start=True, terminal=True)
    store.settle_calls([settlement(claim(store)[0])], now_ms=NOW_MS)

    outline = store.trace_outline("p", TRACE_ID, limit=10)

    assert [("chat gpt-4o", "r1")] == [(span["name"], span["request_id"]) for span in outline["spans"]]
    assert ["r1"] == [call["request_id"] for call in outline["calls"]]
    assert "attributes" not in json.dumps(outline, default=str)
    assert [] == store.trace_outline("other", TRACE_ID, limit=10)["spans"]
