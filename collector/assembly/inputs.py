"""
What assembly is given: one call's events, and what is known about them besides.

Flow: storage -> pipeline -> **these values** -> assembly.
"""

from collections.abc import Callable
from dataclasses import field

from collector.events import StoredEvent
from collector.spans import Usage
from collector.values import value

Price = Callable[[str | None, str | None, Usage, float], float | None]
"""(provider, model, usage, at_ms) -> US dollars, or None where no price is known. Never raises."""


@value
class CallEvents:
    """All that is stored about one call at `now_ms`. `events` may come in any order, with repeats."""

    project: str
    request_id: str
    events: tuple[StoredEvent, ...] = field(repr=False)
    run_ends: tuple[StoredEvent, ...] = ()
    """`run:errored` and `run:cancelled` of the call's runId."""
    service: str
    is_own_hook: bool
    """Our emitters send in order, so a call of theirs with both ends stored needs no settling time."""
    trace_id: str | None
    """Fixed at an earlier assembly; kept whatever the events say now."""
    settled_ms: int | None
    """When the call settled for the first time, None where it never did. What is received afterwards is late."""
    now_ms: int
    first_received_ms: int
    last_received_ms: int
    settle_ms: int
    idle_timeout_ms: int
