"""
When two events are one.
"""

import json

from tests.fakes.posts import NOW_MS, read, read_events, row_of, tanstack_lines


def key(row):
    return row.timestamp, row.event_id


def test_senders_id_is_the_id():
    """
    Up to 128 bytes.
    """
    assert "x" * 128 == row_of({"type": "t", "timestamp": NOW_MS, "eventId": "x" * 128}).event_id
    assert "é" * 64 == row_of({"type": "t", "timestamp": NOW_MS, "eventId": "é" * 64}).event_id


def test_longer_id_is_its_hash():
    """
    Bytes count and not characters; equal ids give equal hashes whatever else the event says.
    """
    long = "é" * 65
    one, same, other = (
        row_of({"type": "t", "timestamp": NOW_MS, "eventId": name, "n": n}).event_id
        for n, name in enumerate((long, long, long + "x"))
    )
    assert one == same != other
    assert len(one) <= 128
    assert one != long


def test_event_without_id_is_known_by_its_time_and_content():
    """
    The order of names and the spaces between don't matter, any value does.
    """
    first = read('[{"type":"t","timestamp":1764000000000,"a":{"x":1,"y":2}}]').batch.events[0]
    again = read('[ {"a": {"y":2, "x":1}, "timestamp":1764000000000, "type":"t"} ]').batch.events[0]
    other = read('[{"type":"t","timestamp":1764000000000,"a":{"x":1,"y":3}}]').batch.events[0]
    assert key(first) == key(again)
    assert first.event_id != other.event_id


def test_hash_is_made_before_anything_is_dropped():
    """
    Two chunks that differ only in the context which is cut off are two events.
    """
    chunk = {"type": "text:chunk:content", "timestamp": NOW_MS, "content": "a", "delta": "a"}
    one, other = (row_of({**chunk, "toolNames": [name]}) for name in "xy")
    assert one.payload == other.payload
    assert one.event_id != other.event_id


def test_id_of_another_type_counts_as_content():
    """
    A number is no id; the event is still the same when it comes again.
    """
    one, again, other = (row_of({"type": "t", "timestamp": NOW_MS, "eventId": n}).event_id for n in (1, 1, 2))
    assert one == again != other


def test_empty_id_is_none():
    """
    A field that was never filled must not make all events one.
    """
    one, other = (row_of({"type": "t", "timestamp": NOW_MS, "eventId": "", "n": n}).event_id for n in (1, 2))
    assert one != other


def test_without_id_and_time_every_delivery_is_new():
    """
    Nobody can tell a repeat from a second event.
    """
    one, other = (row_of({"type": "t"}).event_id for _ in range(2))
    assert one != other


def test_idempotency_key_makes_a_repeat_the_same():
    """
    The same key and place give the same id; equal events of one POST stay two.
    """
    first, again = (read_events({"type": "t"}, {"type": "t"}, key="k1").batch.events for _ in range(2))
    assert [row.event_id for row in first] == [row.event_id for row in again]
    assert first[0].event_id != first[1].event_id
    assert first[0].event_id != read_events({"type": "t"}, key="k2").batch.events[0].event_id


def test_context_time_makes_an_event_known_by_content():
    """
    It is a time of its own.
    """
    one, again = (row_of({"type": "t", "context": {"timestamp": NOW_MS}}) for _ in range(2))
    assert key(one) == key(again)


def test_batching_changes_no_identity():
    """
    One at a time, or all together as an array.
    """
    lines = tanstack_lines("client-sse.jsonl")
    together = read(b"[" + b",".join(lines) + b"]").batch.events
    singly = [read(line).batch.events[0] for line in lines]
    assert list(together) == singly


def test_payload_order_is_the_senders():
    """
    Sorting is for the hash only.
    """
    assert ["type", "zeta", "alpha"] == list(json.loads(row_of({"type": "t", "zeta": 1, "alpha": 2}).payload))
