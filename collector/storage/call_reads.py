"""
Reading calls: lists, one call with all that belongs to it, a trace, the live tail.

Flow: query -> **CallReads** -> calls, spans, tool_calls, token_usage, trace_health, exports.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from collector.storage.database import StorePart
from collector.storage.paging import after, decode_cursor, encode_cursor, matches, matches_any, page_size
from collector.storage.protocols import CallFilter, Page, Row
from collector.storage.rows import plain, shown
from collector.storage.tables import calls, events, exports, spans, token_usage, tool_calls
from collector.storage.views import trace_health

_COLUMNS = shown(calls)
_FILTERED = ("request_id", "status", "operation", "provider", "model", "service", "client_id", "session_id")
_NEWEST_FIRST = (calls.c.order_ms, calls.c.request_id)


class CallReads(StorePart):
    """The calls' share of `Reader`."""

    def calls(self, query: CallFilter) -> Page:
        """See `Reader.calls`."""
        size = page_size(query.limit)
        # The last column is only for the cursor.
        statement = select(*_COLUMNS, calls.c.order_ms).where(*_conditions(query))
        statement = statement.order_by(*(column.desc() for column in _NEWEST_FIRST)).limit(size + 1)
        if query.cursor is not None:
            place = decode_cursor(query.cursor, "calls", (float, str))
            statement = statement.where(after(_NEWEST_FIRST, place, descending=True))
        with self._database.reading() as connection:
            rows = connection.execute(statement).all()
        items = tuple(plain(row, leave=("order_ms",)) for row in rows[:size])
        next_cursor = encode_cursor("calls", rows[size - 1], ("order_ms", "request_id")) if len(rows) > size else None
        return Page(items=items, next_cursor=next_cursor)

    def call(self, project: str, request_id: str) -> Row | None:
        """See `Reader.call`."""
        statement = select(*_COLUMNS).where(calls.c.project == project, calls.c.request_id == request_id)
        with self._database.reading() as connection:
            found = connection.execute(statement).one_or_none()
        return None if found is None else plain(found)

    def call_details(self, project: str, request_id: str, *, only: Sequence[str] = ()) -> Mapping[str, Sequence[Row]]:
        """See `Reader.call_details`."""
        order: Mapping[Any, Sequence[Any]] = {
            spans: (spans.c.start_ns, spans.c.span_id),
            tool_calls: (tool_calls.c.n,),
            token_usage: (token_usage.c.n,),
            trace_health: (trace_health.c.request_id,),
            exports: (exports.c.export_id,),
        }
        with self._database.reading() as connection:
            return {
                table.name: _all(
                    connection,
                    select(*shown(table)).where(table.c.project == project, table.c.request_id == request_id).order_by(*by),
                )
                for table, by in order.items()
                if not only or table.name in only
            }

    def trace(self, project: str, trace_id: str) -> Mapping[str, Sequence[Row]]:
        """See `Reader.trace`."""
        of_trace = and_(calls.c.project == project, calls.c.trace_id == trace_id)
        runs = select(calls.c.run_id).where(of_trace, calls.c.run_id.is_not(None))
        loose = and_(events.c.project == project, events.c.run_id.in_(runs), events.c.request_id.is_(None))
        of_spans = and_(spans.c.project == project, spans.c.trace_id == trace_id)
        with self._database.reading() as connection:
            return {
                "spans": _all(connection, select(*shown(spans)).where(of_spans).order_by(spans.c.start_ns, spans.c.span_id)),
                "calls": _all(connection, select(*_COLUMNS).where(of_trace).order_by(*_NEWEST_FIRST)),
                "events": _all(connection, select(*shown(events)).where(loose).order_by(events.c.timestamp, events.c.arrival)),
            }

    def calls_updated_after(self, project: str, updated_ms: int, *, limit: int) -> Sequence[Row]:
        """See `Reader.calls_updated_after`."""
        statement = (
            select(*_COLUMNS)
            .where(calls.c.project == project, calls.c.updated_ms >= updated_ms)
            .order_by(calls.c.updated_ms, calls.c.request_id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return _all(connection, statement)


def _all(connection: Connection, statement: Select[Any]) -> list[Row]:
    return [plain(row) for row in connection.execute(statement)]


def _conditions(query: CallFilter) -> list[ColumnElement[bool]]:
    conditions = [calls.c.project == query.project]
    for name in _FILTERED:
        conditions += matches(calls.c[name], getattr(query, name))
    conditions += matches_any(_with_tool, tool_calls.c.tool_name, query.tool)
    if query.min_duration_ms is not None:
        conditions.append(calls.c.duration_ms >= query.min_duration_ms)
    if query.q:
        found = (calls.c[name].icontains(query.q, autoescape=True) for name in ("prompt_preview", "answer_preview"))
        conditions.append(or_(*found))
    if query.since_ms is not None:
        conditions.append(calls.c.order_ms >= query.since_ms)
    if query.until_ms is not None:
        conditions.append(calls.c.order_ms < query.until_ms)
    return conditions


def _with_tool(named: ColumnElement[bool]) -> ColumnElement[bool]:
    same = and_(tool_calls.c.project == calls.c.project, tool_calls.c.request_id == calls.c.request_id)
    return select(tool_calls.c.n).where(same, named).exists()
