"""
Handoffs, guardrails and uses of memory.
"""

from typing import Any

import pytest

from tests.collector.assembly.stored import T0, assembled, completed, event, started


@pytest.mark.parametrize(
    ("event_type", "payload", "kind", "name", "duration_ms"),
    [
        ("agent:handoff", {"toAgent": "billing", "fromAgent": "triage"}, "handoff", "handoff billing", 0),
        ("guardrail:completed", {"name": "pii", "triggered": True, "duration": 12}, "guardrail", "guardrail pii", 12),
        ("memory:retrieve:completed", {"adapter": "redis", "durationMs": 7}, "memory", "memory_retrieve redis", 7),
        ("memory:persist:completed", {"adapter": "redis", "durationMs": 9}, "memory", "memory_persist redis", 9),
    ],
)
def test_a_step_is_a_span_in_its_call(event_type: str, payload: dict[str, Any], kind: str, name: str, duration_ms: float) -> None:
    """It ends at its event and started its duration earlier."""
    outcome = assembled(started(0, "agent"), event(event_type, 500, **payload), completed(1000, "agent", duration=1000))
    top, span = outcome.spans

    assert (kind, name, "ok", duration_ms) == (span.kind, span.name, span.status, span.duration_ms)
    assert (top.span_id, (T0 + 500) * 10**6, False) == (span.parent_span_id, span.end_ns, span.is_client)


def test_a_failed_use_of_memory_is_an_error() -> None:
    """Which one it was is in its phase."""
    failed = event("memory:error", 500, adapter="redis", phase="save", error={"name": "Timeout", "message": "slow"})
    span = assembled(started(), failed, completed(1000)).spans[1]

    assert ("memory_persist redis", "error", "Timeout", "slow") == (span.name, span.status, span.error_type, span.error_message)


def test_a_guardrail_that_stepped_in_says_so() -> None:
    """It did its work: no error."""
    seen = event("guardrail:completed", 500, name="pii", triggered=True)

    assert assembled(started(), seen, completed(1000)).spans[1].attributes["hookline.triggered"] is True


def test_two_steps_of_a_kind_have_two_ids() -> None:
    """Their events tell them apart."""
    steps = [event("agent:handoff", at_ms, toAgent="b") for at_ms in (1, 2)]
    _, first, second = assembled(started(), *steps, completed(1000)).spans

    assert first.span_id != second.span_id
