"""Large events are cut where it hurts least, and say so."""

import json
from typing import Any

from sdk_hooks.cutting import EVENT_MAX_BYTES, MESSAGE_MAX_BYTES, cut, fit
from tests.fakes.collected import recording
from tests.sdk_hooks.calls import chat


def json_bytes(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def test_long_message_keeps_beginning_and_end():
    """A message over 64 KiB is cut in its middle; how much went is told by path."""
    text = "begin " + "x" * 200_000 + " end"
    event = fit(
        {"type": "text:request:started", "messages": [{"role": "user", "content": text}, {"role": "user", "content": "short"}]}
    )

    content = event["messages"][0]["content"]
    assert json_bytes(event["messages"][0]) <= MESSAGE_MAX_BYTES + 64
    assert content.startswith("begin ")
    assert content.endswith(" end")
    assert len(text) - len(content) <= event["truncated"]["messages[0].content"] <= len(text) - len(content) + 8
    assert {"role": "user", "content": "short"} == event["messages"][1]


def test_long_history_loses_its_middle():
    """Over 1 MiB in all: the first and the last messages stay."""
    messages = [{"role": "user", "content": f"{n} " + "y" * 50_000} for n in range(60)]
    event = fit({"type": "text:request:started", "messages": messages})

    assert json_bytes(event) <= EVENT_MAX_BYTES
    assert messages[0] == event["messages"][0]
    assert messages[-1] == event["messages"][-1]
    assert 10 <= len(event["messages"]) < 60
    assert any(path.startswith("messages[") and ":" in path for path in event["truncated"])


def test_image_in_a_message_goes_as_a_whole():
    """Half a base64 image is worth nothing: its header stays, the text beside it too."""
    parts = [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 300_000}},
    ]
    event = fit({"type": "text:request:started", "messages": [{"role": "user", "content": parts}]})

    found = event["messages"][0]["content"]
    assert "what is this?" == found[0]["text"]
    assert "data:image/png;base64,…" == found[1]["image_url"]["url"]


def test_image_that_is_the_answer_stays_whole():
    """Two megabytes of image are the point of the event."""
    event = fit({"type": "image:request:completed", "images": [{"b64Json": "A" * 2_000_000}]})

    assert 2_000_000 == len(event["images"][0]["b64Json"])
    assert "truncated" not in event


def test_images_beyond_the_collectors_limit_are_left_out_one_by_one():
    """The largest goes first; an event of 8 MiB would be refused whole."""
    event = fit({"type": "image:request:completed", "images": [{"b64Json": "A" * 5_000_000}, {"b64Json": "B" * 4_000_000}]})

    assert [0, 4_000_000] == [len(image["b64Json"]) for image in event["images"]]
    assert ["images[0].b64Json"] == list(event["truncated"])


def test_cut_keeps_characters_whole():
    """Never half a character."""
    shortened = cut("ä" * 1000, 101)

    assert set(shortened) == {"ä", "…"}
    assert len(shortened.encode()) <= 101


def test_many_small_pieces_have_no_middle():
    """A message of a hundred thousand numbers: the numbers go, its role stays."""
    event = fit({"type": "x", "messages": [{"role": "user", "content": list(range(100_000))}]})

    assert [{"role": "user"}] == event["messages"]
    assert ["messages[0]"] == list(event["truncated"])


def test_recorded_calls_are_cut():
    """The way through the recorder: what arrives is small, and the host's object is as it was."""
    message = {"role": "user", "content": "z" * 3_000_000}
    with recording() as events:
        chat(messages=[message]).complete({"content": "w" * 3_000_000})
        events.flush()

    assert json_bytes(events.events[0]) < 70_000
    assert json_bytes(events.events[1]) <= EVENT_MAX_BYTES + 1024
    assert 3_000_000 == len(message["content"])


def test_thousands_of_cuts_are_told_together():
    """Where every text of very many is cut, naming each would take more room than the texts."""
    event = {"type": "agent:request:completed", "output": ["x" * 60] * 30_000}
    fitted = fit(event)

    assert 101 == len(fitted["truncated"])
    assert sum(fitted["truncated"].values()) >= 30_000 * 60 - sum(len(text.encode()) for text in fitted["output"])
