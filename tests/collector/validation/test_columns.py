"""
Fields -> columns, tolerant of wrong types.
"""

import json

import pytest

from collector.validation.columns import LONGEST_TEXT_BYTES
from tests.fakes.posts import event, row_of

TEXTS = {
    "requestId": "request_id", "parentRequestId": "parent_request_id", "streamId": "stream_id", "messageId": "message_id",
    "clientId": "client_id", "threadId": "thread_id", "runId": "run_id", "toolCallId": "tool_call_id", "sessionId": "session_id",
    "userId": "user_id", "source": "source", "provider": "provider", "model": "model",
}  # fmt: skip
OTHERS = {
    "messageCount": ("message_count", 3),
    "hasTools": ("has_tools", True),
    "streaming": ("streaming", False),
    "sequence": ("sequence", 17),
}
NAMED = {**TEXTS, **{name: column for name, (column, _) in OTHERS.items()}, "toolNames": "tool_names", "duration": "duration_ms"}


def issues(row):
    return " ".join(json.loads(row.schema_issues or "[]"))


@pytest.mark.parametrize(("name", "column"), TEXTS.items())
def test_text_field_is_its_column(name, column):
    """
    Each under its own name.
    """
    assert "value-1" == getattr(row_of(event(**{name: "value-1"})), column)


@pytest.mark.parametrize(("name", "column", "value"), [(name, *rest) for name, rest in OTHERS.items()])
def test_other_field_is_its_column(name, column, value):
    """
    Numbers and flags keep their types.
    """
    found = getattr(row_of(event(**{name: value})), column)
    assert (value, type(value)) == (found, type(found))


@pytest.mark.parametrize("wrong", [{"a": 1}, [1], {"__type": "bigint", "value": "1"}])
@pytest.mark.parametrize(("name", "column"), NAMED.items())
def test_field_of_a_wrong_type_is_null_and_named(name, column, wrong):
    """
    The payload keeps what was sent.
    """
    row = row_of(event(type="text:request:completed", **{name: wrong}))
    assert getattr(row, column) is None
    assert f"{name}: " in issues(row)
    assert wrong == json.loads(row.payload)[name]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("requestId", 7), ("requestId", True), ("messageCount", "3"), ("messageCount", True), ("messageCount", 1.5),
     ("messageCount", 2**31), ("sequence", 2**63), ("hasTools", 1), ("hasTools", "true"), ("streaming", 0), ("duration", "12"),
     ("duration", True), ("duration", 10**400), ("toolNames", "a"), ("toolNames", ["a", 1])],
)  # fmt: skip
def test_scalar_of_a_wrong_type_is_null_and_named(name, wrong):
    """
    A boolean is no number, a number no flag, and nothing is larger than its column.
    """
    row = row_of(event(type="text:request:completed", **{name: wrong}))
    assert getattr(row, NAMED[name]) is None
    assert f"{name}: " in issues(row)


@pytest.mark.parametrize("name", NAMED)
def test_null_is_no_value(name):
    """
    As if it had not been sent.
    """
    assert getattr(row_of(event(type="text:request:completed", **{name: None})), NAMED[name]) is None


@pytest.mark.parametrize("name", TEXTS)
def test_empty_text_is_no_value(name):
    """
    An empty requestId must not collect all events into one call.
    """
    assert getattr(row_of(event(**{name: ""})), TEXTS[name]) is None


def test_whole_number_as_javascript_may_send_it():
    """
    3.0 is three.
    """
    assert 3 == row_of(event(messageCount=3.0)).message_count


@pytest.mark.parametrize(
    "type_name", ["text:request:completed", "image:request:error", "text:iteration:completed", "tools:call:completed"]
)
def test_duration_is_milliseconds(type_name):
    """
    With its fraction.
    """
    assert 12.5 == row_of(event(type=type_name, duration=12.5)).duration_ms


@pytest.mark.parametrize("type_name", ["audio:request:started", "video:request:started"])
def test_requested_media_length_is_no_duration(type_name):
    """
    In started events `duration` is seconds of media that were asked for.
    """
    assert row_of(event(type=type_name, duration=8)).duration_ms is None


def test_memory_events_call_it_duration_ms():
    """
    The catalogue has two spellings.
    """
    assert 4.0 == row_of(event(type="memory:retrieve:completed", durationMs=4)).duration_ms


def test_tool_names_are_json():
    """
    Readable by the database's JSON functions.
    """
    assert ["search", "add"] == json.loads(row_of(event(toolNames=["search", "add"])).tool_names or "")


def test_traceparent_gives_trace_and_parent():
    """
    W3C: version, trace, span, flags.
    """
    row = row_of(event(traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"))
    assert ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331") == (row.trace_id, row.parent_span_id)


@pytest.mark.parametrize(
    "value",
    ["ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
     "00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
     "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n",
     "00", 5],
)  # fmt: skip
def test_invalid_traceparent_gives_nothing_and_is_named(value):
    """
    Version ff, upper case, zero ids, a tail on version 00.
    """
    row = row_of(event(traceparent=value))
    assert (None, None) == (row.trace_id, row.parent_span_id)
    assert "traceparent: " in issues(row)


def test_later_version_may_have_a_tail():
    """
    As the standard asks of readers.
    """
    assert row_of(event(traceparent="01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes")).trace_id


@pytest.mark.parametrize("name", ["requestId", "model", "clientId"])
def test_very_long_text_is_short_in_its_column_and_whole_in_the_payload(name):
    """
    An index row over 2,704 bytes would block its batch on PostgreSQL. Different texts stay different, equal ones equal.
    """
    texts = ["é" * 5000 + end for end in ("a", "b", "a")]
    rows = [row_of(event(**{name: text})) for text in texts]
    columns = [getattr(row, TEXTS[name]) for row in rows]
    assert all(len(column.encode()) <= LONGEST_TEXT_BYTES for column in columns)
    assert columns[0] == columns[2] != columns[1]
    assert texts == [json.loads(row.payload)[name] for row in rows]


def test_very_long_type_is_short_in_its_column():
    """
    Types are indexed like ids.
    """
    assert len(row_of(event(type="x" * 100_000)).type) <= LONGEST_TEXT_BYTES
