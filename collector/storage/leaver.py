"""
What a store does so that old events leave by whole partitions, and one collector at a time sees to it.

Flow: keeping.retention -> **Leaver** -> leaving. A part of `keeper.Keeper`, in a file of its own.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

Counts = Mapping[str, int]
"""Table -> how many of its rows; `bytes` of events and media, `partitions`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a look went, in order of time or arrival; None for the start."""

    at: float
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """One bounded step: what it removed, and where the next one starts; None when it came to the end."""

    removed: Counts
    next: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A part of `events`: from a time on, up to another one, exclusive (None: without a bound), and whose events it holds."""

    name: str
    from_ms: int | None
    until_ms: int | None
    projects: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOut:
    """taken: the partition is no part of `events` any more. kept: something in it stays. busy: somebody was in the way."""

    outcome: Literal["taken", "kept", "busy"]
    removed: Counts


class Leaver(Protocol):
    """Empty answers where the engine has no partitions."""

    def passing(self) -> AbstractContextManager[bool]:
        """For a pass of retention: whether it is ours. Of all processes on a database one at a time gets True."""
        ...

    def partitions(self) -> Sequence[Partition]:
        """The partitions that have a range."""
        ...

    def take_out(self, partition: Partition, cutoffs: Mapping[str, int], *, now_ms: int) -> TakenOut:
        """
        Take a partition out of `events`, if nothing in it is to be kept by these limits of projects, in ONE short transaction.

        MUST keep it where an event was received since its project's limit, a call has open work, spans that wait for export,
        late news or a trace that goes on, also where that came in at the same moment. MUST NOT make ingest wait for long.
        What else there is of its calls goes by `leave`; until then the partition remembers which they are.
        """
        ...

    def leave(self, *, after: Place | None, limit_events: int, now_ms: int) -> Swept:
        """
        Remove what else there is of the calls whose events were taken out, in ONE transaction; at the end the partition itself.

        Safe to begin anew after a crash. A call of which events came since stays, with those.
        """
        ...
