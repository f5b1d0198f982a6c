"""
Calls whose time has come: their events become a call's row, its spans, and what is to be exported.

Flow: storage (claim) -> **Benches (load, assemble, encode)** -> storage (TX 2: call + spans + export work + settle).
A call that can't be assembled is put off and keeps nobody waiting. While calls queue up, one claim is stored as the other process
works on the next one, and has the one after that already.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from collector.clock import Clock
from collector.errors import StoreBusy, StoreUnavailable
from collector.events import Resource
from collector.pipeline.backoff import Backoff
from collector.pipeline.bench import Failure, Worked, failure_of
from collector.pipeline.benches import Benches
from collector.spans import Measurement
from collector.storage.outbox import ExportClaim, SpanLease
from collector.storage.protocols import CallSettlement, WorkQueue

log: Any = structlog.get_logger(__name__)

Count = Callable[[str, Resource, Sequence[Measurement]], None]
"""Told once a call, with its project, what it measured."""

LEASE_MS = 30_000
CLAIM_LIMIT = 128
"""More would keep ingest waiting while they are settled."""
BREATH_S = 0.05
"""
Settling many calls together costs less for each, and what they queue goes out at once; but a call waits for half of this before
it is looked at.
"""
REMEMBERED_FAILURES = 10_000


@dataclass(slots=True)
class CallCounts:
    """Since the start."""

    assembled: int = 0
    failed: int = 0
    not_encodable: int = 0


class CallWorker:
    """Works off due calls, one claim of many at a time."""

    def __init__(
        self,
        store: WorkQueue,
        benches: Benches,
        *,
        clock: Clock,
        owner: str,
        backoff: Backoff,
        on_settled: Callable[[tuple[str, ...]], None],
        lease_spans: Callable[[], SpanLease],
        on_leased: Callable[[Sequence[ExportClaim]], None],
        count: Count,
    ) -> None:
        self._store = store
        self._benches = benches
        self._clock = clock
        self._owner = owner
        self._backoff = backoff
        self._on_settled = on_settled
        self._lease_spans = lease_spans
        self._on_leased = on_leased
        self._count = count
        self._failures: OrderedDict[tuple[str, str], int] = OrderedDict()
        self.counts = CallCounts()
        self._was_broken_off = False

    def run_once(self) -> int:
        """Claim, assemble and settle what is due; how many calls. Raises StoreUnavailable."""
        return self._guarded_round(is_last=True)

    def run_on(self) -> int:
        """The same, where the next round follows: if that is at once, another process need not be waited for now."""
        return self._guarded_round(is_last=False)

    def _guarded_round(self, *, is_last: bool) -> int:
        if self._was_broken_off:
            # Otherwise what was claimed then, perhaps without our hearing of it, would wait for its lease to end.
            self._benches.drop()
            self._store.free_calls(owner=self._owner)
        self._was_broken_off = True
        done = self._round(is_last=is_last)
        self._was_broken_off = False
        return done

    def finish(self) -> None:
        """Give back what was begun, and end the other process: there will be no more rounds. Raises StoreUnavailable."""
        is_begun = self._benches.begun > 0
        self._benches.close()
        if is_begun:
            self._store.free_calls(owner=self._owner)

    def _round(self, *, is_last: bool) -> int:
        began_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
        claimed = self._store.claim_calls(owner=self._owner, now_ms=now_ms, lease_ms=LEASE_MS, limit=CLAIM_LIMIT)
        self._benches.note_claim(len(claimed))
        if claimed:
            self._benches.begin(claimed, now_ms=now_ms)
        while self._benches.begun > 1:
            self._settle_worked(self._benches.finish())
        if self._benches.begun and (is_last or not self._may_go_on(began_s, len(claimed))):
            self._settle_worked(self._benches.finish())
        return len(claimed)

    def _may_go_on(self, began_s: float, claimed: int) -> bool:
        """Whether the next round comes at once, and the other process is at work meanwhile."""
        if not claimed or not self._benches.is_beside:
            return False
        took_s = self._clock.monotonic_s() - began_s
        return claimed >= CLAIM_LIMIT or (took_s >= BREATH_S and not self._store.is_pressed())

    def _settle_worked(self, worked: Worked) -> None:
        for failure in worked.failures:
            self._put_off(failure, "call_not_assembled")
        for span in worked.not_encoded:
            self.counts.not_encodable += 1
            log.error("span_not_encoded", exporter=span.destination, span=span.span_id, error=span.error, at=span.at)
        if worked.settlements:
            self._settle(worked.settlements)

    def _settle(self, settlements: Sequence[CallSettlement]) -> None:
        try:
            claims = self._store.settle_calls(settlements, now_ms=self._clock.now_ms(), leased=self._lease_spans())
        except (StoreUnavailable, StoreBusy):
            raise
        except Exception as exc:  # Something in one of them that the database does not take: find out which.
            if len(settlements) == 1:
                self._put_off(failure_of(settlements[0], exc), "call_not_stored")
                return
            for settlement in settlements:
                self._settle((settlement,))
            return
        self._settled(settlements)
        if any(settlement.exports for settlement in settlements):
            self._on_leased(claims)

    def _settled(self, settlements: Sequence[CallSettlement]) -> None:
        self.counts.assembled += len(settlements)
        for settlement in settlements:
            self._failures.pop((settlement.project, settlement.request_id), None)
            if settlement.is_settled and settlement.settled_ms is None:
                # After the commit that remembers it, and never again: neither late events nor a reassembly count a call twice.
                self._count(settlement.project, settlement.resource, settlement.measurements)
        self._on_settled(tuple({settlement.project for settlement in settlements}))

    def _put_off(self, failure: Failure, event: str) -> None:
        """Give a claim back, due later each time. Told once a call."""
        key = failure.project, failure.request_id
        failures = self._failures.pop(key, 0) + 1
        self._failures[key] = failures
        if len(self._failures) > REMEMBERED_FAILURES:
            self._failures.popitem(last=False)
        self.counts.failed += 1
        if failures == 1:
            log.error(event, project=failure.project, request_id=failure.request_id, error=failure.error, at=failure.at)
        retry_at_ms = self._clock.now_ms() + self._backoff.wait_ms(failures)
        self._store.release_calls((key,), retry_at_ms=retry_at_ms)
