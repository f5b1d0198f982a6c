"""
Calls whose time has come: their events become a call's row, its spans, and what is to be exported.

Flow: storage (claim) -> **assemble, encode** -> storage (TX 2: call + spans + export work + settle).
A call that can't be assembled is put off and keeps nobody waiting.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from collector.assembly.inputs import CallEvents, Price
from collector.clock import Clock
from collector.errors import StoreBusy, StoreUnavailable
from collector.events import Resource
from collector.exporters.protocol import Exporter
from collector.keeping.sampling import Sampling
from collector.pipeline.backoff import Backoff
from collector.spans import Assembled, Measurement, Span
from collector.storage.protocols import CallClaim, CallSettlement, QueuedSpan, WorkQueue

log: Any = structlog.get_logger(__name__)

Assemble = Callable[[CallEvents], Assembled]
Count = Callable[[str, Resource, Sequence[Measurement]], None]
"""Told once a call, with its project, what it measured."""

LEASE_MS = 30_000
CLAIM_LIMIT = 128
"""More would keep ingest waiting while they are settled."""
BREATH_S = 0.1
"""Settling a hundred calls together costs two thirds of what five times twenty cost; what they queue goes out at once."""
FAR_AHEAD_MS = 24 * 3_600_000
REMEMBERED_FAILURES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What assembly has to know about waiting."""

    settle_ms: int
    idle_timeout_ms: int


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
        exporters: Sequence[Exporter],
        assemble: Assemble,
        *,
        clock: Clock,
        owner: str,
        timing: Timing,
        backoff: Backoff,
        on_settled: Callable[[tuple[str, ...]], None],
        on_queued: Callable[[], None],
        count: Count,
        sampling: Sampling = Sampling(),  # noqa: B008  (frozen)
    ) -> None:
        self._store = store
        self._exporters = exporters
        self._assemble = assemble
        self._clock = clock
        self._owner = owner
        self._timing = timing
        self._backoff = backoff
        self._on_settled = on_settled
        self._on_queued = on_queued
        self._count = count
        self._sampling = sampling
        self._failures: OrderedDict[tuple[str, str], int] = OrderedDict()
        self.counts = CallCounts()
        self._was_broken_off = False

    def run_once(self) -> int:
        """Claim, assemble and settle what is due; how many calls. Raises StoreUnavailable."""
        if self._was_broken_off:
            # Otherwise what was claimed then, perhaps without our hearing of it, would wait for its lease to end.
            self._store.free_calls(owner=self._owner)
        self._was_broken_off = True
        done = self._round()
        self._was_broken_off = False
        return done

    def _round(self) -> int:
        now_ms = self._clock.now_ms()
        claims = self._store.claim_calls(owner=self._owner, now_ms=now_ms, lease_ms=LEASE_MS, limit=CLAIM_LIMIT)
        settlements = [settlement for claim in claims if (settlement := self._work(claim, now_ms)) is not None]
        if settlements:
            self._settle(settlements)
        return len(claims)

    def _work(self, claim: CallClaim, now_ms: int) -> CallSettlement | None:
        try:
            assembled = self._assemble(_call_events(claim, self._timing, now_ms))
        except Exception as exc:  # One odd call must not stop the others, whatever is odd about it.
            self._put_off(claim, "call_not_assembled", exc)
            return None
        return CallSettlement(claim=claim, assembled=assembled, exports=self._exports(claim, assembled))

    def _exports(self, claim: CallClaim, assembled: Assembled) -> tuple[QueuedSpan, ...]:
        if not assembled.settled or not is_to_be_exported(claim, assembled):
            return ()
        spans = [span for span in self._sampling.spans_to_send(assembled) if span.is_sampled]
        queued = (self._queued(exporter, span) for exporter in self._exporters for span in spans)
        return tuple(span for span in queued if span is not None)

    def _queued(self, exporter: Exporter, span: Span) -> QueuedSpan | None:
        try:
            encoded = exporter.encode(span)
        except Exception as exc:  # The call's row and its other spans are good all the same.
            self.counts.not_encodable += 1
            log.error(
                "span_not_encoded", exporter=exporter.destination, span=span.span_id, error=type(exc).__name__, at=_where(exc)
            )
            return None
        return QueuedSpan(
            span_id=span.span_id,
            trace_id=span.trace_id,
            request_id=span.request_id,
            destination=exporter.destination,
            # A tool that ended inside an unfinished call is whole: it need not go again when the call ends.
            is_final=span.status != "incomplete",
            encoded=encoded,
        )

    def _settle(self, settlements: Sequence[CallSettlement]) -> None:
        try:
            self._store.settle_calls(settlements, now_ms=self._clock.now_ms())
        except (StoreUnavailable, StoreBusy):
            raise
        except Exception as exc:  # Something in one of them that the database does not take: find out which.
            if len(settlements) == 1:
                self._put_off(settlements[0].claim, "call_not_stored", exc)
                return
            for settlement in settlements:
                self._settle((settlement,))
            return
        self._settled(settlements)

    def _settled(self, settlements: Sequence[CallSettlement]) -> None:
        self.counts.assembled += len(settlements)
        for settlement in settlements:
            self._failures.pop(_key(settlement.claim), None)
            if settlement.assembled.settled and settlement.claim.settled_ms is None:
                # After the commit that remembers it, and never again: neither late events nor a reassembly count a call twice.
                self._count(settlement.claim.project, settlement.claim.resource, settlement.assembled.measurements)
        self._on_settled(tuple({settlement.claim.project for settlement in settlements}))
        if any(settlement.exports for settlement in settlements):
            self._on_queued()

    def _put_off(self, claim: CallClaim, event: str, exc: Exception) -> None:
        """Give a claim back, due later each time. Told once a call; the message may quote the payload, so it is left out."""
        failures = self._failures.pop(_key(claim), 0) + 1
        self._failures[_key(claim)] = failures
        if len(self._failures) > REMEMBERED_FAILURES:
            self._failures.popitem(last=False)
        self.counts.failed += 1
        if failures == 1:
            log.error(event, project=claim.project, request_id=claim.request_id, error=type(exc).__name__, at=_where(exc))
        retry_at_ms = self._clock.now_ms() + self._backoff.wait_ms(failures)
        self._store.release_calls((claim,), retry_at_ms=retry_at_ms)


def is_to_be_exported(claim: CallClaim, assembled: Assembled) -> bool:
    """
    A call's spans go out once; once more only where the first time was for want of an end, and now there is one.

    What settled while there was no destination stays at home: a new endpoint must not get months of calls because of one late
    event or a reassembly.
    """
    if claim.exported is None:
        return claim.settled_ms is None
    return claim.exported == "incomplete" and assembled.call.status != "incomplete"


def with_price(price: Price, *, capture_content: bool) -> Assemble:
    """The real assembly."""

    def run(call: CallEvents) -> Assembled:
        from collector.assembly.assembler import assemble

        return assemble(call, price=price, capture_content=capture_content)

    return run


def _call_events(claim: CallClaim, timing: Timing, now_ms: int) -> CallEvents:
    last_received_ms = claim.last_received_ms
    if last_received_ms > now_ms + FAR_AHEAD_MS:
        # The clock was wrong at the receipt: to wait for that time would be to wait for years.
        last_received_ms = now_ms - timing.idle_timeout_ms - timing.settle_ms
    return CallEvents(
        project=claim.project,
        request_id=claim.request_id,
        events=claim.events,
        run_ends=claim.run_ends,
        service=claim.resource.service,
        is_own_hook=claim.resource.is_own_hook,
        trace_id=claim.trace_id,
        settled_ms=claim.settled_ms,
        now_ms=now_ms,
        first_received_ms=min(claim.first_received_ms, last_received_ms),
        last_received_ms=last_received_ms,
        settle_ms=timing.settle_ms,
        idle_timeout_ms=timing.idle_timeout_ms,
    )


def _key(claim: CallClaim) -> tuple[str, str]:
    return claim.project, claim.request_id


def _where(exc: BaseException) -> str:
    """The line that raised."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
