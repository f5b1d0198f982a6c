"""
What is wrong with the record of a call.

Flow: facts, ending, times -> **health** -> trace_health.
`orphan_parent` needs other calls, and is found by storage.
"""

from collections.abc import Sequence
from itertools import pairwise

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
        late=_has_late_event(facts, own, call, ending),
        skew_ms=times.skew_ms,
        truncated=facts.is_truncated,
        sequence_gap=any(run.has_hole() for run in (*facts.texts.values(), *facts.thoughts.values())),
    )


def _expects_usage(facts: Facts, ending: Ended) -> bool:
    """A request that failed used nothing that its provider would tell."""
    return ending.status != "error" and facts.activity in COUNTED


def _has_late_event(facts: Facts, own: Sequence[StoredEvent], call: CallEvents, ending: Ending) -> bool:
    """Whether something came after the call could have been exported, and was."""
    if call.exported is None:
        return False
    received = sorted(event.received_ms for event in own)
    if call.is_own_hook and facts.started is not None and isinstance(ending, Ended) and ending.event is not None:
        return received[-1] > max(facts.started.received_ms, ending.event.received_ms)
    quiet_ms = call.idle_timeout_ms if call.exported == "incomplete" else call.settle_ms
    ended_ms = received[0] if call.exported == "incomplete" or not isinstance(ending, Ended) else _receipt_of(ending, own)
    after_end = [ended_ms, *(at_ms for at_ms in received if at_ms > ended_ms)]
    return any(later - earlier > quiet_ms for earlier, later in pairwise(after_end))


def _receipt_of(ending: Ended, own: Sequence[StoredEvent]) -> int:
    return ending.event.received_ms if ending.event is not None else own[0].received_ms
