"""
What one pass over a call's events notes down, before anything is concluded from it.

Flow: ordered events -> rules -> **facts** -> ending, timing, usage, tools, iterations, spans.
The one mutable value of assembly; it lives inside one `assemble`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from collector.assembly.parents import HostSpan, parse_traceparent
from collector.assembly.text import TextRun
from collector.events import StoredEvent
from collector.fields import bounded, mapping

TextKey = tuple[str, int]
"""messageId ('' where there is none) and choice."""

NAMED = (
    "provider", "model", "responseModel", "responseId", "clientId", "threadId", "runId", "sessionId", "userId",
    "parentRequestId", "parentToolCallId", "rootRequestId", "agentName", "jobId",
)  # fmt: skip
"""Fields of which the first one in a call counts, the started event's before all others."""

CONTEXT = frozenset({*NAMED, "traceparent", "tags", "truncated"})
"""All that any event may say about its call."""

_COLUMNS = frozenset({
    "provider", "model", "clientId", "threadId", "runId", "sessionId", "userId", "parentRequestId", "rootRequestId",
})  # fmt: skip
"""Fields that name columns of other rows, which hold no very long texts: a nested call and its parent must agree."""
_PARENTS = frozenset({"parentRequestId", "parentToolCallId"})


@dataclass(slots=True)
class ToolFacts:
    """What the events say about one toolCallId."""

    tool_call_id: str
    first_ms: float
    position: int = 0
    """Its place among the calls of its message: orders tools of one millisecond."""
    tool_name: str | None = None
    message_id: str | None = None
    declared: str | None = None
    """Arguments as `toolCalls` has them."""
    pieces: list[str] = field(default_factory=list[str])
    """Arguments as they were streamed."""
    given_input: object = None
    started: StoredEvent | None = None
    completed: StoredEvent | None = None
    parent_tool_call_id: str | None = None
    """The tool in which this one was run."""
    is_waiting: bool = False
    streamed_result: str | None = None


@dataclass(slots=True)
class IterationFacts:
    """One turn of the agent loop: a request to the model."""

    number: int
    started: StoredEvent | None = None
    completed: StoredEvent | None = None


# Every call makes these: `list[StoredEvent]()` takes five times as long as `[]`.
def _events() -> list[StoredEvent]:
    return []


def _runs() -> dict[TextKey, TextRun]:
    return {}


def _turns() -> dict[int, IterationFacts]:
    return {}


def _tools() -> dict[str, ToolFacts]:
    return {}


def _streamed() -> list[tuple[StoredEvent, list[float]]]:
    return []


def _names() -> dict[str, str]:
    return {}


def _nothing() -> Mapping[str, Any]:
    return {}


@dataclass(slots=True)
class Facts:
    """The notes. Lists keep the order of the call."""

    started: StoredEvent | None = None
    asked: Mapping[str, Any] = field(default_factory=_nothing)
    """The payload of the started event."""
    terminals: list[StoredEvent] = field(default_factory=_events)
    chunk_errors: list[StoredEvent] = field(default_factory=_events)
    dones: list[StoredEvent] = field(default_factory=_events)
    waits: list[StoredEvent] = field(default_factory=_events)
    usages: list[StoredEvent] = field(default_factory=_events)
    messages: list[StoredEvent] = field(default_factory=_events)
    steps: list[StoredEvent] = field(default_factory=_events)
    """Handoffs, guardrails and memory look-ups: spans of their own."""
    iterations: dict[int, IterationFacts] = field(default_factory=_turns)
    tools: dict[str, ToolFacts] = field(default_factory=_tools)
    texts: dict[TextKey, TextRun] = field(default_factory=_runs)
    thoughts: dict[TextKey, TextRun] = field(default_factory=_runs)
    streamed: list[tuple[StoredEvent, list[float]]] = field(default_factory=_streamed)
    """Events with chunks, of text, thinking and tool arguments, and when each of the chunks came (ms)."""
    chunk_count: int = 0
    first_chunk_ms: float | None = None
    named: dict[str, str] = field(default_factory=_names)
    tags: Mapping[str, Any] | None = None
    host_span: HostSpan | None = None
    is_truncated: bool = False
    activity: str | None = None

    def tool(self, tool_call_id: str, event: StoredEvent) -> ToolFacts:
        """The notes on a tool, begun at its first event."""
        found = self.tools.get(tool_call_id)
        if found is None:
            found = self.tools[tool_call_id] = ToolFacts(tool_call_id=tool_call_id, first_ms=event.timestamp_ms)
        return found

    def iteration(self, number: int) -> IterationFacts:
        """The notes on an iteration."""
        found = self.iterations.get(number)
        if found is None:
            found = self.iterations[number] = IterationFacts(number=number)
        return found


def note_context(facts: Facts, event: StoredEvent, missing: set[str]) -> None:
    """Take the fields of `missing` that this event has, and strike those off the list that said something."""
    payload = event.payload
    for field_name in missing.intersection(payload):
        if _note(facts, event.type, field_name, payload[field_name]):
            missing.remove(field_name)


def _note(facts: Facts, event_type: str, field_name: str, value: object) -> bool:
    match field_name:
        case "traceparent":
            facts.host_span = parse_traceparent(value)
            return facts.host_span is not None
        case "tags":
            facts.tags = mapping(value) or None
            return facts.tags is not None
        case "truncated":
            facts.is_truncated = bool(value)
            return facts.is_truncated
        case _:
            return _note_name(facts, event_type, field_name, value)


def _note_name(facts: Facts, event_type: str, field_name: str, value: object) -> bool:
    # What a tool's event says of a parent is about the tool, in this call.
    if not isinstance(value, str) or not value or (field_name in _PARENTS and event_type.startswith("tools:")):
        return False
    facts.named[field_name] = bounded(value) if field_name in _COLUMNS else value
    return True
