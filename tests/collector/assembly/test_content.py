"""
Message content on spans, as a backend gets it: encoded, sent and decoded as real OTLP, and compared with golden files.

`HOOKLINE_WRITE_GOLDEN=1` writes the files anew.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from collector.assembly.content import MAX_CHARS, as_content
from collector.exporters import ExportSettings, open_exporters
from collector.spans import Assembled
from tests.collector.assembly.stored import assembled, chunk, completed, event, started
from tests.fakes.otlp import OtlpReceiver
from tests.fakes.spans import a_resource

GOLDEN = Path(__file__).parents[2] / "golden" / "content"
CONTENT = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
)
PNG = {"$blob": "sha256:ab", "mediaType": "image/png", "bytes": 3}
WAV = {"$blob": "sha256:cd", "mediaType": "audio/wav", "bytes": 9}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def chat_with_tools() -> list[Any]:
    """A chat with every kind of part, tools offered, asked for and run, reasoning, system prompt."""
    messages: list[dict[str, Any]] = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is on these?"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                {"type": "image_url", "image_url": {"url": PNG}},
                {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "from_tomorrow", "x": 1},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "I should look it up.",
            "tool_calls": [{"id": "c0", "type": "function", "function": {"name": "look_up", "arguments": '{"city": "Rome"}'}}],
        },
        {"role": "tool", "tool_call_id": "c0", "content": "sunny"},
    ]
    tool = {"type": "function", "function": {"name": "look_up", "description": "The weather", "parameters": SCHEMA}}
    asked = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": '{"city": "Paris"}'}}
    return [
        started(messages=messages, systemPrompts=["Be brief."], modelOptions={"tools": [tool]}, streaming=True),
        event("text:chunk:thinking", 50, delta="Rome is known, ", messageId="m1"),
        event("text:chunk:thinking", 60, delta="Paris is not.", messageId="m1"),
        chunk(100, "One moment."),
        event(
            "tools:call:completed", 300, toolCallId="c1", toolName="look_up", messageId="m1", result={"sky": "grey"}, duration=9
        ),
        completed(400, toolCalls=[asked], finishReason="tool_calls"),
    ]


def responses() -> list[Any]:
    """Items of the Responses API: reasoning, a function call and its output, an image as an answer."""
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "input_text", "text": "Draw it"}, {"type": "input_file", "file_id": "file-2"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "A picture is wanted."}]},
        {"type": "function_call", "call_id": "c2", "name": "colours", "arguments": "not json"},
        {"type": "function_call_output", "call_id": "c2", "output": '["red"]'},
    ]
    hosted = {"type": "image_generation", "size": "1024x1024"}
    return [
        started(messages=messages, modelOptions={"tools": [hosted]}, api="responses"),
        completed(400, content="Here it is.", reasoning="Red it is.", images=[{"b64Json": PNG}], finishReason="stop"),
    ]


def image() -> list[Any]:
    """A picture by its prompt, answered by address."""
    return [
        started(0, "image", prompt="a red square", model="gpt-image-1"),
        completed(900, "image", images=[{"url": "https://example.com/b.png"}, {"b64Json": PNG}]),
    ]


def failure() -> list[Any]:
    """What was said before the stream broke."""
    broken = event("text:request:error", 400, duration=400, error={"name": "APIError", "message": "gone"})
    return [started(messages=[{"role": "user", "content": "Hi"}]), chunk(100, "Hel"), chunk(200, "lo"), broken]


CASES = {case.__name__: case for case in (chat_with_tools, responses, image, failure)}


def over_the_wire(outcome: Assembled) -> dict[str, dict[str, Any]]:
    """Span name -> its content attributes, decoded from what a backend received."""
    with OtlpReceiver() as backend:
        (exporter,) = open_exporters(ExportSettings(environment={"OTEL_EXPORTER_OTLP_ENDPOINT": backend.endpoint}))
        exporter.send(a_resource(), [exporter.encode(span) for span in outcome.spans])
        exporter.close()
        found = backend.spans()
    return {span.name: {name: span.attributes[name] for name in CONTENT if name in span.attributes} for span in found}


@pytest.mark.parametrize("case", CASES)
def test_content_is_as_in_its_golden_file(case: str) -> None:
    """JSON in strings: roles, parts of every type, definitions, arguments and results."""
    told = over_the_wire(assembled(*CASES[case](), capture_content=True))
    readable = {name: {key: _decoded(value) for key, value in attributes.items()} for name, attributes in told.items()}
    path = GOLDEN / f"{case}.json"
    if os.environ.get("HOOKLINE_WRITE_GOLDEN"):
        path.write_text(json.dumps(readable, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    assert json.loads(path.read_text(encoding="utf-8")) == readable
    for attributes in told.values():
        _has_the_shape_of_the_conventions(attributes)


def _decoded(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


REQUIRED = {
    "text": {"content"},
    "reasoning": {"content"},
    "tool_call": {"name", "arguments"},
    "tool_call_response": {"response"},
    "uri": {"modality", "uri"},
    "blob": {"modality", "content"},
    "file": {"modality", "file_id"},
}
"""Part type -> what the conventions' schema requires of it. Other types are free."""


def _has_the_shape_of_the_conventions(attributes: dict[str, Any]) -> None:
    messages = [
        message
        for name in ("gen_ai.input.messages", "gen_ai.output.messages")
        for message in json.loads(attributes.get(name, "[]"))
    ]
    assert all({"role", "parts"} <= message.keys() for message in messages)
    parts = [part for message in messages for part in message["parts"]]
    parts += json.loads(attributes.get("gen_ai.system_instructions", "[]"))
    for part in parts:
        assert REQUIRED.get(part["type"], set()) <= part.keys()
    for tool in json.loads(attributes.get("gen_ai.tool.definitions", "[]")):
        assert {"type", "name"} <= tool.keys()


@pytest.mark.parametrize("case", CASES)
def test_without_capture_no_span_says_a_word(case: str) -> None:
    """The default."""
    assert not any(over_the_wire(assembled(*CASES[case]())).values())


def test_long_content_stays_json_with_notes_of_what_was_cut() -> None:
    """First the long texts, in their middle; short ones stay."""
    messages = [{"role": "user", "content": "short"}, {"role": "user", "content": "a" * 500_000}]
    told = over_the_wire(assembled(started(messages=messages), completed(9), capture_content=True))

    found = next(iter(told.values()))["gen_ai.input.messages"]
    assert len(found) <= MAX_CHARS
    short, long = (message["parts"][0]["content"] for message in json.loads(found))
    assert ("short", True) == (short, "characters cut]…aaa" in long)


def test_very_many_messages_keep_their_ends() -> None:
    """The first say what it is about, the last what was asked."""
    messages = [{"role": "user", "parts": [{"type": "text", "content": f"message {n} " + "x" * 100}]} for n in range(2_000)]

    told = as_content(messages)
    assert told is not None
    assert len(told) <= MAX_CHARS
    words = [message["parts"][0]["content"] for message in json.loads(told)]
    assert words[0].startswith("message 0 ")
    assert "[1984 entries cut]" in words
    assert words[-1].startswith("message 1999 ")


def test_content_that_no_cutting_makes_small_is_a_note() -> None:
    """Keys, for instance, are not cut."""
    told = as_content([{f"key {n}": n for n in range(20_000)}])

    assert told is not None
    assert "[1 entries cut]" == json.loads(told)[0]["content"]


def every_character() -> str:
    """All of Unicode but the halves of surrogate pairs."""
    return "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)


@pytest.mark.parametrize(
    "entry",
    [
        {"role": "user", "parts": [{"type": "text", "content": every_character()}]},
        {"role": "user", "parts": [{"type": "text", "content": "half a pair: \ud800"}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": None, "arguments": {"lat": 1e16, "lon": -0.0, "n": 2**70}}]},
        {"role": "assistant", "parts": [{"type": "tool_call_response", "id": "a", "response": 1e16}]},
        {"role": "assistant", "parts": ["odd", 1.5, [1e-7]], "finish_reason": None},
        [float("inf"), True, {"deep": [[]]}],
    ],
    ids=["characters", "half", "numbers", "number", "odd", "list"],
)
def test_content_is_written_as_python_writes_json(entry: Any) -> None:
    """
    Whatever is in it and however it was written: the same call gives the same text as ever.
    """
    assert json.dumps([entry], ensure_ascii=False, separators=(",", ":")) == as_content([entry], max_chars=8_000_000)
