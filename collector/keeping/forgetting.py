"""
`forget`: everything of a person, a session, a client or a call, out of the database.

Flow: `hookline forget`, `POST /v1/admin/forget` -> **forget** -> storage (Keeper).
Nobody is blocked: events that come later are kept as ever. What a tracing backend has, and what waits in spools of other
machines, is out of reach; who calls is told so.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from collector.clock import Clock
from collector.errors import StoreUnavailable
from collector.storage.keeper import Counts, ForgetPlan, Keeper, Subject

CALLS_AT_ONCE = 20
LEAVING_AT_ONCE = 2_000
HELD_AT_MOST_S = 60.0
"""Twice as long as a worker may hold a call that it assembles."""
LOOK_AGAIN_S = 0.2
ROUNDS = 3
"""What comes in while things are removed is looked for again, so often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What was removed, and what is out of reach."""

    counts: Counts
    exported_spans: int
    bytes_before: int | None = None
    """With a vacuum."""
    bytes_after: int | None = None

    def as_row(self) -> dict[str, Any]:
        """For people and programs."""
        freed = {} if self.bytes_before is None else {"bytes_before": self.bytes_before, "bytes_after": self.bytes_after}
        return {"removed": dict(self.counts), "exported_spans": self.exported_spans, **freed}


def planned(plan: ForgetPlan) -> dict[str, Any]:
    """A plan, for people and programs."""
    return {"would_remove": dict(plan.counts), "exported_spans": plan.exported_spans}


def forget(store: Keeper, subject: Subject, *, clock: Clock, wait: Callable[[float], None], with_vacuum: bool) -> Forgotten:
    """Remove what is there now. Raises StoreUnavailable, also where a worker holds a call too long; do it again then."""
    counts, exported = Counter[str](), 0
    _finish_leaving(store, clock)
    for _ in range(ROUNDS):
        plan = store.plan_forget(subject)
        if not plan.counts:
            break
        exported += plan.exported_spans
        counts.update(_remove(store, plan, clock, wait))
        while (swept := store.sweep_blobs(limit=CALLS_AT_ONCE)).removed:
            counts.update(swept.removed)
            if swept.next is None:
                break
    told = {name: count for name, count in sorted(counts.items()) if count and name != "bytes"}
    if not with_vacuum:
        return Forgotten(counts=told, exported_spans=exported)
    before, after = store.vacuum()
    return Forgotten(counts=told, exported_spans=exported, bytes_before=before, bytes_after=after)


def _finish_leaving(store: Keeper, clock: Clock) -> None:
    """Events that retention took out of their table, and has not removed yet, would not be found by name."""
    place = None
    while (swept := store.leave(after=place, limit_events=LEAVING_AT_ONCE, now_ms=clock.now_ms())).next is not None:
        place = swept.next


def _remove(store: Keeper, plan: ForgetPlan, clock: Clock, wait: Callable[[float], None]) -> Counter[str]:
    counts = Counter[str]()
    gives_up_s = clock.monotonic_s() + HELD_AT_MOST_S
    while plan.request_ids or plan.loose_arrivals or plan.hook_ids:
        before = (len(plan.request_ids), len(plan.loose_arrivals), len(plan.hook_ids))
        plan, removed = store.forget(plan, now_ms=clock.now_ms(), limit_calls=CALLS_AT_ONCE)
        counts.update(removed)
        if (len(plan.request_ids), len(plan.loose_arrivals), len(plan.hook_ids)) != before:
            gives_up_s = clock.monotonic_s() + HELD_AT_MOST_S
        elif clock.monotonic_s() > gives_up_s:
            raise StoreUnavailable(f"{len(plan.request_ids)} calls are held by a worker; the others are gone: try again")
        else:
            wait(LOOK_AGAIN_S)
    return counts
