"""A cheap copy that nobody else can change."""

from copy import deepcopy
from typing import Any

import pytest
from pydantic import BaseModel, Field

from sdk_hooks.recorder import Shape, as_it_is, start_call
from sdk_hooks.snapshot import take
from tests.fakes.collected import recording
from tests.sdk_hooks.calls import chat


def test_copy_is_independent_and_equal():
    """Plain data, small and large, is the same afterwards and does not follow the original."""
    for text in ("short", "long" * 5000):
        value: dict[str, Any] = {"messages": [{"role": "user", "content": text}], "n": 1, "ok": True, "none": None, "x": 0.5}
        snapshot = take(value)
        value["messages"].append("more")
        value["messages"][0]["role"] = "changed"
        assert {"messages": [{"role": "user", "content": text}], "n": 1, "ok": True, "none": None, "x": 0.5} == snapshot.open()


def test_long_texts_are_not_copied_again_and_again():
    """After a long request, which is what agents send again and again, texts are kept as they are; after a short one, packed."""
    asked: dict[str, Any] = {"messages": [{"role": "user", "content": "long" * 50_000}]}
    take(asked)
    kept = take(asked)
    asked["messages"].append("more")
    assert kept.open()["messages"][0]["content"] is asked["messages"][0]["content"]
    assert 1 == len(kept.open()["messages"])
    short = " ".join(("short", "text"))
    take(short)
    assert short is not take([short]).open()[0]


def test_tuples_are_lists():
    """As JSON has them, and as readers of requests expect them; also tools, which are an answer to themselves here."""
    tools: Any = ({"type": "function", "tools": ({"a": (1,)},)},)
    for _ in range(2):
        assert {"input": ["a", ["b"]], "tools": [{"type": "function", "tools": [{"a": [1]}]}]} == take(
            {"input": ("a", ("b",)), "tools": tools}
        ).open()
        # The second time after a long one.
        take("x" * 100_000)


@pytest.mark.parametrize("before", ["short", "long" * 50_000])
def test_nothing_in_a_copy_is_the_hosts(before: str):
    """Parts of messages, tool schemas, lists in lists, dicts in dicts, however deep: no change of the host's gets in."""
    deep: Any = {"at": "the bottom"}
    for level in range(20):
        deep = {"in": deep} if level % 2 else [deep]
    tool = {"type": "function", "function": {"name": "f", "parameters": {"properties": {"a": {"enum": ["x"]}}}}}
    part = {"type": "image_url", "image_url": {"url": "data:" + "A" * 10_000}}
    values: list[dict[str, Any]] = [
        {"messages": [{"role": "user", "content": [part, {"type": "text", "text": "what is it?"}], "n": None}], "tools": [tool]},
        {"input": [[1, 2], [3]], "stop": ["a", "b"], "options": {"inner": {"list": [{"b": b"bytes"}]}}, "none": None},
        {"messages": [{"role": "user", "content": "x"}], "deep": deep},
        {"tools": [], "messages": []},
    ]
    for value in values:
        take(before)
        said = deepcopy(value)
        snapshot = take(value)
        spoil(value)
        assert said != value
        assert said == snapshot.open()


def spoil(value: Any) -> None:
    """Change everything that can be changed, from the inside out."""
    for inner in list(value.values() if isinstance(value, dict) else value):
        if isinstance(inner, (dict, list)):
            spoil(inner)
    if isinstance(value, dict):
        value["spoilt"] = True
    else:
        value.append("spoilt")


def test_what_is_not_plain_becomes_its_type():
    """Objects that are no data do not stop the recording."""
    assert {"a": "<object>", "b": [1]} == take({"a": object(), "b": (1,)}).open()


def test_what_was_not_given_is_left_out():
    """The markers of openai and anthropic, wherever they are; a class of the host's with such a name may be something."""

    class Omit:
        def __bool__(self) -> bool:
            return False

    given = Omit()
    assert {"a": {"b": [{"c": 1}]}} == take({"a": {"b": [{"c": 1, "d": given}], "e": given}, "f": given}).open()
    something: Any = type("Omit", (), {})()
    assert {"a": "<Omit>"} == take({"a": something}).open()


def test_models_read_under_the_names_they_are_sent_by():
    """Pydantic models, also deep in plain data; what is None, or an "unset" without fields, was not said."""

    class Unset(BaseModel):
        """What some SDKs put where nothing was given."""

    class Part(BaseModel, extra="allow"):
        kind: str = Field(alias="type")
        note: str | Unset | None = None

    part = Part.model_validate({"type": "text", "more": 1})
    assert {"m": [{"type": "text", "more": 1}]} == take({"m": [part]}).open()
    part.note = Unset()
    assert {"type": "text", "more": 1} == take(part).open()


def test_nothing_in_a_copy_is_the_models():
    """Agents put an answer's blocks among their messages, and may change them after the call."""

    class Block(BaseModel, extra="allow"):
        type: str = "tool_use"
        given: dict[str, Any] = {}

    block = Block.model_validate({"given": {"at": [1]}, "more": {"inner": [2]}})
    said = {"type": "tool_use", "given": {"at": [1]}, "more": {"inner": [2]}}
    snapshot = take({"messages": [{"role": "assistant", "content": [block]}], "last": block})
    block.given["at"].append("changed")
    block.given = {}
    (block.__pydantic_extra__ or {})["more"]["inner"].append("changed")
    assert {"messages": [{"role": "assistant", "content": [said]}], "last": said} == snapshot.open()


def test_a_circle_ends():
    """A structure that holds itself is cut, not followed for ever, whether it can be copied at once or piece by piece."""
    for odd in (1, object()):
        circle: dict[str, Any] = {"odd": odd, "content": "x"}
        circle["self"] = circle
        with recording() as events:
            chat(messages=[circle]).complete()
            events.flush()
        assert "too deep" in str(events.events[0])
        assert 2 == len(events.events)


@pytest.mark.parametrize("where", ["messages", "tools", "response_format"])
def test_a_circle_with_many_ways_ends(where: str):
    """
    What holds itself more than once has more ways through it than anybody can go: the call is recorded, with a piece of them.
    """
    circle: list[Any] = [{"role": "user", "content": "Hello"}]
    circle += [circle, {"inner": circle}, [circle, circle]]
    with recording() as events:
        call = start_call(Shape("text", as_it_is, as_it_is), {where: circle}, provider="openai", model="gpt-5")
        assert call is not None
        call.complete()
        events.flush()
    assert ["text:request:started", "text:request:completed"] == [event["type"] for event in events.events]
    told = events.events[0]
    assert "truncated" in told or "too deep" in str(told)
    assert len(str(told)) < 2_000_000


def test_a_deep_schema_is_whole():
    """Depth alone costs nothing of the record: also below what is walked through, with or without tools."""
    schema: Any = {"type": "string"}
    for _ in range(10):
        schema = {"type": "object", "properties": {"inner": schema}}
    for request in ({"response_format": schema}, {"tools": [schema], "messages": []}):
        assert request == take(request).open()


def test_size_is_about_right():
    """For the buffer's bound."""
    assert 100_000 <= take({"a": "x" * 100_000}).size_bytes <= 101_000
