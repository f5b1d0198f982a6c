"""
Spans that wait for one destination: sent a resource at a time, and every outcome written down.

Flow: CallWorker (leased as they were stored) | storage (claim) -> **exporter** -> storage (TX 3: done | retry at t | dead, with
the reason).
While a backend is away, or refuses our key, the whole destination rests; a span that it stumbles over alone waits alone.
Rounds take the newest and the oldest of what is due in turn: after an outage fresh spans need not wait behind the backlog.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeGuard

import structlog

from collector.clock import Clock
from collector.exporters.protocol import Barred, Exporter, Later, Outcome, Refused, Sent, Untried
from collector.pipeline.backoff import Backoff
from collector.pipeline.outcomes import Outcomes
from collector.pipeline.resting import Rest, Resting
from collector.storage.outbox import (
    ExportClaim,
    ExportDead,
    ExportDone,
    ExportOutcome,
    ExportPutBack,
    ExportRetry,
    Outbox,
)

log: Any = structlog.get_logger(__name__)

CLAIM_LIMIT = 512
CLAIM_MAX_BYTES = 4 * 1024 * 1024
PROBE_LIMIT = 16
"""So many spans are claimed while a destination is failing: enough to see whether it works again."""
HANDED_LIMIT = 2_048
"""Beyond that spans wait in the database alone."""
HANDED_WAIT_MS = 5_000
LONE_WAITS_MS = (500, 300_000)
LONE_TRIES = 10
"""So often a span is tried that a working backend stumbles over; then it is dead."""


@dataclass(slots=True)
class ExportCounts:
    """Since the start."""

    sent: int = 0
    put_off: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationState:
    """One destination, as this process knows it. Counts are since the start."""

    destination: str
    sent: int
    put_off: int
    """Attempts, not spans: one that waits is tried again and again."""
    dead: int
    rejected: int
    """Of those that were sent, so many the backend said it dropped."""
    failing_since_ms: int | None
    reason: str | None
    is_setting: bool
    """The backend does not want us as we are set up."""
    next_try_s: float


class ExportWorker:
    """Works off what one exporter has to send."""

    def __init__(self, store: Outbox, exporter: Exporter, *, clock: Clock, owner: str, roll: Callable[[], float]) -> None:
        self._store = store
        self._exporter = exporter
        self._clock = clock
        self._owner = owner
        self._lone_waits = Backoff(first_ms=LONE_WAITS_MS[0], most_ms=LONE_WAITS_MS[1], roll=roll)
        self._resting = Resting(exporter.destination, clock, roll)
        self._lease_ms = round(exporter.longest_send_s * 1200) + 1000
        self._is_winding_down = False
        self._takes_newest = True
        self._outcomes = Outcomes(store, clock)
        self._handed: deque[ExportClaim] = deque()
        self._last_until_ms = 0
        self.counts = ExportCounts()

    @property
    def destination(self) -> str:
        return self._exporter.destination

    @property
    def rest(self) -> Rest | None:
        """Why the destination is not sent to as usual, None where it is."""
        return self._resting.now

    def rest_s(self) -> float:
        """How long this destination still has to be left alone."""
        return self._resting.left_ms() / 1000

    def until_due_s(self) -> float | None:
        """How long there is nothing to do; None for nothing at all."""
        return 0.0 if self._outcomes.is_open else self.rest_s() or self._until_claim_s()

    def state(self) -> DestinationState:
        """How it stands with the destination, for those who look from outside."""
        rest, counts = self.rest, self.counts
        return DestinationState(
            destination=self.destination,
            sent=counts.sent,
            put_off=counts.put_off,
            dead=counts.dead,
            rejected=self._exporter.rejected_spans,
            failing_since_ms=rest.began_ms if rest else None,
            reason=rest.reason if rest else None,
            is_setting=rest is not None and rest.is_setting,
            next_try_s=self.rest_s(),
        )

    def send_now(self) -> None:
        """Rest no longer: somebody says that the cause is gone. From another thread."""
        self._resting.cut_short()

    def wind_down(self) -> None:
        """Let what is on its way end, and begin nothing new. From another thread."""
        self._is_winding_down = True
        self._exporter.wind_down()

    def run_once(self) -> int:
        """Claim, send and settle what is due; how many spans were sent or given up. Raises StoreUnavailable."""
        return self._send_due(self._outcomes.settle)

    def run_on(self) -> int:
        """The same, where a next round follows: the commit of what became of the last spans need not be waited for now."""
        return self._send_due(self._outcomes.begin)

    def _send_due(self, write_down: Callable[[], None]) -> int:
        done = 0
        while self.rest_s() <= 0 and not self._is_winding_down:
            handed = self._take_handed()
            self._outcomes.add(self._send_all(handed))
            # Also what waits in the database, an outage's backlog, has its turn each time.
            claims = self._claim() if self._is_due() and not self._is_winding_down else []
            self._outcomes.add(self._send_all(claims))
            done += len(handed) + len(claims)
            if not claims:
                # After some the next claim writes their outcomes down.
                write_down()
                if not self._handed:
                    break
        write_down()
        return done

    def _is_due(self) -> bool:
        """Whether spans wait in the database: to look is cheap, while a claim, also of none, waits for its turn to write."""
        due_s = self._until_claim_s()
        return due_s is not None and due_s <= 0

    def _until_claim_s(self) -> float | None:
        due_ms = self._store.next_export_due_ms(destination=self.destination)
        return None if due_ms is None else (due_ms - self._clock.now_ms()) / 1000

    def next_lease_ms(self) -> int | None:
        """
        Until when spans are this worker's that are queued now; None where it does not take any just now.

        From the thread that settles calls; `hand_over` must follow.
        """
        if self.rest is not None or self._is_winding_down or len(self._handed) >= HANDED_LIMIT:
            return None
        self._last_until_ms = max(self._last_until_ms + 1, self._clock.now_ms() + HANDED_WAIT_MS + self._lease_ms)
        return self._last_until_ms

    def hand_over(self, claims: Sequence[ExportClaim]) -> None:
        """Spans that were leased to this worker as they were stored. From another thread."""
        self._handed.extend(claims)

    def finish(self) -> None:
        """Write down what became of spans, and put back those that were not tried: no more rounds. Raises StoreUnavailable."""
        while self._handed:
            self._outcomes.add([self._put_back(self._handed.popleft())])
        self._outcomes.settle()

    def _take_handed(self) -> list[ExportClaim]:
        """The next of them; those that waited for too long are put back, since their lease may end before they are sent."""
        taken: list[ExportClaim] = []
        size = 0
        ends_ms = self._clock.now_ms() + self._lease_ms
        while self._handed and len(taken) < CLAIM_LIMIT and size < CLAIM_MAX_BYTES:
            claim = self._handed.popleft()
            if claim.lease_until_ms < ends_ms:
                self._outcomes.add([self._put_back(claim)])
            else:
                taken.append(claim)
                size += len(claim.encoded)
        return taken

    def _claim(self) -> list[ExportClaim]:
        """The next spans, in one transaction with what became of the last ones: each waits for its turn among the commits."""
        claims = self._store.claim_exports(
            owner=self._owner,
            destination=self.destination,
            now_ms=self._clock.now_ms(),
            lease_ms=self._lease_ms,
            limit=CLAIM_LIMIT if self.rest is None else PROBE_LIMIT,
            max_bytes=CLAIM_MAX_BYTES,
            newest_first=self._takes_newest,
            outcomes=self._outcomes.kept,
        )
        self._outcomes.drop_kept()
        self._takes_newest = not self._takes_newest
        return claims

    def _send_all(self, claims: Sequence[ExportClaim]) -> list[ExportOutcome]:
        starts_s = self._clock.monotonic_s()
        # The next group must be over before the lease is: whatever comes after that may be another worker's.
        last_start_s = starts_s + self._lease_ms / 1000 - self._exporter.longest_send_s
        settled: list[ExportOutcome] = []
        ordered = sorted(claims, key=lambda claim: claim.resource.resource_id)
        for _, group in groupby(ordered, key=lambda claim: claim.resource.resource_id):
            part = list(group)
            if self.rest is not None and (left_ms := self._resting.left_ms()):
                settled += [self._retry(claim, self.rest.reason, left_ms) for claim in part]
            elif self._is_winding_down or self._clock.monotonic_s() > last_start_s:
                settled += [self._put_back(claim) for claim in part]
            else:
                settled += self._send(part)
        return settled

    def _send(self, claims: Sequence[ExportClaim]) -> list[ExportOutcome]:
        began_s = self._clock.monotonic_s()
        try:
            outcomes = self._exporter.send(claims[0].resource, [claim.encoded for claim in claims])
        except Exception as exc:  # An exporter must not raise; if one does, its spans wait, and the worker lives.
            outcomes = [Later(reason=f"the exporter failed: {type(exc).__name__}")] * len(claims)
        self._note(outcomes, self._clock.monotonic_s() - began_s)
        return [self._translated(claim, outcome) for claim, outcome in zip(claims, outcomes, strict=True)]

    def _note(self, outcomes: Sequence[Outcome], elapsed_s: float) -> None:
        """Count, tell, and rest if the backend is away or does not want us."""
        sent = sum(isinstance(outcome, Sent) for outcome in outcomes)
        refused = [outcome.reason for outcome in outcomes if isinstance(outcome, Refused)]
        away = next((one for one in outcomes if _is_general(one)), None)
        self.counts.sent += sent
        self.counts.put_off += sum(isinstance(outcome, Later | Barred) for outcome in outcomes)
        if sent:
            log.info("spans_exported", exporter=self.destination, count=sent, elapsed_s=round(elapsed_s, 3))
        if refused:
            log.warning("spans_refused", exporter=self.destination, count=len(refused), reason=refused[0])
        if away is not None:
            self._resting.went_badly(away, has_progress=bool(sent or refused))
        elif sent or refused:
            self._resting.went_well()

    def _translated(self, claim: ExportClaim, outcome: Outcome) -> ExportOutcome:
        match outcome:
            case Sent():
                return ExportDone(export_id=claim.export_id)
            case Refused(reason=reason):
                return self._dead(claim, reason)
            case Later(is_about_span=True, reason=reason) if claim.stumbles + 1 >= LONE_TRIES:
                return self._dead(claim, f"{reason} (given up after {LONE_TRIES} attempts)")
            case Later(is_about_span=True, reason=reason):
                return self._retry(claim, reason, self._lone_waits.wait_ms(claim.stumbles + 1), is_stumble=True)
            case Later(reason=reason) | Barred(reason=reason):
                return self._retry(claim, reason, self._resting.left_ms())
            case Untried():
                return self._put_back(claim)

    def _dead(self, claim: ExportClaim, reason: str) -> ExportDead:
        self.counts.dead += 1
        return ExportDead(export_id=claim.export_id, lease_until_ms=claim.lease_until_ms, reason=reason)

    def _retry(self, claim: ExportClaim, reason: str, wait_ms: int, *, is_stumble: bool = False) -> ExportRetry:
        return ExportRetry(
            export_id=claim.export_id,
            lease_until_ms=claim.lease_until_ms,
            next_at_ms=self._clock.now_ms() + wait_ms,
            reason=reason,
            is_stumble=is_stumble,
        )

    def _put_back(self, claim: ExportClaim) -> ExportPutBack:
        now_ms = self._clock.now_ms()
        return ExportPutBack(export_id=claim.export_id, lease_until_ms=claim.lease_until_ms, next_at_ms=now_ms)


def _is_general(outcome: Outcome) -> TypeGuard[Later | Barred]:
    """Whether it says something of the destination, not of a span."""
    return isinstance(outcome, Barred) or (isinstance(outcome, Later) and not outcome.is_about_span)
