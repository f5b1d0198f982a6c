"""
What is wrong with the record of a call.

Flow: facts, ending, times -> **health** -> trace_health.
`orphan_parent` needs other calls, and is found by storage.
"""

from collections.abc import Sequence

from collector.assembly.ending import Ended, Ending
from collector.assembly.facts import Facts
from collector.assembly.inputs import CallEvents
from collector.assembly.timing import Times
from collector.events import StoredEvent
from collector.spans import Health

COUNTED = ("text", "embedding", "image")
"""Activities whose providers tell usage."""


def check_health(
    facts: Facts, own: Sequence[StoredEvent], call: CallEvents, ending: Ending, times: Times, *, has_usage: bool
) -> Health:
    """What a reader of the call should know before trusting it."""
    is_over = isinstance(ending, Ended)
    return Health(
        missing_start=facts.started is None,
        missing_terminal=is_over and ending.event is None,
        missing_usage=is_over and not has_usage and _expects_usage(facts, ending),
        late=_has_late_event(own, call.settled_ms),
        skew_ms=times.skew_ms,
        truncated=facts.is_truncated,
        sequence_gap=any(run.has_hole() for run in (*facts.texts.values(), *facts.thoughts.values())),
    )


def _expects_usage(facts: Facts, ending: Ended) -> bool:
    """A request that failed used nothing that its provider would tell."""
    return ending.status != "error" and facts.activity in COUNTED


def _has_late_event(own: Sequence[StoredEvent], settled_ms: int | None) -> bool:
    """Whether something came when nothing more was expected, exported or not. Stays so however often it is assembled."""
    return settled_ms is not None and any(event.received_ms > settled_ms for event in own)
