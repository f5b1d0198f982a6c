"""
What the record of a call lacks, in words.

Flow: trace_health, exports, the times of the pieces -> **sentences and figures** -> templates/call/timing.html. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from collector.web.shown import duration

MOST_STALLS = 5
BINS = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to know before trusting the record."""

    title: str
    meaning: str


_FLAGS: Mapping[str, Finding] = {
    "missing_start": Finding(
        title="The start was never told",
        meaning="No started event came. The start is the end minus the duration that the end told, or unknown.",
    ),
    "missing_terminal": Finding(
        title="The end was never told",
        meaning="No completed, error or aborted event came before the idle timeout. The end shown is the last sign of life.",
    ),
    "missing_usage": Finding(
        title="No token usage",
        meaning="The provider did not send any, or it was not asked to (`stream_options.include_usage` for chat streams).",
    ),
    "late": Finding(
        title="Something came late",
        meaning="An event arrived after the call's span was exported. The tables have it; the trace backend does not.",
    ),
    "orphan_parent": Finding(
        title="The parent call is not here",
        meaning="This call names a parent that was never stored: it was not sampled, not sent, or belongs to another project.",
    ),
    "truncated": Finding(
        title="Messages were cut",
        meaning="The sender took the middle out of long messages: 64 KiB a message, 1 MiB an event.",
    ),
    "sequence_gap": Finding(
        title="A piece of the stream is missing",
        meaning="The sender counted more text than arrived.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """A wait between two pieces; `n` is the piece that came after it."""

    n: int
    gap_ms: float
    at_ms: float
    """After the call's start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How the pieces of a stream came: figures, the longest waits, and how many in each of BINS slices of the call."""

    count: int
    first_ms: float
    last_ms: float
    median_gap_ms: float | None
    p95_gap_ms: float | None
    stalls: tuple[Stall, ...]
    bins: tuple[tuple[int, float], ...]
    """(slice, height from 0 to 1), those with pieces only."""


def explain_health(rows: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """What is wrong, nothing for a good record."""
    if not rows:
        return []
    row = rows[0]
    found = [finding for name, finding in _FLAGS.items() if row.get(name)]
    if row.get("skew_ms"):
        meaning = "The started event and the end minus its duration disagree by so much. The end and its duration count."
        found.append(Finding(title=f"Clocks differ by {duration(row['skew_ms'])}", meaning=meaning))
    return found


def measure_pace(times_ms: Sequence[float], start_ms: float | None, end_ms: float | None) -> Pace | None:
    """How a stream came; None where there was none."""
    if not times_ms:
        return None
    begin_ms = min(times_ms[0], times_ms[0] if start_ms is None else start_ms)
    span_ms = max(max(times_ms[-1], end_ms or 0.0) - begin_ms, 0.001)
    gaps = [later - earlier for earlier, later in pairwise(times_ms)]
    longest = sorted(range(len(gaps)), key=lambda n: -gaps[n])[:MOST_STALLS]
    ordered = sorted(gaps)
    return Pace(
        count=len(times_ms),
        first_ms=times_ms[0] - begin_ms,
        last_ms=times_ms[-1] - begin_ms,
        median_gap_ms=ordered[len(ordered) // 2] if ordered else None,
        p95_gap_ms=ordered[int(len(ordered) * 0.95)] if ordered else None,
        stalls=tuple(Stall(n=n + 2, gap_ms=gaps[n], at_ms=times_ms[n] - begin_ms) for n in longest if gaps[n] > 0),
        bins=_bins(times_ms, begin_ms, span_ms),
    )


def _bins(times_ms: Sequence[float], begin_ms: float, span_ms: float) -> tuple[tuple[int, float], ...]:
    counts: dict[int, int] = {}
    for at_ms in times_ms:
        place = min(BINS - 1, max(0, int((at_ms - begin_ms) / span_ms * BINS)))
        counts[place] = counts.get(place, 0) + 1
    most = max(counts.values())
    return tuple((place, round(0.25 + 0.75 * number / most, 3)) for place, number in sorted(counts.items()))
