"""
Where a claimed call becomes rows: its events are loaded, put together, and its spans encoded.

Flow: CallWorker -> **Bench** -> storage (load) -> assembly -> exporters (encode) -> CallSettlement -> CallWorker.
It writes nothing and remembers nothing, so it may work in this process or in another one (`worker_process`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from collector.assembly.inputs import CallEvents, Price
from collector.keeping.sampling import Sampling
from collector.spans import Assembled, Span
from collector.storage.protocols import CallClaim, CallSettlement, ClaimedCall, QueuedSpan
from collector.storage.settlements import settlement_of
from collector.values import value

Assemble = Callable[[CallEvents], Assembled]
Encode = Callable[[Span], bytes]

FAR_AHEAD_MS = 24 * 3_600_000


@value
class Timing:
    """What assembly has to know about waiting."""

    settle_ms: int
    idle_timeout_ms: int


@value
class Failure:
    """What could not be done. The words of the error may quote the payload, so they are left out."""

    project: str
    request_id: str
    error: str
    """The class."""
    at: str
    """File and line."""


@value
class NotEncoded:
    """A span that a destination's encoder stumbled over: the call's row and its other spans are good all the same."""

    span_id: str
    destination: str
    error: str
    at: str


@value
class Worked:
    """What became of claimed calls; those of neither kind are gone from the database."""

    settlements: tuple[CallSettlement, ...] = ()
    failures: tuple[Failure, ...] = ()
    not_encoded: tuple[NotEncoded, ...] = ()


class Loads(Protocol):
    """The part of a store that the bench needs."""

    def load_calls(self, claimed: Sequence[ClaimedCall], *, now_ms: int) -> list[CallClaim]: ...


class Bench:
    """Works on claimed calls, one after the other. Used by one thread at a time."""

    def __init__(
        self, store: Loads, assemble: Assemble, encoders: Mapping[str, Encode], *, timing: Timing, sampling: Sampling
    ) -> None:
        self._store = store
        self._assemble = assemble
        self._encoders = encoders
        self._timing = timing
        self._sampling = sampling

    def work(self, claimed: Sequence[ClaimedCall], *, now_ms: int) -> Worked:
        """What is to be stored of each. Raises StoreUnavailable."""
        settlements: list[CallSettlement] = []
        failures: list[Failure] = []
        not_encoded: list[NotEncoded] = []
        for claim in self._store.load_calls(claimed, now_ms=now_ms):
            try:
                assembled = self._assemble(_call_events(claim, self._timing, now_ms))
                settlements.append(settlement_of(claim, assembled, self._exports(claim, assembled, not_encoded)))
            except Exception as exc:  # One odd call must not stop the others, whatever is odd about it.
                failures.append(failure_of(claim, exc))
        return Worked(settlements=tuple(settlements), failures=tuple(failures), not_encoded=tuple(not_encoded))

    def _exports(self, claim: CallClaim, assembled: Assembled, not_encoded: list[NotEncoded]) -> list[QueuedSpan]:
        if not assembled.settled or not is_to_be_exported(claim, assembled):
            return []
        spans = [span for span in self._sampling.spans_to_send(assembled) if span.is_sampled]
        queued: list[QueuedSpan] = []
        for destination, encode in self._encoders.items():
            for span in spans:
                try:
                    queued.append(_queued(span, destination, encode(span)))
                except Exception as exc:
                    told = {"error": type(exc).__name__, "at": where(exc)}
                    not_encoded.append(NotEncoded(span_id=span.span_id, destination=destination, **told))
        return queued


def is_to_be_exported(claim: CallClaim, assembled: Assembled) -> bool:
    """
    A call's spans go out once; once more only where the first time was for want of an end, and now there is one.

    What settled while there was no destination stays at home: a new endpoint must not get months of calls because of one late
    event or a reassembly.
    """
    if claim.exported is None:
        return claim.settled_ms is None
    return claim.exported == "incomplete" and assembled.call.status != "incomplete"


def failure_of(claim: CallClaim | CallSettlement, exc: Exception) -> Failure:
    """What is told of an error."""
    return Failure(project=claim.project, request_id=claim.request_id, error=type(exc).__name__, at=where(exc))


def where(exc: BaseException) -> str:
    """The line that raised."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"


def with_price(price: Price, *, capture_content: bool) -> Assemble:
    """The real assembly."""

    def run(call: CallEvents) -> Assembled:
        from collector.assembly.assembler import assemble

        return assemble(call, price=price, capture_content=capture_content)

    return run


def real_assembly(*, capture_content: bool) -> Assemble:
    """Assembly with the prices that we know."""
    from collector.prices import price

    return with_price(price, capture_content=capture_content)


def _queued(span: Span, destination: str, encoded: bytes) -> QueuedSpan:
    return QueuedSpan(
        span_id=span.span_id,
        trace_id=span.trace_id,
        request_id=span.request_id,
        destination=destination,
        # A tool that ended inside an unfinished call is whole: it need not go again when the call ends.
        is_final=span.status != "incomplete",
        encoded=encoded,
    )


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
