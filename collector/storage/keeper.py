"""
What a store does for keeping: forgetting by age, by size and by name, and what may be set for it.

Flow: keeping -> **Keeper** -> expiring, forgetting. A part of `protocols.Store`, in a file of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from collector.storage.leaver import Counts as Counts
from collector.storage.leaver import Leaver
from collector.storage.leaver import Place as Place
from collector.storage.leaver import Swept as Swept

TRACE_WAITS_MS = 86_400_000
"""So long a call waits for the rest of its trace: halves are of no use, but a trace without end must not keep everything."""

SubjectField = Literal["user_id", "session_id", "client_id", "request_id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """What a project keeps, where it is not the default. None: the default counts; 0: no limit."""

    project: str
    days: int | None
    max_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom or what to forget: all of a project in which a field has a value."""

    project: str
    field: SubjectField
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """
    Which calls and events may go.

    Those before `until_ms` (their own time), and, with `received_before_ms`, only if nothing of them was received since: history
    that was brought in late is kept for as long as if it were new. A call whose trace goes on behind `until_ms` waits for it, but
    not if it began before `trace_waits_from_ms`.
    """

    until_ms: float
    received_before_ms: int | None = None
    trace_waits_from_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetPlan:
    """What belongs to a subject: found without changing anything."""

    subject: Subject
    request_ids: tuple[str, ...]
    loose_arrivals: tuple[int, ...]
    """Events that belong to no call."""
    hook_ids: tuple[str, ...]
    counts: Counts
    exported_spans: int
    """Spans that a tracing backend has already; they can't be called back."""


class Keeper(Leaver, Protocol):
    """Keeping. Each method is one short transaction, or only reads; all may be called from any thread, beside ingest."""

    def projects(self) -> Sequence[str]:
        """Every project that has events, calls, hook states or blobs."""
        ...

    def retention_rules(self) -> Sequence[RetentionRule]:
        """The rules of projects that have their own."""
        ...

    def set_retention(self, rule: RetentionRule) -> None:
        """Replace a project's rule; both limits None removes it."""
        ...

    def expire_calls(self, project: str, bounds: Bounds, *, after: Place | None, limit_events: int, now_ms: int) -> Swept:
        """
        Remove the next calls in order of their start, with everything of theirs, in ONE transaction: about `limit_events` events,
        one call at least.

        MUST keep calls with open work (running, dirty, claimed) and with spans that wait for export.
        MUST NOT leave a row of a removed call in any table, also where events of it come in at the same moment: those make the
        call anew.
        """
        ...

    def expire_events(self, project: str, bounds: Bounds, *, after: Place | None, limit_events: int) -> Swept:
        """Remove the next events that belong to no call."""
        ...

    def sweep_blobs(self, *, limit: int) -> Swept:
        """Remove media that no event refers to any more. MUST NOT remove what an event refers to that comes in meanwhile."""
        ...

    def sweep_states(self, project: str, *, before_ms: int) -> int:
        """Remove hook states that are older; how many."""
        ...

    def sweep_resources(self, *, before_ms: int) -> int:
        """Remove resources first seen before a time, to which nothing refers; how many. Looks at every event: seldom, please."""
        ...

    def count_sizes(self, *, limit_events: int) -> int:
        """Take the next events into the count of what projects hold; how many there were, 0 at the end."""
        ...

    def sizes(self) -> Mapping[str, int]:
        """Project -> bytes of its events (as far as they were counted) and media."""
        ...

    def plan_forget(self, subject: Subject) -> ForgetPlan:
        """What belongs to a subject. Looks at every event of the project."""
        ...

    def forget(self, plan: ForgetPlan, *, now_ms: int, limit_calls: int) -> tuple[ForgetPlan, Counts]:
        """
        Remove the next calls and events of a plan in ONE transaction; what is left of the plan, and what was removed.

        Open work and waiting spans go too. A call that a worker is assembling at this moment stays in the plan until it let go.
        On SQLite what is removed is overwritten.
        """
        ...

    def vacuum(self) -> tuple[int, int]:
        """
        Give space back, and leave nothing of removed rows in the files; bytes before and after.

        SQLite: the file is written anew, commits wait meanwhile. PostgreSQL: VACUUM, beside everything else.
        """
        ...
