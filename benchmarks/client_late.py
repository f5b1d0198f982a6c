"""
How late hosts were, in words: bare ones, wrapped ones, and bare ones beside somebody else's work.

Flow: client_worker (turns) -> client_overhead -> **late** -> the figures.
"""

from typing import Any

from benchmarks.client_rounds import Pair, added, median, verdict

LATE_MAX_MS = 3.0


def print_late(turns: list[Pair]) -> None:
    """Of all turns together, and of the turns' own figures: one moment in which the machine was away is one turn's."""
    for name, share, limit in (("p50", 0.5, None), ("p99", 0.99, 1.5), ("p99.9", 0.999, None), ("max", 1.0, LATE_MAX_MS)):
        bare, ours = (percentile([late for pair in turns for late in pair[side]["late_ms"]], share) for side in (0, 1))
        each: list[Pair] = [({"at": percentile(a["late_ms"], share)}, {"at": percentile(b["late_ms"], share)}) for a, b in turns]
        told = f"turn by turn {median([b['at'] for _, b in each]).shown(2)}, added {added(each, 'at').shown(2)}"
        kept = "" if limit is None else verdict(ours, limit)
        print(f"late at 2,000 events/s, {name}, ms: bare {bare:.2f}, wrapped {ours:.2f} {kept}; {told}", flush=True)


def print_latest(name: str, turns: list[dict[str, Any]]) -> None:
    """In how many turns the host was too late. By itself: nothing was stolen, no other process had a processor of its."""
    alone = latest([turn["own_ms"] for turn in turns if not turn["stolen_ms"]])
    print(
        f"turns with a moment over {LATE_MAX_MS:g} ms: {latest([turn['late_ms'] for turn in turns])}; by itself {alone}: {name}"
    )


def latest(turns: list[list[float]]) -> str:
    most = [max(late_ms) for late_ms in turns]
    return f"{sum(late > LATE_MAX_MS for late in most)} of {len(most)}, at most {max(most, default=0.0):.2f}"


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
