"""
What the outbox hands out and takes back: spans to send, and what became of them.

Flow: pipeline -> **Outbox** -> storage.exporting. Values and the protocol; `tests/collector/storage` holds every engine to it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from collector.events import Resource
from collector.spans import Span
from collector.values import value


@value
class ExportClaim:
    """An encoded span for one destination, this worker's until the lease ends."""

    export_id: int
    project: str
    destination: str
    span_id: str
    trace_id: str
    resource: Resource
    attempts: int
    stumbles: int
    """Attempts that failed because of this very span, while the destination took others."""
    lease_until_ms: int
    """Also which lease this is: who settles after it was given to another must not disturb that one."""
    encoded: bytes = field(repr=False)


@value
class SpanLease:
    """Spans of these destinations are this worker's from the moment they are stored: it sends them without looking for them."""

    owner: str
    until_ms: Mapping[str, int]
    """Destination -> end of the lease (Unix ms): for each transaction another one, since it tells which spans were new."""


@value
class ExportDone:
    """The backend took the span: 2xx."""

    export_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRetry:
    """Try again at `next_at_ms`."""

    export_id: int
    lease_until_ms: int
    next_at_ms: int
    reason: str
    is_stumble: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPutBack:
    """It was not tried: due again at `next_at_ms`, as if it had never been claimed."""

    export_id: int
    lease_until_ms: int
    next_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportDead:
    """The backend will never take it; kept with the reason."""

    export_id: int
    lease_until_ms: int
    reason: str


ExportOutcome = ExportDone | ExportRetry | ExportPutBack | ExportDead


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadSpans:
    """Which dead spans: all, or those of a destination, with a text in their reason, that died since a time."""

    destination: str | None = None
    reason: str | None = None
    """Looked for anywhere in the reason, in any case."""
    since_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resend:
    """Spans of the settled calls of a project that started in a time, to be sent to a destination once more."""

    project: str
    destination: str
    since_ms: int
    until_ms: int | None = None


class Underway(Protocol):
    """Something that is being stored."""

    def is_over(self) -> bool:
        """Whether it is stored, or could not be."""
        ...

    def result(self) -> None:
        """Wait for its commit. Raises StoreUnavailable; it may be stored all the same."""
        ...


class Outbox(Protocol):
    """Spans to send, one row a destination. A crash between claim and settle repeats the work, with the same bytes."""

    def claim_exports(
        self,
        *,
        owner: str,
        destination: str,
        now_ms: int,
        lease_ms: int,
        limit: int,
        max_bytes: int,
        newest_first: bool = False,
        outcomes: Sequence[ExportOutcome] = (),
    ) -> list[ExportClaim]:
        """
        Up to `limit` due spans for a destination, cut at `max_bytes` of encoded spans (one at least): those that are due
        longest, or `newest_first` those that became due last. Before, and in the same transaction, the outcomes of what was
        sent last are stored, as `settle_exports` does; after an error they may be stored or not, and may be given again.

        MUST NOT give a span to two owners while a lease lasts.
        """
        ...

    def settle_exports(self, outcomes: Sequence[ExportOutcome], *, now_ms: int) -> None:
        """
        Store outcomes in ONE transaction. A done span loses its encoded bytes; a dead one keeps them.

        Done counts whoever holds the span by now. All else MUST be ignored where the lease is not this one any more.
        """
        ...

    def begin_settling(self, outcomes: Sequence[ExportOutcome], *, now_ms: int) -> Underway:
        """The same without waiting for the commit."""
        ...

    def next_export_due_ms(self, *, destination: str) -> int | None:
        """When the destination's next span is due (Unix ms), None for none. A claimed one counts by its lease's end."""
        ...

    def retry_dead_exports(self, which: DeadSpans, *, now_ms: int) -> Sequence[Mapping[str, Any]]:
        """Make dead spans due again; how many, as `destination`, `reason`, `count`. Many are done in several transactions."""
        ...

    def drop_exports(self, *, destination: str, now_ms: int) -> int:
        """Give up what waits for a destination and what is dead there, for good (state `dropped`); how many."""
        ...

    def queue_again(self, which: Resend, encode: Callable[[Span], bytes], *, now_ms: int) -> int:
        """
        Queue spans that were sent, or never were to be sent; how many. Those that wait already stay as they are.

        Unsampled spans stay at home as ever. Many are done in several transactions; doing it twice queues what was sent since.
        """
        ...

    def export_reasons(self, *, limit: int) -> Sequence[Mapping[str, Any]]:
        """Why spans are dead, most of them first: `destination`, `reason`, `count`, `last_ms` (when the last one died)."""
        ...
