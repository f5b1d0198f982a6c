"""
Handoffs, guardrails and uses of memory: small spans inside a call.

Flow: facts -> **steps** -> spans.
"""

from collections.abc import Callable, Mapping
from typing import Any

from collector import semconv
from collector.assembly.facts import Facts
from collector.assembly.failures import Failure, read_failure
from collector.assembly.ids import span_id
from collector.events import StoredEvent
from collector.fields import amount, flag, mapping, name
from collector.spans import SpanKind
from collector.values import value

Payload = Mapping[str, Any]


@value
class Step:
    """One step, as its span needs it."""

    kind: SpanKind
    span_id: str
    name: str
    start_ms: float
    end_ms: float
    failure: Failure | None
    attributes: dict[str, Any]


def read_steps(facts: Facts, project: str, request_id: str) -> list[Step]:
    """The steps in the order of the call."""
    seen: set[tuple[str, str]] = set()
    return [_read(event, project, request_id, seen) for event in facts.steps]


def _read(event: StoredEvent, project: str, request_id: str, seen: set[tuple[str, str]]) -> Step:
    kind, make_name = _KINDS[event.type]
    # An event is its id and its time: a sender may use an id again, and no two spans have the same.
    key = event.event_id if (kind, event.event_id) not in seen else f"{event.event_id}@{int(event.timestamp_ms)}"
    seen.add((kind, event.event_id))
    payload = event.payload
    error = payload.get("error")
    failure = None if error is None else read_failure(error)
    # TanStack's memory events call it durationMs.
    duration_ms = amount(payload.get("duration")) or amount(payload.get("durationMs")) or 0
    attributes = {
        semconv.AGENT_NAME: name(payload.get("agentName")),
        semconv.ERROR_TYPE: None if failure is None else failure.error_type,
        semconv.HOOKLINE_TRIGGERED: flag(payload.get("triggered")),
    }
    return Step(
        kind=kind,
        span_id=span_id(project, request_id, kind, key),
        name=make_name(payload),
        start_ms=event.timestamp_ms - duration_ms,
        end_ms=event.timestamp_ms,
        failure=failure,
        attributes={key: value for key, value in attributes.items() if value is not None},
    )


def _handoff_name(payload: Payload) -> str:
    target = payload.get("toAgent")
    return semconv.span_name("handoff", name(target) or name(mapping(target).get("name")))


def _guardrail_name(payload: Payload) -> str:
    return semconv.span_name("guardrail", name(payload.get("name")))


def _recall_name(payload: Payload) -> str:
    return semconv.span_name("memory_retrieve", name(payload.get("adapter")))


def _save_name(payload: Payload) -> str:
    return semconv.span_name("memory_persist", name(payload.get("adapter")))


def _failed_memory_name(payload: Payload) -> str:
    return _save_name(payload) if payload.get("phase") == "save" else _recall_name(payload)


_KINDS: Mapping[str, tuple[SpanKind, Callable[[Payload], str]]] = {
    "agent:handoff": ("handoff", _handoff_name),
    "guardrail:completed": ("guardrail", _guardrail_name),
    "memory:retrieve:completed": ("memory", _recall_name),
    "memory:persist:completed": ("memory", _save_name),
    "memory:error": ("memory", _failed_memory_name),
}
