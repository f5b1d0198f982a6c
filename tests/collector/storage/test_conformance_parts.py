"""
What every engine keeps for calls that are a part of a stream, such as an image: they have no rows and are read from the stream's.
"""

from dataclasses import replace
from typing import Any

from collector.events import CallTouch, EventRow
from collector.storage.protocols import Store
from tests.fakes.stored import FOREIGN, NOW_MS, append, batch, claim, event

STREAM = "r1"
PART = "r1/ig_1"


def of_stream(event_id: str, type_: str, at_ms: int = 0, **payload: Any) -> EventRow:
    columns: dict[str, Any] = {"type": type_, "timestamp": NOW_MS + at_ms, "sequence": at_ms, "dialect": "openai"}
    return event(event_id, request_id=STREAM, payload=payload, **columns)


ROWS = (
    of_stream("e1", "response.created", 1, response={"id": "resp_1"}),
    of_stream("e2", "response.image_generation_call.in_progress", 2, item_id="ig_1"),
    of_stream("e3", "response.output_text.delta", 3, item_id="msg_1", delta="about ig_1"),
    of_stream("e4", "response.image_generation_call.completed", 4, item_id="ig_1"),
    of_stream("e5", "response.image_generation_call.completed", 5, item_id="ig_10"),
)


def append_stream(store: Store, *rows: EventRow, part: str = PART, **options: Any) -> None:
    """Rows of a stream, with a touch for it and one for the part that they name."""
    made = batch(*rows, resource=FOREIGN, **options)
    first = made.events[0]
    named = CallTouch(
        request_id=part,
        first=first._replace(parent_request_id=first.request_id),
        operation="image_generation",
        has_start=False,
        has_terminal=False,
    )
    whole = replace(made, touches=(*made.touches, named))
    store.append(whole).result(timeout=100)


def test_part_is_a_call_below_its_stream(store: Store):
    """
    It has a first row at once: running, with its operation, its parent and the time of the row that named it.
    """
    append_stream(store, *ROWS)
    call = store.call("p", PART)

    assert call is not None
    assert ("running", "image_generation", STREAM) == (call["status"], call["operation"], call["parent_request_id"])


def test_claimed_part_has_its_streams_events_but_for_the_text(store: Store):
    """
    Assembly finds in them what is the part's; the pieces of text, which may be thousands, are not even read.
    """
    append_stream(store, *ROWS)
    claims = {one.request_id: one for one in claim(store, now_ms=NOW_MS + 10_000)}

    assert ["e1", "e2", "e3", "e4", "e5"] == [one.event_id for one in claims[STREAM].events]
    assert ["e1", "e2", "e4", "e5"] == [one.event_id for one in claims[PART].events]
    assert {STREAM} == {one.request_id for one in claims[PART].events}
    assert FOREIGN.service == claims[PART].resource.service


def test_events_of_a_part_are_those_that_name_it(store: Store):
    """
    As a whole word: `ig_1` is neither `ig_10` nor a mention in a text; and page by page as at once.
    """
    append_stream(store, *ROWS)
    page = store.call_events("p", PART, limit=10, cursor=None)
    first = store.call_events("p", PART, limit=1, cursor=None)
    rest = store.call_events("p", PART, limit=10, cursor=first.next_cursor)

    assert ["e2", "e4"] == [row["event_id"] for row in page.items]
    assert page.items == (*first.items, *rest.items)
    assert () == store.call_events("other", PART, limit=10, cursor=None).items


def test_call_with_rows_of_its_own_is_read_from_them_alone(store: Store):
    """
    Our own hook names an image likewise, and sends its events: those of the stream are not mixed in.
    """
    append(store, event("own", request_id=PART, parent_request_id=STREAM), resource=FOREIGN)
    append(store, *ROWS, resource=FOREIGN)
    claims = {one.request_id: one for one in claim(store, now_ms=NOW_MS + 10_000)}

    assert ["own"] == [one.event_id for one in claims[PART].events]
    assert ["own"] == [row["event_id"] for row in store.call_events("p", PART, limit=10, cursor=None).items]


def test_parts_of_projects_are_apart(store: Store):
    """
    Two projects may use the same names.
    """
    append_stream(store, *ROWS)
    append_stream(store, of_stream("x1", "response.image_generation_call.completed", 1, item_id="ig_1"), project="q")
    claims = {(one.project, one.request_id): one for one in claim(store, now_ms=NOW_MS + 10_000)}

    assert ["x1"] == [one.event_id for one in claims["q", PART].events]
    assert ["x1"] == [row["event_id"] for row in store.call_events("q", PART, limit=10, cursor=None).items]
    assert 4 == len(claims["p", PART].events)


def test_duplicate_rows_wake_no_part(store: Store):
    """
    A repeated POST is no news for the part either; a new row of its stream is.
    """
    append_stream(store, *ROWS)
    dirty = {one.request_id: one.dirty for one in claim(store, now_ms=NOW_MS + 10_000)}
    append_stream(store, *ROWS)
    append_stream(store, of_stream("e6", "response.output_item.done", 6, item={"id": "ig_1"}))
    again = {one.request_id: one.dirty for one in claim(store, now_ms=NOW_MS + 60_000)}

    assert {STREAM: 1, PART: 1} == dirty
    assert {STREAM: 2, PART: 2} == again
