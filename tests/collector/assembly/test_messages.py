"""
What was asked and what was answered: previews, and messages for spans.
"""

import json
from typing import Any

import pytest

from collector.assembly.messages import PREVIEW_CHARS
from tests.collector.assembly.stored import assembled, attributes, chunk, completed, event, started


def question(**payload: Any) -> str | None:
    return assembled(started(0, "text", **payload)).call.prompt_preview


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}], "c"),
        ([{"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image_url"}, {"text": "y"}]}], "x\ny"),
        ([{"role": "user", "ref": "sha256:ab"}], None),
        ([{"role": "system", "content": "s"}], None),
        ("odd", None),
    ],
)
def test_the_question_is_the_last_user_message(messages: Any, expected: str | None) -> None:
    """Whole or in parts; a reference holds no text."""
    assert expected == question(messages=messages)


def test_messages_of_events_count_once_and_by_their_index() -> None:
    """TanStack says each user message twice, and its messages share milliseconds."""
    said = [
        event(f"text:message:{kind}", 5, messageId=f"m{index}", role="user", content=text, messageIndex=index)
        for index, text in ((1, "2nd"), (0, "the first"))
        for kind in ("created", "user")
    ]
    outcome = assembled(started(), *said, chunk(10, "a"), completed(100), capture_content=True)

    assert "2nd" == outcome.call.prompt_preview
    told = json.loads(attributes(outcome)["gen_ai.input.messages"])
    assert ["the first", "2nd"] == [message["parts"][0]["content"] for message in told]


@pytest.mark.parametrize(
    ("activity", "payload", "expected"),
    [
        ("image", {"prompt": "a red square"}, "a red square"),
        ("speech", {"text": "Hello there"}, "Hello there"),
        ("agent", {"input": {"task": 1}}, '{"task":1}'),
        ("embedding", {}, None),
    ],
)
def test_the_question_of_other_requests(activity: str, payload: dict[str, Any], expected: str | None) -> None:
    """A prompt, a text, an agent's input."""
    assert expected == assembled(started(0, activity, **payload)).call.prompt_preview


@pytest.mark.parametrize(
    ("activity", "payload", "expected"),
    [
        ("transcription", {"text": "hello world"}, "hello world"),
        ("agent", {"output": [1]}, "[1]"),
        ("text", {"content": ""}, None),
    ],
)
def test_the_answer_of_other_requests(activity: str, payload: dict[str, Any], expected: str | None) -> None:
    """A transcript, an agent's output."""
    assert expected == assembled(started(0, activity), completed(9, activity, **payload)).call.answer_preview


def test_previews_are_cut() -> None:
    """They are for lists; the text is in the events."""
    outcome = assembled(started(messages=[{"role": "user", "content": "q" * 9_000}]), chunk(10, "a" * 9_000))

    assert ("q" * PREVIEW_CHARS, "a" * PREVIEW_CHARS) == (outcome.call.prompt_preview, outcome.call.answer_preview)


def test_messages_of_every_sdk_become_parts() -> None:
    """Chat's tool calls and tool answers, Responses' items, images by address and by blob."""
    blob = {"$blob": "sha256:ab", "mediaType": "image/png", "bytes": 3}
    messages: list[dict[str, Any]] = [
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
                {"type": "input_image", "image_url": blob},
                {"type": "image_url", "image_url": {"url": blob}},
            ],
        },
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        {"type": "function_call", "call_id": "c2", "name": "g", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c2", "output": "43"},
    ]
    outcome = assembled(started(messages=messages), completed(100), capture_content=True)

    shown = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "sha256:ab"}
    assert [
        {"role": "user", "parts": [{"type": "uri", "modality": "image", "uri": "https://x/y.png"}, shown, shown]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "f", "arguments": {}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "42"}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c2", "name": "g", "arguments": {}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c2", "response": "43"}]},
    ] == json.loads(attributes(outcome)["gen_ai.input.messages"])


def test_every_choice_is_an_output_message() -> None:
    """Streamed or not, each with its own finish reason; tools go with the first."""
    streamed = assembled(
        started(),
        chunk(1, "a"),
        chunk(2, "b", choice=1),
        completed(9, finishReasons=["stop", "length"]),
        capture_content=True,
    )
    whole = assembled(started(), completed(9, choiceContents=["a", "b"], finishReasons=["stop", "length"]), capture_content=True)

    expected = [
        {"role": "assistant", "parts": [{"type": "text", "content": text}], "finish_reason": reason}
        for text, reason in (("a", "stop"), ("b", "length"))
    ]
    for outcome in (streamed, whole):
        assert expected == json.loads(attributes(outcome)["gen_ai.output.messages"])
