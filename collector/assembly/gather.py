"""
Go through a call's events once.

Flow: ordered events -> **rules, one by one** -> facts.
"""

from collections.abc import Sequence

from collector import semconv
from collector.assembly.facts import CONTEXT, Facts, note_context
from collector.assembly.rules import RULES
from collector.events import StoredEvent

STARTED = ":request:started"
AFTERTHOUGHTS = frozenset({"feedback"})
"""Said about a call, not by it: neither news that keeps it running nor late when it is over."""


def gather(events: Sequence[StoredEvent]) -> Facts:
    """The facts of a call. The started event's context counts before that of all others."""
    facts = Facts()
    missing = set(CONTEXT)
    for event in events:
        if event.type.endswith(STARTED):
            note_context(facts, event, missing)
            break
    for event in events:
        # Most events repeat what another one said.
        if not missing.isdisjoint(event.payload):
            note_context(facts, event, missing)
        rule = RULES.get(event.type)
        if rule is not None:
            rule(facts, event)
    facts.activity = _activity(facts, events)
    return facts


def own_events(events: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
    """The events that a call itself sent."""
    return [event for event in events if event.type not in AFTERTHOUGHTS] or events


def _activity(facts: Facts, events: Sequence[StoredEvent]) -> str | None:
    """The started event's activity; without one that of the ending, then of any event that has one."""
    if facts.started is not None:
        return activity_of(facts.started.type)
    for event in (*facts.terminals, *events):
        activity = activity_of(event.type)
        if activity in semconv.OPERATIONS:
            return activity
    return "text" if facts.tools else None


def activity_of(event_type: str) -> str:
    """The first word of a type: `text` of `text:request:started`."""
    return event_type.partition(":")[0]
