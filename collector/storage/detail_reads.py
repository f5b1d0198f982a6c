"""
Reading one call closely, and its trace in outline: what a page shows, without what it does not.

Flow: query -> **DetailReads** -> events, spans, calls. A call may have 20,000 events, a trace 3,000 spans, an event megabytes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select

from collector.events import StoredEvent
from collector.storage.database import StorePart
from collector.storage.loading import stored_event
from collector.storage.paging import after, decode_cursor, encode_cursor, page_size
from collector.storage.parts import events_of_call
from collector.storage.payloads import whole_payload
from collector.storage.piece_order import cursor_of, pieces_in_order, some_pieces
from collector.storage.protocols import Page, Row
from collector.storage.rows import AnyRow, plain, read_json, shown
from collector.storage.tables import calls, events, spans
from collector.storage.views import PIECE_KINDS, SOMETIMES_PIECES

_PART = func.coalesce(events.c.fraction, 0.0)
_PLACE = func.coalesce(events.c.sequence, 0)
_ORDER = (events.c.timestamp, _PART, _PLACE, events.c.arrival)
_AT_MS = (events.c.timestamp + _PART).label("at_ms")
_HEAD_COLUMNS = [
    column for column in shown(events) if column.name not in {"payload", "project", "tool_names", "message_count", "has_tools"}
]
_STORY_COLUMNS = (
    *(
        events.c[name]
        for name in ("type", "event_id", "timestamp", "fraction", "received_at", "arrival", "sequence", "dialect", "request_id")
    ),
    whole_payload.label("payload"),
)
_NOISE_OF_RUNS = (*PIECE_KINDS, "hook:state-snapshot")
_SPAN_COLUMNS = tuple(
    spans.c[name]
    for name in (
        "span_id", "parent_span_id", "request_id", "kind", "name", "start_ns", "end_ns", "duration_ms", "status", "error_type",
        "tool_name",
    )
)  # fmt: skip
_CALL_COLUMNS = tuple(
    calls.c[name]
    for name in (
        "request_id", "parent_request_id", "operation", "model", "status", "start_ms", "duration_ms", "time_to_first_chunk_ms",
        "span_id",
    )
)  # fmt: skip


class DetailReads(StorePart):
    """The share of `Reader` that looks at one call or one trace."""

    def event(self, project: str, arrival: int) -> Row | None:
        """See `Reader.event`."""
        if not 0 <= arrival < 2**63:
            return None
        statement = select(*shown(events)).where(events.c.arrival == arrival, events.c.project == project)
        with self._database.reading() as connection:
            found = connection.execute(statement).one_or_none()
        return None if found is None else plain(found)

    def call_event_heads(self, project: str, request_id: str, *, limit: int, cursor: str | None, max_chars: int) -> Page:
        """See `Reader.call_event_heads`."""
        size = page_size(limit)
        wanted = select(events.c.arrival).order_by(*_ORDER).limit(size + 1)
        if cursor is not None:
            place = decode_cursor(cursor, "call_events", (int, float, int, int))
            wanted = wanted.where(after(_ORDER, place, descending=False))
        with self._database.reading() as connection:
            # Chosen first: PostgreSQL would cut and measure the payloads of the whole call before it sorts.
            chosen = wanted.where(events_of_call(connection, project, request_id)).subquery()
            rows = connection.execute(_heads(max_chars).where(events.c.arrival.in_(select(chosen.c.arrival)))).all()
        names = ("timestamp", "part", "place", "arrival")
        items = tuple({**plain(row, leave=("head", "part", "place")), "payload": row.head} for row in rows[:size])
        return Page(items=items, next_cursor=encode_cursor("call_events", rows[size - 1], names) if len(rows) > size else None)

    def run_event_heads(self, project: str, run_id: str, *, limit: int, max_chars: int) -> Sequence[Row]:
        """See `Reader.run_event_heads`."""
        of_run = and_(events.c.project == project, events.c.run_id == run_id, events.c.request_id.is_(None))
        wanted = select(events.c.arrival).where(of_run, events.c.type.not_in(_NOISE_OF_RUNS)).order_by(*_ORDER).limit(limit)
        chosen = wanted.subquery()
        with self._database.reading() as connection:
            rows = connection.execute(_heads(max_chars).where(events.c.arrival.in_(select(chosen.c.arrival))))
            return [{**plain(row, leave=("head", "part", "place")), "payload": row.head} for row in rows]

    def call_story(self, project: str, request_id: str, *, limit: int, max_chars: int) -> Sequence[StoredEvent]:
        """See `Reader.call_story`."""
        statement = (
            select(*_STORY_COLUMNS)
            .where(events.c.type.not_in(PIECE_KINDS.keys() - SOMETIMES_PIECES), func.length(events.c.payload) <= max_chars)
            .order_by(*_ORDER)
            .limit(limit)
        )
        with self._database.reading() as connection:
            its_own = statement.where(events_of_call(connection, project, request_id))
            return [stored_event(row) for row in connection.execute(its_own)]

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
        """See `Reader.call_pieces`."""
        types = [type_ for type_, its_kind in PIECE_KINDS.items() if kind in {None, its_kind}]
        wanted = and_(_of_call(project, request_id), events.c.type.in_(types))
        with self._database.reading() as connection:
            if times_only:
                return _times(connection, wanted, limit)
            return [_piece(row) for row in connection.execute(some_pieces(wanted, limit=limit, cursor=cursor))]

    def trace_outline(self, project: str, trace_id: str, *, limit: int) -> Mapping[str, Sequence[Row]]:
        """See `Reader.trace_outline`."""
        of_spans = and_(spans.c.project == project, spans.c.trace_id == trace_id)
        of_calls = and_(calls.c.project == project, calls.c.trace_id == trace_id)
        by_start = select(*_SPAN_COLUMNS).where(of_spans).order_by(spans.c.start_ns, spans.c.span_id).limit(limit)
        its_calls = select(*_CALL_COLUMNS).where(of_calls).order_by(calls.c.order_ms, calls.c.request_id).limit(limit)
        with self._database.reading() as connection:
            return {
                "spans": [dict(row) for row in connection.execute(by_start).mappings()],
                "calls": [dict(row) for row in connection.execute(its_calls).mappings()],
            }


def _heads(max_chars: int) -> Select[Any]:
    return select(
        *_HEAD_COLUMNS,
        func.substr(whole_payload, 1, max_chars).label("head"),
        func.length(whole_payload).label("payload_chars"),
        _AT_MS,
        _PART.label("part"),
        _PLACE.label("place"),
    ).order_by(*_ORDER)


def _of_call(project: str, request_id: str) -> ColumnElement[bool]:
    return and_(events.c.request_id == request_id, events.c.project == project)


def _times(connection: Connection, wanted: ColumnElement[bool], limit: int) -> Sequence[Row]:
    # Of a pack the times are in the payload; 20,000 payloads that nobody reads cost half a second.
    packed = case((events.c.payload.contains('"chunks"'), events.c.payload)).label("payload")
    by_time = select(_AT_MS, packed).where(wanted).order_by(*_ORDER).limit(limit)
    rows: Sequence[Any] = connection.execute(by_time).all()
    if any(row.payload for row in rows):
        # What else stands in the millisecond of a pack goes before or behind all of its pieces.
        rows = connection.execute(pieces_in_order(wanted, limit=limit, payload=packed)).all()
    return [{"at_ms": row.at_ms, "payload": read_json(row.payload) if row.payload else None} for row in rows]


def _piece(row: AnyRow) -> Row:
    return {
        "at_ms": row.at_ms,
        "kind": PIECE_KINDS[row.type],
        "message_id": row.message_id,
        "tool_call_id": row.tool_call_id,
        "payload": read_json(row.payload),
        "cursor": cursor_of(row),
    }
