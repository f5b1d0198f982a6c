"""
Reading events: lists, one call's, the live tail; and media.

Flow: query -> **EventReads** -> events, blobs.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from collector.storage.database import StorePart
from collector.storage.paging import after, decode_cursor, encode_cursor, matches, matches_any, page_size
from collector.storage.parts import events_of_call
from collector.storage.protocols import EventFilter, Page, Row
from collector.storage.rows import plain, shown
from collector.storage.tables import blobs, events, tool_calls

_COLUMNS = shown(events)
_FILTERED = ("type", "request_id", "stream_id", "client_id", "thread_id", "run_id", "provider", "model")
_NEWEST_FIRST = (events.c.timestamp, events.c.arrival)
_CALL_ORDER = (
    events.c.timestamp,
    func.coalesce(events.c.fraction, 0.0).label("part"),
    func.coalesce(events.c.sequence, 0).label("place"),
    events.c.arrival,
)


class EventReads(StorePart):
    """The events' share of `Reader`."""

    def events(self, query: EventFilter) -> Page:
        """See `Reader.events`."""
        size = page_size(query.limit)
        statement = select(*_COLUMNS).where(*_conditions(query)).order_by(*(column.desc() for column in _NEWEST_FIRST))
        if query.cursor is not None:
            place = decode_cursor(query.cursor, "events", (int, int))
            statement = statement.where(after(_NEWEST_FIRST, place, descending=True))
        with self._database.reading() as connection:
            return _page(connection, statement, size, "events", ("timestamp", "arrival"))

    def call_events(self, project: str, request_id: str, *, limit: int, cursor: str | None) -> Page:
        """See `Reader.call_events`."""
        size = page_size(limit)
        statement = select(*_COLUMNS, *_CALL_ORDER[1:3]).order_by(*_CALL_ORDER)
        if cursor is not None:
            place = decode_cursor(cursor, "call_events", (int, float, int, int))
            columns = [getattr(column, "element", column) for column in _CALL_ORDER]
            statement = statement.where(after(columns, place, descending=False))
        with self._database.reading() as connection:
            statement = statement.where(events_of_call(connection, project, request_id))
            return _page(connection, statement, size, "call_events", ("timestamp", "part", "place", "arrival"))

    def events_after(self, project: str, arrival: int, *, limit: int) -> Sequence[Row]:
        """See `Reader.events_after`."""
        # The bound is asked for in a transaction of its own, before the snapshot in which the events are read.
        with self._database.reading() as connection:
            last_safe = self._database.engine.last_safe_arrival(connection)
        statement = select(*_COLUMNS).where(events.c.project == project, events.c.arrival > arrival)
        if last_safe is not None:
            statement = statement.where(events.c.arrival <= last_safe)
        with self._database.reading() as connection:
            return [plain(row) for row in connection.execute(statement.order_by(events.c.arrival).limit(limit))]

    def last_arrival(self, project: str) -> int:
        """See `Reader.last_arrival`."""
        newest = select(events.c.arrival).where(events.c.project == project).order_by(events.c.arrival.desc()).limit(1)
        with self._database.reading() as connection:
            last_safe = self._database.engine.last_safe_arrival(connection)
            found = connection.execute(newest).scalar()
        return min(found or 0, last_safe) if last_safe is not None else found or 0

    def blob(self, project: str, sha256: str) -> tuple[str, bytes] | None:
        """See `Reader.blob`."""
        statement = select(blobs.c.media_type, blobs.c.content, blobs.c.text).where(
            blobs.c.project == project, blobs.c.sha256 == sha256
        )
        with self._database.reading() as connection:
            found = connection.execute(statement).one_or_none()
        return None if found is None else (found.media_type, bytes(found.content) if found.text is None else found.text.encode())


def _conditions(query: EventFilter) -> list[ColumnElement[bool]]:
    conditions = [events.c.project == query.project]
    for name in _FILTERED:
        conditions += matches(events.c[name], getattr(query, name))
    conditions += matches_any(_of_tool, tool_calls.c.tool_name, query.tool)
    if query.since_ms is not None:
        conditions.append(events.c.timestamp >= query.since_ms)
    if query.until_ms is not None:
        conditions.append(events.c.timestamp < query.until_ms)
    return conditions


def _of_tool(named: ColumnElement[bool]) -> ColumnElement[bool]:
    """An event of a tool call whose tool is named so: `events.tool_names` is only what was offered."""
    same = and_(tool_calls.c.project == events.c.project, tool_calls.c.tool_call_id == events.c.tool_call_id)
    return select(tool_calls.c.n).where(same, named).exists()


def _page(connection: Connection, statement: Select[Any], size: int, order: str, names: tuple[str, ...]) -> Page:
    rows = connection.execute(statement.limit(size + 1)).all()
    items = tuple(plain(row, leave=("part", "place")) for row in rows[:size])
    return Page(items=items, next_cursor=encode_cursor(order, rows[size - 1], names) if len(rows) > size else None)
