"""
Spans that wait for one destination: sent a resource at a time, and every outcome written down.

Flow: storage (claim) -> **exporter** -> storage (TX 3: done | retry at t | dead, with the reason).
While a backend is away the whole destination rests; a span that it stumbles over alone waits alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import structlog

from collector.clock import Clock
from collector.exporters.protocol import Exporter, Later, Outcome, Refused, Sent
from collector.pipeline.backoff import Backoff
from collector.storage.protocols import ExportClaim, ExportDead, ExportDone, ExportOutcome, ExportRetry, WorkQueue

log: Any = structlog.get_logger(__name__)

CLAIM_LIMIT = 512
CLAIM_MAX_BYTES = 4 * 1024 * 1024
LEAST_REST_MS = 500
"""Also where a backend says "retry after 0 seconds"."""
LONE_TRIES = 10
"""So often a span is tried that a working backend stumbles over; then it is dead."""


@dataclass(slots=True)
class ExportCounts:
    """Since the start."""

    sent: int = 0
    put_off: int = 0
    dead: int = 0


class ExportWorker:
    """Works off what one exporter has to send."""

    def __init__(self, store: WorkQueue, exporter: Exporter, *, clock: Clock, owner: str, backoff: Backoff) -> None:
        self._store = store
        self._exporter = exporter
        self._clock = clock
        self._owner = owner
        self._backoff = backoff
        self._lease_ms = round(exporter.longest_send_s * 1200) + 1000
        self._failures = 0
        self._rests_until_s = 0.0
        self._rests_because = "not tried yet: others took the time"
        self._unsettled: list[ExportOutcome] = []
        self.counts = ExportCounts()

    @property
    def destination(self) -> str:
        return self._exporter.destination

    def rest_s(self) -> float:
        """How long this destination still has to be left alone."""
        return max(self._rests_until_s - self._clock.monotonic_s(), 0.0)

    def run_once(self) -> int:
        """Claim, send and settle what is due; how many spans were sent or given up. Raises StoreUnavailable."""
        self._settle()
        if self.rest_s() > 0:
            return 0
        claims = self._store.claim_exports(
            owner=self._owner,
            destination=self.destination,
            now_ms=self._clock.now_ms(),
            lease_ms=self._lease_ms,
            limit=CLAIM_LIMIT,
            max_bytes=CLAIM_MAX_BYTES,
        )
        if claims:
            self._unsettled.extend(self._send_all(claims))
            self._settle()
        return len(claims)

    def _settle(self) -> None:
        """Write outcomes down. Those of a failed attempt are kept: forgetting them would send the spans again."""
        if self._unsettled:
            self._store.settle_exports(self._unsettled, now_ms=self._clock.now_ms())
            self._unsettled = []

    def _send_all(self, claims: Sequence[ExportClaim]) -> list[ExportOutcome]:
        starts_s = self._clock.monotonic_s()
        # The next group must be over before the lease is: whatever comes after that may be another worker's.
        last_start_s = starts_s + self._lease_ms / 1000 - self._exporter.longest_send_s
        settled: list[ExportOutcome] = []
        ordered = sorted(claims, key=lambda claim: claim.resource.resource_id)
        for _, group in groupby(ordered, key=lambda claim: claim.resource.resource_id):
            part = list(group)
            if self.rest_s() > 0 or self._clock.monotonic_s() > last_start_s:
                settled += [self._retry(claim, self._rests_because, self._rest_ms()) for claim in part]
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
        """Count, tell, and rest if the backend is away."""
        sent = sum(isinstance(outcome, Sent) for outcome in outcomes)
        refused = [outcome.reason for outcome in outcomes if isinstance(outcome, Refused)]
        later = [outcome for outcome in outcomes if isinstance(outcome, Later)]
        away = next((outcome for outcome in later if not outcome.is_about_span), None)
        self.counts.sent += sent
        self.counts.put_off += len(later)
        if sent:
            log.info("spans_exported", exporter=self.destination, count=sent, elapsed_s=round(elapsed_s, 3))
        if refused:
            log.warning("spans_refused", exporter=self.destination, count=len(refused), reason=refused[0])
        if away is not None:
            self._rest(away, is_first=bool(sent) or self._failures == 0)
        elif self._failures and (sent or refused):
            self._failures = 0
            log.info("export_resumed", exporter=self.destination)

    def _rest(self, away: Later, *, is_first: bool) -> None:
        self._failures = 1 if is_first else self._failures + 1
        wait_ms = self._backoff.wait_ms(self._failures)
        if away.after_s is not None:
            wait_ms = max(round(away.after_s * 1000), LEAST_REST_MS)
        self._rests_until_s = self._clock.monotonic_s() + wait_ms / 1000
        self._rests_because = away.reason
        if is_first:
            log.warning("export_put_off", exporter=self.destination, reason=away.reason, retry_in_s=wait_ms / 1000)

    def _rest_ms(self) -> int:
        return round(self.rest_s() * 1000)

    def _translated(self, claim: ExportClaim, outcome: Outcome) -> ExportOutcome:
        match outcome:
            case Sent():
                return ExportDone(export_id=claim.export_id)
            case Refused(reason=reason):
                return self._dead(claim, reason)
            case Later(is_about_span=True, reason=reason) if claim.attempts + 1 >= LONE_TRIES:
                return self._dead(claim, f"{reason} (given up after {claim.attempts + 1} attempts)")
            case Later(is_about_span=True, reason=reason):
                return self._retry(claim, reason, self._backoff.wait_ms(claim.attempts + 1))
            case Later(reason=reason):
                return self._retry(claim, reason, self._rest_ms())

    def _dead(self, claim: ExportClaim, reason: str) -> ExportDead:
        self.counts.dead += 1
        return ExportDead(export_id=claim.export_id, reason=reason)

    def _retry(self, claim: ExportClaim, reason: str, wait_ms: int) -> ExportRetry:
        return ExportRetry(export_id=claim.export_id, next_at_ms=self._clock.now_ms() + wait_ms, reason=reason)
