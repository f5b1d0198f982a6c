"""
Retention: what is too old or too much goes, in steps so small that ingest does not notice.

Flow: pipeline -> **RetentionWorker** -> storage (Keeper).
A pass takes out whole partitions of events where it can, then goes through every project: calls by age, events without a call by
age, both by size, then what nothing refers to any more. Of all collectors on a database one at a time is at it.
It is a generator of steps; a crash between two of them leaves nothing half removed, and the next pass starts from the front.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from collector.clock import Clock
from collector.errors import StoreError
from collector.keeping.partitions import fate_of, stretches
from collector.storage.keeper import TRACE_WAITS_MS, Bounds, Counts, Keeper, Place, RetentionRule
from collector.storage.leaver import Partition

log: Any = structlog.get_logger(__name__)

DAY_MS = 86_400_000
PASS_EVERY_S = 300.0
PROGRESS_EVERY_S = 30.0
FUTURE_MS = 7 * DAY_MS
"""A time so far ahead is a clock that goes wrong: what counts is when the event came."""
RESOURCES_EVERY_MS = DAY_MS
FIRST_STEP_EVENTS = 500
STEP_EVENTS = (200, 5_000)
STEP_S = 0.05
"""How long a step should take: an event that comes in meanwhile waits at most so long."""
LEAST_REST_S = 0.03
BUSY_REST_S = 0.5
BUSY_EVENTS = 1_000
"""With so many events waiting for a commit retention steps back."""
BLOBS_AT_ONCE = 100
TAKE_OUT_TRIES = 5
"""So often in one pass: between two of them ingest goes on."""
EVENT_BYTES = 4_096
"""What an event with its share takes at most, usually."""
_EVER = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionLimits:
    """What may be kept. None: no limit. `is_exact`: no row waits until its partition can go whole."""

    days: int | None = None
    max_bytes: int | None = None
    is_exact: bool = False


def limits_of(project: str, defaults: RetentionLimits, rules: Mapping[str, RetentionRule]) -> RetentionLimits:
    """A project's limits: its own where it has some; there 0 means none."""
    rule = rules.get(project)
    days = defaults.days if rule is None or rule.days is None else rule.days
    max_bytes = defaults.max_bytes if rule is None or rule.max_bytes is None else rule.max_bytes
    return RetentionLimits(days=days or None, max_bytes=max_bytes or None)


class RetentionWorker:
    """One step a `run_once`, and a rest after it. `queued_events` tells how many events wait for a commit."""

    def __init__(self, store: Keeper, defaults: RetentionLimits, *, clock: Clock, queued_events: Any) -> None:
        self._store = store
        self._defaults = defaults
        self._clock = clock
        self._queued_events = queued_events
        self._steps: Iterator[Counts] | None = None
        self._step_events = FIRST_STEP_EVENTS
        self._next_s = 0.0
        self._resources_ms = 0
        self._removed = Counter[str]()
        self._told_s = 0.0
        self._pass_ended_s = clock.monotonic_s()
        self.counts = Counter[str]()

    def pass_age_s(self) -> float:
        """How long ago a pass came to its end; before the first one, how long there is this worker."""
        return max(self._clock.monotonic_s() - self._pass_ended_s, 0.0)

    def until_due_s(self) -> float:
        """How long there is nothing to do."""
        return max(self._next_s - self._clock.monotonic_s(), 0.0)

    def run_once(self) -> int:
        """One step, if it is time. Always 0: the rest that `until_due_s` tells comes after each. Raises StoreError."""
        began_s = self._clock.monotonic_s()
        if began_s < self._next_s:
            return 0
        if self._queued_events() > BUSY_EVENTS:
            self._next_s = began_s + BUSY_REST_S
            return 0
        if self._steps is None:
            self._steps = self._pass()
            self._told_s = began_s
        try:
            removed = next(self._steps, None)
        except StoreError:
            # What the pass found before is not known to be true any more.
            self._steps = None
            self._next_s = began_s + BUSY_REST_S
            raise
        self._settle(removed, began_s)
        return 0

    def run_pass(self) -> Counts:
        """A whole pass without rests: what it removed."""
        removed = Counter[str]()
        for step in self._pass():
            removed.update(step)
        return removed

    def _settle(self, removed: Counts | None, began_s: float) -> None:
        now_s = self._clock.monotonic_s()
        took_s = now_s - began_s
        if removed is None:
            self._steps = None
            self._next_s = now_s + PASS_EVERY_S
            self._tell("retention_removed")
            return
        self._removed.update(removed)
        self.counts.update(removed)
        self._adapt(took_s)
        self._next_s = now_s + max(took_s, LEAST_REST_S)
        if now_s - self._told_s > PROGRESS_EVERY_S:
            self._told_s = now_s
            self._tell("retention_progressed")

    def _tell(self, event: str) -> None:
        told = {name: count for name, count in self._removed.items() if count}
        if told:
            log.info(event, **told)
        self._removed.clear()

    def _adapt(self, took_s: float) -> None:
        least, most = STEP_EVENTS
        if took_s > 2 * STEP_S:
            self._step_events = max(self._step_events // 2, least)
        elif took_s < STEP_S / 2:
            self._step_events = min(self._step_events * 3 // 2, most)

    def _pass(self) -> Iterator[Counts]:
        with self._store.passing() as is_ours:
            if is_ours:
                yield from self._whole_pass()
                self._pass_ended_s = self._clock.monotonic_s()

    def _whole_pass(self) -> Iterator[Counts]:
        now_ms = self._clock.now_ms()
        yield from self._leave()
        rules = {rule.project: rule for rule in self._store.retention_rules()}
        limits = {name: limits_of(name, self._defaults, rules) for name in self._store.projects()}
        cutoffs = {project: now_ms - limit.days * DAY_MS for project, limit in limits.items() if limit.days is not None}
        waiting: list[Partition] = []
        if cutoffs:
            yield from self._whole_partitions(cutoffs, now_ms, waiting)
        for project, cutoff_ms in cutoffs.items():
            yield from self._by_age(project, cutoff_ms, now_ms, [one for one in waiting if project in one.projects])
        yield from self._blobs()
        sized = {project: limit.max_bytes for project, limit in limits.items() if limit.max_bytes is not None}
        if sized:
            yield from self._by_size(sized)
        has_limit = any(limit.days or limit.max_bytes for limit in (limits_of("", self._defaults, rules), *limits.values()))
        if has_limit:
            yield from self._resources(now_ms)

    def _whole_partitions(self, cutoffs: Mapping[str, int], now_ms: int, waiting: list[Partition]) -> Iterator[Counts]:
        """Take out what is too old as a whole; adds those whose rows wait for that."""
        for partition in self._store.partitions():
            fate = fate_of(partition, cutoffs, now_ms=now_ms, may_wait=not self._defaults.is_exact)
            if fate == "whole":
                yield from self._take_out(partition, cutoffs)
            elif fate == "waits":
                waiting.append(partition)

    def _take_out(self, partition: Partition, cutoffs: Mapping[str, int]) -> Iterator[Counts]:
        """Where it can't be had, its rows go one by one later in the pass."""
        for _ in range(TAKE_OUT_TRIES):
            done = self._store.take_out(partition, cutoffs, now_ms=self._clock.now_ms())
            yield done.removed
            if done.outcome == "taken":
                yield from self._leave()
            if done.outcome != "busy":
                return

    def _leave(self) -> Iterator[Counts]:
        place: Place | None = None
        while True:
            swept = self._store.leave(after=place, limit_events=self._step_events, now_ms=self._clock.now_ms())
            if swept.next is None:
                return
            yield swept.removed
            place = swept.next

    def _by_age(self, project: str, cutoff_ms: int, now_ms: int, waiting: Sequence[Partition]) -> Iterator[Counts]:
        for from_ms, until_ms in stretches(cutoff_ms, waiting):
            bounds = Bounds(until_ms=until_ms, received_before_ms=cutoff_ms, trace_waits_from_ms=cutoff_ms - TRACE_WAITS_MS)
            begin = None if from_ms is None else Place(at=from_ms, name="")
            yield from self._calls(project, bounds, begin)
            yield from self._events(project, bounds, begin)
        ahead = Bounds(until_ms=_EVER, received_before_ms=cutoff_ms)
        yield from self._calls(project, ahead, Place(at=now_ms + FUTURE_MS, name=""))
        yield from self._events(project, ahead, Place(at=now_ms + FUTURE_MS, name=""))
        yield {"hook_states": self._store.sweep_states(project, before_ms=cutoff_ms)}

    def _calls(self, project: str, bounds: Bounds, after: Place | None) -> Iterator[Counts]:
        place = after
        while True:
            swept = self._store.expire_calls(
                project, bounds, after=place, limit_events=self._step_events, now_ms=self._clock.now_ms()
            )
            yield swept.removed
            if swept.next is None:
                return
            place = swept.next

    def _events(self, project: str, bounds: Bounds, after: Place | None) -> Iterator[Counts]:
        place = after
        while True:
            swept = self._store.expire_events(project, bounds, after=place, limit_events=self._step_events)
            yield swept.removed
            if swept.next is None:
                return
            place = swept.next

    def _blobs(self) -> Iterator[Counts]:
        while True:
            swept = self._store.sweep_blobs(limit=BLOBS_AT_ONCE)
            yield swept.removed
            if swept.next is None:
                return

    def _by_size(self, sized: Mapping[str, int]) -> Iterator[Counts]:
        while self._store.count_sizes(limit_events=self._step_events):
            yield {}
        for project, most in sized.items():
            yield from self._down_to(project, most)

    def _down_to(self, project: str, most: int) -> Iterator[Counts]:
        """The oldest first, calls and then the events of the same time, until what is left fits."""
        place: Place | None = None
        events_place: Place | None = None
        is_end = False
        while not is_end and (over := self._over(project, most)):
            calls = self._store.expire_calls(
                project, Bounds(until_ms=_EVER), after=place, limit_events=over, now_ms=self._clock.now_ms()
            )
            yield calls.removed
            until_ms = _EVER if calls.next is None else calls.next.at
            place, is_end = calls.next, calls.next is None
            while over := self._over(project, most):
                loose = self._store.expire_events(project, Bounds(until_ms=until_ms), after=events_place, limit_events=over)
                yield loose.removed
                if loose.next is None:
                    break
                events_place = loose.next
            yield from self._blobs()

    def _over(self, project: str, most: int) -> int:
        """How many events to remove in the next step: few enough that not much more goes than has to. 0: it fits."""
        over_bytes = self._store.sizes().get(project, 0) - most
        return 0 if over_bytes <= 0 else min(over_bytes // EVENT_BYTES + 1, self._step_events)

    def _resources(self, now_ms: int) -> Iterator[Counts]:
        if now_ms - self._resources_ms < RESOURCES_EVERY_MS:
            return
        self._resources_ms = now_ms
        yield {"resources": self._store.sweep_resources(before_ms=now_ms - DAY_MS)}
