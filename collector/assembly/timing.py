"""
When a call, a tool or an iteration began and ended.

Flow: facts, ending -> **times** -> calls, spans, health.
"""

from collector.assembly.ending import Ended, Ending
from collector.assembly.facts import Facts
from collector.events import StoredEvent
from collector.fields import amount
from collector.values import value

SKEW_LIMIT_MS = 50.0
LAST_NS = 2**63 - 1


@value
class Times:
    """Unix ms. `duration_ms` None: it runs, or nobody told when it began (then start = end)."""

    start_ms: float
    end_ms: float | None
    duration_ms: float | None
    skew_ms: float | None = None
    """How far the started event lies from end − duration, where that is more than the limit."""


def measure_call(facts: Facts, ending: Ending, first: StoredEvent) -> Times:
    """The call's times: the end's event says how long it took; only where it doesn't, the started event counts."""
    started_ms = None if facts.started is None else facts.started.timestamp_ms
    match ending:
        case Ended(end_ms=end_ms, event=event):
            told_ms = None if event is None else amount(event.payload.get("duration"))
            return measure(end_ms, told_ms, started_ms)
        case _:
            return Times(start_ms=first.timestamp_ms if started_ms is None else started_ms, end_ms=None, duration_ms=None)


def measure(end_ms: float, told_ms: float | None, started_ms: float | None) -> Times:
    """Times from an end, the duration that was told and the start that was seen, where there are such."""
    if told_ms is not None:
        skew_ms = 0.0 if started_ms is None else abs(started_ms - (end_ms - told_ms))
        return Times(
            start_ms=end_ms - told_ms,
            end_ms=end_ms,
            duration_ms=told_ms,
            skew_ms=skew_ms if skew_ms > SKEW_LIMIT_MS else None,
        )
    if started_ms is None:
        return Times(start_ms=end_ms, end_ms=end_ms, duration_ms=None)
    # A start after the end is a clock that was set back: nothing can last less than no time.
    start_ms = min(started_ms, end_ms)
    return Times(start_ms=start_ms, end_ms=end_ms, duration_ms=end_ms - start_ms)


def to_ns(time_ms: float) -> int:
    """Unix nanoseconds. Whole milliseconds stay exact: as a float they would be rounded to 256 ns."""
    whole_ms = int(time_ms)
    # A sender's clock may stand in the year 3000; 64 bits of nanoseconds end in 2262.
    return min(whole_ms * 1_000_000 + round((time_ms - whole_ms) * 1_000_000), LAST_NS)


def time_to_first_chunk(facts: Facts, ending: Ending, start_ms: float) -> float | None:
    """Milliseconds from the start to the first piece, as the sender measured it, else by the events' times."""
    if isinstance(ending, Ended) and ending.event is not None:
        told_ms = amount(ending.event.payload.get("timeToFirstChunk"))
        if told_ms is not None:
            return told_ms
    return None if facts.first_chunk_ms is None else max(0.0, facts.first_chunk_ms - start_ms)
