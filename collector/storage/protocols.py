"""
What a store must do. `tests/collector/storage` holds every engine to it; an engine that passes works.

Flow: ingest -> **EventWriter** ; pipeline -> **WorkQueue** ; query -> **Reader**.
Callers hold one of these protocols, never an engine. All methods may be called from any thread.
Every method raises StoreUnavailable when the database is away, full or closing; nothing is half done then.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

from collector.events import Batch, Receipt, Resource, StoredEvent
from collector.spans import Measurement, Status
from collector.storage.caretaker import Caretaker
from collector.storage.keeper import Keeper
from collector.storage.outbox import ExportClaim, Outbox, SpanLease
from collector.storage.sql_types import SqlReader
from collector.values import value

Row = Mapping[str, Any]
"""A row for readers: column name -> value; JSON columns are decoded, times are numbers."""


class EventWriter(Protocol):
    """Takes batches in. The acknowledgement is the whole point: it means committed and synced."""

    def append(self, batch: Batch) -> "Future[Receipt]":
        """
        Queue a batch; the future is done only AFTER its transaction is committed and synced to disk.

        MUST store events, blobs, hook states, resource, each call's first row and its work item in ONE transaction.
        MUST be idempotent: an event whose (project, timestamp, event_id) exists is counted as a duplicate, and makes no work
        (a batch of nothing but duplicates leaves calls and work untouched). A pair inside the batch counts as one + one.
        MUST raise StoreBusy at once, without queueing, when too many events wait. The future raises StoreUnavailable when
        the commit failed, StoreError (not worth a retry) when the database can't hold this very batch, for instance a number
        beyond 64 bits; then nothing of the batch is stored, and its neighbours in the same commit are.
        Callbacks of the future run in the writer's thread: be quick there, and never wait for another write.
        """
        ...

    def last_commit_age_s(self) -> float:
        """Seconds since the writer last proved that it can commit while something waited; 0 when nothing waits."""
        ...

    def failing_because(self) -> str | None:
        """Why commits fail at present, in words for an operator; None while they work."""
        ...

    def queued_events(self) -> int:
        """How many events wait for a commit."""
        ...


@value
class ClaimedCall:
    """A call that is this worker's to assemble until the lease ends."""

    project: str
    request_id: str
    dirty: int
    """The call's change counter at the claim; settling compares it, so no later event is forgotten."""


@value
class CallClaim:
    """A claimed call with all that assembly needs."""

    project: str
    request_id: str
    dirty: int
    """See `ClaimedCall`."""
    events: tuple[StoredEvent, ...] = field(repr=False)
    """Its own; of a call of a part, which has none (see `CallTouch`), those of its stream but for the `*.delta` ones."""
    run_ends: tuple[StoredEvent, ...] = field(repr=False)
    """`run:errored` and `run:cancelled` events of the call's runId."""
    resource: Resource
    first_received_ms: int
    last_received_ms: int
    """Receipt of the call's newest own event."""
    trace_id: str | None
    """Fixed at an earlier assembly, or None."""
    exported: Status | None
    """The status under which the call's span was queued for export, or None where it was not yet."""
    settled_ms: int | None = None
    """When the call settled for the first time, None where it never did: what is counted once is counted then."""


@value
class QueuedSpan:
    """A span to send, encoded once, so that a repeat is byte for byte the same."""

    span_id: str
    trace_id: str
    request_id: str
    destination: str
    is_final: bool
    """False for a span sent as `incomplete`: it may be sent once more when its end comes."""
    encoded: bytes = field(repr=False)


@value
class CallSettlement:
    """
    What the worker made of a claim, as rows: plain values, so that another process can have made them.

    `settlement_of` makes one; stored in one transaction: call, spans, tools, usage, health, export work, work item.
    """

    project: str
    request_id: str
    dirty: int
    resource: Resource
    is_settled: bool
    look_again_ms: int | None
    settled_ms: int | None
    """When it settled for the first time, None where it had not."""
    was_seen: bool
    """An earlier look at the call left rows, which go."""
    ends_incomplete: bool
    """Its spans were queued as incomplete before, and now are whole."""
    call: tuple[Any, ...] = field(repr=False)
    """Columns, as `settlements` names them; the times of storing come with the transaction. So with the others."""
    spans: tuple[tuple[Any, ...], ...] = field(repr=False)
    tool_calls: tuple[tuple[Any, ...], ...] = field(repr=False)
    usage: tuple[tuple[Any, ...], ...] = field(repr=False)
    health: tuple[Any, ...] = field(repr=False)
    exports: tuple[tuple[Any, ...], ...] = field(repr=False)
    measurements: tuple[Measurement, ...] = field(default=(), repr=False)
    """What the call adds to the metrics, told when it is settled."""


class WorkQueue(Outbox, Protocol):
    """Durable work: calls to assemble, spans to send. A crash between claim and settle repeats the work, safely."""

    def claim_calls(self, *, owner: str, now_ms: int, lease_ms: int, limit: int) -> list[ClaimedCall]:
        """
        Up to `limit` calls whose due time has come, oldest due first.

        MUST NOT give a call to two owners while a lease lasts. A claim whose lease ended is given out anew.
        """
        ...

    def load_calls(self, claimed: Sequence[ClaimedCall], *, now_ms: int) -> list[CallClaim]:
        """
        Claimed calls with their events (ONE query for all, and one for the streams of parts), in this order; without those that
        are gone. Any process that can read the database can do this, whoever holds the claims.
        """
        ...

    def settle_calls(
        self, settlements: Sequence[CallSettlement], *, now_ms: int, leased: SpanLease | None = None
    ) -> list[ExportClaim]:
        """
        Store the outcomes and end the claims, in ONE transaction; the spans that were queued by it for the destinations of
        `leased`, claimed already.

        MUST replace the call's row, spans, tool_calls, token_usage and health, and keep when it first settled. The work item
        goes when `is_settled` and `dirty` is unchanged; changed: it is due again (by the rules of ingest); not
        settled: due at `look_again_ms`.
        Export rows that exist already (same project, span, destination, is_final) MUST stay as they are.
        """
        ...

    def release_calls(self, keys: Sequence[tuple[str, str]], *, retry_at_ms: int) -> None:
        """Give claims back unsettled, by project and requestId; due again at `retry_at_ms` (assembly failed)."""
        ...

    def free_calls(self, *, owner: str) -> None:
        """
        End all claims of this owner, whatever became of them: after a round that the database broke off.

        Only for the thread that claims for the owner, while it has none of them in hand.
        """
        ...

    def next_due_ms(self, *, now_ms: int) -> int | None:
        """When the next call is due (Unix ms), None for none. A claimed one counts by its lease's end."""
        ...

    def is_pressed(self) -> bool:
        """Whether requests to store something take all the time that writing has: whoever can wait shall step back."""
        ...

    def mark_all_dirty(self, *, project: str | None, request_id: str | None, now_ms: int) -> int:
        """Make calls due again (`reassemble`); how many. They keep their trace ids and are not exported again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """
    Which events. Each tuple field: values of which one must match; a leading `!` excludes. `since_ms`, `until_ms` bound
    `timestamp`, the end exclusive. `cursor` is a `next_cursor` of the same filter.
    """

    project: str
    type: tuple[str, ...] = ()
    request_id: tuple[str, ...] = ()
    stream_id: tuple[str, ...] = ()
    client_id: tuple[str, ...] = ()
    thread_id: tuple[str, ...] = ()
    run_id: tuple[str, ...] = ()
    provider: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    tool: tuple[str, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None
    limit: int = 100
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Which calls; as EventFilter. `tool` is a tool that was called; `q` is searched in the previews."""

    project: str
    request_id: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    operation: tuple[str, ...] = ()
    provider: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    tool: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    client_id: tuple[str, ...] = ()
    session_id: tuple[str, ...] = ()
    min_duration_ms: float | None = None
    q: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    limit: int = 100
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rows and where to go on. `next_cursor` is None at the end."""

    items: tuple[Row, ...]
    next_cursor: str | None


class Reader(Protocol):
    """Reads on connections that cannot write. Every answer is of one project."""

    def events(self, query: EventFilter) -> Page:
        """Events, newest first by (timestamp, arrival); columns of CONTRACT §5 with the payload decoded."""
        ...

    def calls(self, query: CallFilter) -> Page:
        """Calls, newest start first; no bodies."""
        ...

    def call(self, project: str, request_id: str) -> Row | None:
        """One call's row."""
        ...

    def call_events(self, project: str, request_id: str, *, limit: int, cursor: str | None) -> Page:
        """
        A call's events in the order of the call, oldest first.

        Of a call of a part, which has no rows (see `CallTouch`), those of its stream that name the part.
        """
        ...

    def call_details(self, project: str, request_id: str, *, only: Sequence[str] = ()) -> Mapping[str, Sequence[Row]]:
        """A call's `spans`, `tool_calls`, `token_usage`, `trace_health` and `exports`, each a list; or `only` some of them."""
        ...

    def trace(self, project: str, trace_id: str) -> Mapping[str, Sequence[Row]]:
        """`spans`, `calls` and `events` (those without a requestId, of the trace's runIds)."""
        ...

    def event(self, project: str, arrival: int) -> Row | None:
        """One event, as `events` has it."""
        ...

    def call_event_heads(self, project: str, request_id: str, *, limit: int, cursor: str | None, max_chars: int) -> Page:
        """
        As `call_events`, for looking through: `payload` is text, cut after `max_chars`, and `payload_chars` its whole length.

        MUST NOT load a payload beyond the cut into memory. `at_ms` is the time with its fraction.
        """
        ...

    def run_event_heads(self, project: str, run_id: str, *, limit: int, max_chars: int) -> Sequence[Row]:
        """
        What a run's client said of it, oldest first, as `call_event_heads` has it: events of the run without a requestId, but for
        its pieces of the answer and its snapshots.
        """
        ...

    def call_story(self, project: str, request_id: str, *, limit: int, max_chars: int) -> Sequence[StoredEvent]:
        """A call's events but for pieces of streams, as assembly reads them, oldest first; none longer than `max_chars`."""
        ...

    def call_pieces(
        self,
        project: str,
        request_id: str,
        *,
        limit: int,
        cursor: str | None = None,
        kind: str | None = None,
        times_only: bool = False,
    ) -> Sequence[Row]:
        """
        A call's events that are pieces of a stream, oldest first: `at_ms`, `kind`, `message_id`, `tool_call_id`, `payload`,
        `cursor` (what to give to go on behind this event).

        MUST have the order of the view `chunks`, which takes the same events apart. `times_only` gives `at_ms` and `payload`
        alone, the payload None where it holds no pack.
        """
        ...

    def trace_outline(self, project: str, trace_id: str, *, limit: int) -> Mapping[str, Sequence[Row]]:
        """
        What a picture of a trace needs, oldest first: `spans` without attributes, `calls` with few columns. No bodies.

        MUST be quick with thousands of spans.
        """
        ...

    def stats(self, project: str, *, since_ms: int | None, until_ms: int | None, by: str | None) -> Sequence[Row]:
        """
        Counts, errors, tokens, cost and percentiles (p50, p95, p99 of duration and time to first chunk), per value of `by`
        (model, provider, operation, service, status) or in all. Video polls stay out of the percentiles.
        Names: `by`'s own, calls, running, errors, aborted, incomplete, the token columns, cost_usd,
        duration_p50_ms …, time_to_first_chunk_p50_ms …. Raises BadRequest for another `by`.
        """
        ...

    def blob(self, project: str, sha256: str) -> tuple[str, bytes] | None:
        """Media type and bytes."""
        ...

    def events_after(self, project: str, arrival: int, *, limit: int) -> Sequence[Row]:
        """Events with a higher arrival, in order of arrival (live view). MUST NOT skip one that commits later."""
        ...

    def calls_updated_after(self, project: str, updated_ms: int, *, limit: int) -> Sequence[Row]:
        """Calls whose row changed at or after a time, oldest change first, each with its `updated_ms`."""
        ...

    def last_arrival(self, project: str) -> int:
        """The highest arrival, 0 for none."""
        ...

    def state(self) -> Row:
        """
        For doctor and metrics, over all projects: `rows` (table -> count or a good estimate), `oldest_due_ms` (None: no work),
        `exports` (list of `destination`, `state`, `count`, `reason`: a newest one, `oldest_next_at`, and `oldest_queued_ms` of
        the span that was queued first), `last_received_ms`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as stored: never the key itself."""

    key_id: str
    project: str
    name: str
    scopes: tuple[str, ...]
    """Of ingest, read, sql, admin."""
    created_ms: int
    revoked_ms: int | None = None
    expires_ms: int | None = None
    last_used_ms: int | None = None
    """To a minute or so."""
    origins: tuple[str, ...] = ()
    """Of a public key: the web origins whose pages may show it."""
    events_per_s: float | None = None
    """A rate of its own; None for the collector's."""
    bytes_per_s: float | None = None

    @property
    def is_public(self) -> bool:
        """Whether anybody may read it, in the source of a web page."""
        return bool(self.origins)


class KeyStore(Protocol):
    """Keys, by the SHA-256 of the key."""

    def add_key(
        self,
        *,
        project: str,
        name: str,
        scopes: Sequence[str],
        key_hash: str,
        now_ms: int,
        expires_ms: int | None = None,
        origins: Sequence[str] = (),
        events_per_s: float | None = None,
        bytes_per_s: float | None = None,
    ) -> ApiKey: ...

    def find_key(self, key_hash: str) -> ApiKey | None:
        """The key, unless revoked; also one that has expired."""
        ...

    def note_key_use(self, key_id: str, *, now_ms: int) -> None:
        """Its last use. Never goes back."""
        ...

    def public_origins(self) -> Sequence[str]:
        """The origins of all public keys that are not revoked."""
        ...

    def list_keys(self) -> Sequence[ApiKey]: ...

    def revoke_key(self, key_id: str, *, now_ms: int) -> bool:
        """False where there is no such key."""
        ...

    def has_keys(self) -> bool:
        """Whether any key exists that is not revoked."""
        ...


class SessionStore(Protocol):
    """Who is logged in on the page: SHA-256 of a token -> SHA-256 of the key that was shown. Shared by all collectors."""

    def add_session(self, token_hash: str, key_hash: str, *, now_ms: int, expires_ms: int) -> None:
        """Also forgets sessions that ended before `now_ms`."""
        ...

    def session_key(self, token_hash: str, *, now_ms: int) -> str | None:
        """The key's hash; None for a session that has ended."""
        ...

    def end_session(self, token_hash: str) -> None: ...


class Store(EventWriter, WorkQueue, Reader, KeyStore, SessionStore, SqlReader, Keeper, Caretaker, Protocol):
    """An engine: all of these, and its life."""

    def close(self) -> None:
        """Commit what is queued, then let go of the database."""
        ...
