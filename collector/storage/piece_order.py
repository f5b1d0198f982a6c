"""
The order of a stream's pieces, as the view `chunks` has it: a window of them, without looking into all payloads of the call.

Flow: detail_reads -> **piece_order** -> events.
By time and the sender's sequence. Where those are equal, a text of which the events say how long it has become stands where its
first piece came, and its pieces by that length; any other piece stays where it came. So what came in order stays so, whatever
texts go side by side, and what came shuffled is put together.
"""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from collector.storage.paging import after, decode_cursor, encode_place
from collector.storage.tables import events

_CURSOR = "call_pieces"
_KINDS = (int, float, int, int, int, int)
_KEYS = ("timestamp", "part", "place", "lead", "told_chars", "arrival")
_LAST_MS = 2**62


class _ToldChars(FunctionElement[int]):
    """How long a chunk says that its text has become, by a row's type and payload; NULL where it does not say."""

    type = BigInteger()
    inherit_cache = True


@compiles(_ToldChars, "sqlite")
def _of_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    type_, payload = (compiler.process(column, **options) for column in element.clauses)
    content = f"json_extract({payload}, '$.content')"
    return (
        f"CASE WHEN {type_} IN ('text:chunk:content', 'text:chunk:thinking') THEN CASE json_type({payload}, '$.content')"
        f" WHEN 'integer' THEN CASE WHEN {content} BETWEEN 0 AND 999999999999999 THEN {content} END"
        f" WHEN 'text' THEN length({content}) END END"
    )


@compiles(_ToldChars, "postgresql")
def _of_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    type_, payload = (compiler.process(column, **options) for column in element.clauses)
    # OFFSET keeps the planner from reading the payload once for each place where its content is named.
    return (
        f"CASE WHEN {type_} IN ('text:chunk:content', 'text:chunk:thinking') THEN (SELECT CASE json_typeof(content)"  # noqa: S608
        " WHEN 'number' THEN CASE WHEN content::text ~ '^[0-9]{1,15}$' THEN content::text::bigint END"
        " WHEN 'string' THEN length(content #>> '{}') END"
        f" FROM (SELECT {payload}::json -> 'content' AS content OFFSET 0) AS told) END"
    )


def some_pieces(wanted: ColumnElement[bool], *, limit: int, cursor: str | None) -> Select[*tuple[Any, ...]]:
    """
    Up to `limit` of the wanted rows behind a cursor, their order's keys first.

    `wanted` MUST be of one call and have all rows of a type or none. Raises BadRequest.
    """
    place = None if cursor is None else decode_cursor(cursor, _CURSOR, _KINDS)
    near = _near(wanted, None if place is None else place[0], limit)
    statement = pieces_in_order(and_(wanted, *near), limit=limit, payload=events.c.payload)
    if place is None:
        return statement
    return statement.where(after([statement.selected_columns[key] for key in _KEYS], place, descending=False))


def pieces_in_order(wanted: ColumnElement[bool], *, limit: int, payload: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    """The first `limit` of the wanted rows, which are all looked into, with something of their payload."""
    told_chars = _ToldChars(events.c.type, events.c.payload)
    found = select(
        events.c.timestamp,
        func.coalesce(events.c.fraction, 0.0).label("part"),
        func.coalesce(events.c.sequence, 0).label("place"),
        func.coalesce(told_chars, -1).label("told_chars"),
        events.c.arrival,
        events.c.type,
        events.c.message_id,
        events.c.tool_call_id,
        payload.label("payload"),
    ).where(wanted)
    # Else PostgreSQL's planner reads a payload anew wherever its length is used.
    led = _led(found.suffix_with("OFFSET 0", dialect="postgresql").subquery("found"))
    at_ms = (led.c.timestamp + led.c.part).label("at_ms")
    return select(led, at_ms).order_by(*(led.c[key] for key in _KEYS)).limit(limit)


def cursor_of(row: Any) -> str:
    """What to give to go on behind a row."""
    return encode_place(_CURSOR, [getattr(row, key) for key in _KEYS])


def _near(wanted: ColumnElement[bool], first_ms: int | None, limit: int) -> list[ColumnElement[bool]]:
    """
    Whole milliseconds with at least `limit` rows behind the first, if there are so many.

    What comes later is in no window, and its payload need not be looked into: of 20,000 that would take a tenth of a second.
    """
    behind = [] if first_ms is None else [events.c.timestamp > first_ms]
    last = select(events.c.timestamp).where(wanted, *behind).order_by(events.c.timestamp).limit(1).offset(limit - 1)
    bounds = [events.c.timestamp <= func.coalesce(last.scalar_subquery(), _LAST_MS)]
    return bounds if first_ms is None else [events.c.timestamp >= first_ms, *bounds]


def _led(found: Any) -> Any:
    """With `lead`: where the first piece of a row's text came, of those with the same time and sequence."""
    tells = found.c.told_chars >= 0
    of_text = (found.c.timestamp, found.c.part, found.c.place, found.c.type, found.c.message_id)
    first = func.min(case((tells, found.c.arrival))).over(partition_by=of_text)
    return select(found, case((tells, first), else_=found.c.arrival).label("lead")).subquery("led")
