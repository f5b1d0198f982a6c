"""The catalogue says what the published one says, plus ours."""

import json
from typing import Any, get_type_hints

import pytest

from sdk_hooks.events import ACTIVITIES, EVENT_TYPES, FAMILIES
from sdk_hooks.events.base import BaseEventContext, Event, HooklineContext, Terminal
from tests.fakes.required import shared

OURS_BESIDE = {
    "text:request:started": {"messages"},
    "text:request:completed": {"toolCalls", "finishReasons"},
    "text:chunk:content": {"chunks"},
    "text:chunk:thinking": {"chunks"},
    "text:chunk:tool-call": {"chunks"},
    "tools:call:completed": {"error"},
}
"""Our own fields on types of the published catalogue; all optional."""


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    return json.loads(shared("design", "events.json").read_text(encoding="utf-8"))


def test_base_fields_are_those_of_the_published_catalogue(published: dict[str, Any]):
    """All 25, with their requiredness."""
    fields = {field["name"]: field["required"] for field in published["base"]}
    ours = {name: name in BaseEventContext.__required_keys__ for name in get_type_hints(BaseEventContext)}
    assert 25 == len(fields)
    assert fields == ours


def test_every_published_type_has_its_fields_and_requiredness(published: dict[str, Any]):
    """102 types; each field where it should be, required where it should be, and none beside but the ones that we list."""
    catalogue = {name for family in FAMILIES.values() for name in family}
    assert set(published["events"]) == catalogue
    assert 102 == len(catalogue)
    shared = set(get_type_hints(Event))
    for name, described in published["events"].items():
        shape: Any = EVENT_TYPES[name]
        hints, required = get_type_hints(shape), shape.__required_keys__
        wanted = {field["name"]: field["required"] for field in described["fields"]}
        for field, is_required in wanted.items():
            assert field in hints, f"{name}.{field}"
            assert is_required == (field in required), f"{name}.{field}"
        beside = set(hints) - shared - set(wanted) - OURS_BESIDE.get(name, set())
        assert beside <= set(get_type_hints(Terminal)), f"{name}: {beside}"
        assert required - set(wanted) == {"type", "timestamp"}, name


PRIMITIVES = {"string": str, "number": float, "boolean": bool, "unknown": Any, "string | null": str | None}


def test_published_primitive_types_are_ours(published: dict[str, Any]):
    """A number is a number and a flag a flag."""
    for name, described in published["events"].items():
        hints = get_type_hints(EVENT_TYPES[name])
        for field in described["fields"]:
            if field["type"] in PRIMITIVES:
                assert PRIMITIVES[field["type"]] == hints[field["name"]], f"{name}.{field['name']}"


def test_every_activity_can_fail_and_be_left():
    """`:error` and `:aborted` exist for each activity, with a duration; `:error` with name and message."""
    for activity in ACTIVITIES:
        error: Any = EVENT_TYPES[f"{activity}:request:error"]
        aborted: Any = EVENT_TYPES[f"{activity}:request:aborted"]
        assert {"requestId", "error", "duration"} <= error.__required_keys__
        assert {"requestId", "duration"} <= aborted.__required_keys__
    started = {name.partition(":")[0] for name in EVENT_TYPES if name.endswith(":request:started")}
    assert started == set(ACTIVITIES)


def test_our_types_and_fields_are_there():
    """What we add to the catalogue."""
    for name in (
        "agent:request:started",
        "agent:request:completed",
        "agent:request:error",
        "agent:handoff",
        "guardrail:completed",
        "tools:call:started",
        "moderation:request:started",
        "moderation:request:completed",
        "feedback",
    ):
        assert name in EVENT_TYPES
    assert {
        "parentRequestId",
        "parentToolCallId",
        "rootRequestId",
        "traceparent",
        "agentName",
        "choice",
        "project",
        "sessionId",
        "userId",
        "tags",
        "sampleRate",
        "truncated",
    } <= set(get_type_hints(HooklineContext))
    assert {"usage", "timeToFirstChunk", "responseModel", "responseId"} <= set(get_type_hints(Terminal))
