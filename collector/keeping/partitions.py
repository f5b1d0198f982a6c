"""
Which partitions of events go whole, and which rows wait for that.

Flow: RetentionWorker -> **fates, stretches**. Pure.
Rows that are removed as soon as their time comes would leave nothing to drop. So where all projects of a partition agree, its
rows wait until all of it is too old: as long as a partition is wide, and a day for what comes late and for traces.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from collector.storage.leaver import Partition

GRACE_MS = 86_400_000
"""So long after its end a partition waits: for late events, and for traces that go on behind it."""
WAIT_AT_MOST = 1 / 3
"""Of a project's limit. Where partitions are wider than that, rows go one by one."""

Fate = Literal["whole", "waits", "rows"]


def fate_of(partition: Partition, cutoffs: Mapping[str, int], *, now_ms: int, may_wait: bool) -> Fate:
    """What becomes of a partition at these limits of projects (those that have one)."""
    from_ms, until_ms = partition.from_ms, partition.until_ms
    if until_ms is None or not partition.projects or not partition.projects <= cutoffs.keys():
        return "rows"
    limits = [cutoffs[project] for project in partition.projects]
    if until_ms + GRACE_MS <= min(limits):
        return "whole"
    if from_ms is None or not may_wait or from_ms >= min(limits):
        return "rows"
    return "waits" if until_ms - from_ms + GRACE_MS <= (now_ms - max(limits)) * WAIT_AT_MOST else "rows"


def stretches(until_ms: float, waiting: Sequence[Partition]) -> Iterator[tuple[float | None, float]]:
    """The times before `until_ms` at which rows are removed one by one: from (None: ever), up to."""
    at_ms: float | None = None
    for partition in sorted(waiting, key=lambda one: one.from_ms or 0):
        if partition.from_ms is None or partition.until_ms is None or partition.from_ms >= until_ms:
            continue
        yield at_ms, partition.from_ms
        at_ms = partition.until_ms
    if at_ms is None or at_ms < until_ms:
        yield at_ms, until_ms
