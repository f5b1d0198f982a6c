"""Pieces to packs: one messageId, choice and tool call a pack."""

from typing import Any

import pytest

from sdk_hooks.heads import Headed
from sdk_hooks.packing import Packer

MS = 1_000_000


def pack(packer: Packer, *deltas: Any, start: int = 0) -> list[dict[str, Any]]:
    flat: list[Any] = []
    for n, delta in enumerate(deltas):
        flat += [(start + n) * MS, delta]
    packed = packer.pack(flat, 0, 1000.0)
    return [event.whole() if isinstance(event, Headed) else event for event in packed]


def test_choices_and_kinds_do_not_mix():
    """Interleaved choices and thinking become packs of their own, in the order of their first pieces."""
    packer = Packer("r")
    events = pack(packer, "a", ("content", "x", 1, None), "b", ("thinking", "hm", 0, None), ("content", "y", 1, None))

    assert [("text:chunk:content", None, "ab"), ("text:chunk:content", 1, "xy"), ("text:chunk:thinking", None, "hm")] == [
        (event["type"], event.get("choice"), "".join(chunk["delta"] for chunk in event["chunks"])) for event in events
    ]
    assert [1000.0, 1001.0, 1003.0] == [event["timestamp"] for event in events]
    assert [0.0, 3.0] == [chunk["offsetMs"] for chunk in events[1]["chunks"]]
    assert "ab" == packer.seen()["content"]


def test_parallel_tool_calls_stay_apart():
    """Later pieces are found by index; a repeated index with a new id is a new call; choices have indexes of their own."""
    packer = Packer("r")
    pack(
        packer,
        ("tool-call", "", 0, None, "call_a", "weather", 0),
        ("tool-call", "", 0, None, "call_b", "time", 1),
        ("tool-call", '{"c":', 0, None, None, None, 0),
        ("tool-call", '{"z":2}', 0, None, None, None, 1),
    )
    events = pack(
        packer, ("tool-call", "1}", 0, None, None, None, 0), ("tool-call", "{}", 0, None, "call_c", "weather", 0), start=5
    )

    assert ["call_a", "call_c"] == [event["toolCallId"] for event in events]
    assert [("call_a", "weather", '{"c":1}'), ("call_b", "time", '{"z":2}'), ("call_c", "weather", "{}")] == [
        (call["id"], call["function"]["name"], call["function"]["arguments"]) for call in packer.seen()["toolCalls"]
    ]


def test_tool_call_without_id_gets_one():
    """A provider that sends no id: one of ours, the same for all its pieces."""
    packer = Packer("r")
    pack(packer, ("tool-call", "{", 0, None, None, "f", 0), ("tool-call", "}", 0, None, None, None, 0))

    assert [{"id": "r/tool-0", "type": "function", "function": {"name": "f", "arguments": "{}"}}] == packer.seen()["toolCalls"]


def test_message_ids_separate_packs():
    """Two messages of one response are two texts."""
    packer = Packer("r")
    events = pack(packer, ("content", "a", 0, "m1"), ("content", "b", 0, "m2"), ("content", "c", 0, "m1"))

    assert [("m1", 2), ("m2", 1)] == [(event["messageId"], len(event["chunks"])) for event in events]


@pytest.mark.parametrize("message_id", [None, 'm-"1"'])
def test_nothing_but_text_is_the_same_event(message_id: str | None):
    """
    What is written as text at once says what a pack of any pieces says; quotes, controls and half surrogate pairs too.
    """
    texts = ["Hel", "lo", "", '"quoted" \\', "\n\x00\x7f", "ü 🎈", "\ud83c"]
    written, put_together = Packer('r"1'), Packer('r"1')
    written.message_id = put_together.message_id = message_id

    first = pack(written, *texts, start=3)
    assert first == pack(put_together, *[("content", text, 0, None) for text in texts], start=3)
    assert [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0] == [chunk["offsetMs"] for chunk in first[0]["chunks"]]
    assert 1003.0 == first[0]["timestamp"]
    assert written.seen() == put_together.seen()
