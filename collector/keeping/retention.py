"""
Retention: what is too old or too much goes, in steps so small that ingest does not notice.

Flow: pipeline -> **RetentionWorker** -> storage (Keeper).
A pass goes through every project: calls by age, events without a call by age, both by size, then what nothing refers to any more.
It is a generator of steps; a crash between two of them leaves nothing half removed, and the next pass starts from the front.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from collector.clock import Clock
from collector.errors import StoreError
from collector.storage.keeper import Bounds, Counts, Keeper, Place, RetentionRule

log: Any = structlog.get_logger(__name__)

DAY_MS = 86_400_000
PASS_EVERY_S = 300.0
PROGRESS_EVERY_S = 30.0
TRACE_WAITS_MS = DAY_MS
"""So long a call waits for the rest of its trace: halves are of no use, but a trace without end must not keep everything."""
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
EVENT_BYTES = 4_096
"""What an event with its share takes at most, usually."""
_EVER = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionLimits:
    """What may be kept. None: no limit."""

    days: int | None = None
    max_bytes: int | None = None


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
        self.counts = Counter[str]()

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
        now_ms = self._clock.now_ms()
        rules = {rule.project: rule for rule in self._store.retention_rules()}
        limits = {name: limits_of(name, self._defaults, rules) for name in self._store.projects()}
        oldest_kept_ms: list[int] = []
        for project, limit in limits.items():
            if limit.days is not None:
                cutoff_ms = now_ms - limit.days * DAY_MS
                oldest_kept_ms.append(cutoff_ms)
                yield from self._by_age(project, cutoff_ms, now_ms)
        yield from self._blobs()
        sized = {project: limit.max_bytes for project, limit in limits.items() if limit.max_bytes is not None}
        if sized:
            yield from self._by_size(sized)
        if any(
            limits_of("", self._defaults, rules) != RetentionLimits() or limit != RetentionLimits() for limit in limits.values()
        ):
            yield from self._resources(now_ms)

    def _by_age(self, project: str, cutoff_ms: int, now_ms: int) -> Iterator[Counts]:
        bounds = Bounds(until_ms=cutoff_ms, received_before_ms=cutoff_ms, trace_waits_from_ms=cutoff_ms - TRACE_WAITS_MS)
        yield from self._calls(project, bounds, None)
        yield from self._events(project, bounds, None)
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
