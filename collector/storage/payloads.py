"""
A stored event as it was, put together from its payload, the columns that hold what it lacks, and messages kept elsewhere.

Flow: events -> **whole_payload** -> every read of events: lists, one call's, the live tail, assembly.
In SQL, so that a payload leaves the database whole and nobody behind it needs to know. Most rows' payloads are whole as they are.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, Dialect, Integer, Text, case, func, literal_column, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from collector.events import LEFT_IN_COLUMNS, REFS
from collector.storage.repeats import WithMessages
from collector.storage.tables import events


class _AsJson(FunctionElement[str]):
    """A column's value as JSON; not for NULL."""

    type = Text()
    inherit_cache = True


@compiles(_AsJson, "sqlite")
def _of_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    (column,) = element.clauses
    value = compiler.process(column, **options)
    # SQLite knows no booleans.
    return f"CASE WHEN {value} THEN 'true' ELSE 'false' END" if isinstance(column.type, Boolean) else f"json_quote({value})"


@compiles(_AsJson, "postgresql")
def _of_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    (column,) = element.clauses
    return f"to_json({compiler.process(column, **options)})::text"


def _text(value: str) -> ColumnElement[str]:
    """Words of our own, in the statement itself."""
    return literal_column(f"'{value}'", Text)


_NONE: Final = _text("")


def _members(fields: Mapping[str, str]) -> ColumnElement[str]:
    """The fields that a name in `reduced` stands for, each with a comma behind it; none where its column is NULL."""
    members = [
        case(
            (events.c[column].is_not(None), _text(f'"{name}":').concat(_AsJson(events.c[column])).concat(_text(","))), else_=_NONE
        )
        for name, column in fields.items()
    ]
    return _joined(members)


def _joined(texts: Sequence[ColumnElement[str]]) -> ColumnElement[str]:
    return reduce(lambda before, text: before.concat(text), texts)


def _whole() -> ColumnElement[str]:
    payload, reduced = events.c.payload, events.c.reduced
    lacks = {name: reduced.like(_text(f'%"{name}"%')) for name in LEFT_IN_COLUMNS}
    before = _joined([case((lacks[name], _members(fields)), else_=_NONE) for name, fields in LEFT_IN_COLUMNS.items()])
    whole = case(
        # Nothing is left behind the last comma.
        (payload == _text("{}"), _text("{").concat(func.rtrim(before, _text(","))).concat(_text("}"))),
        else_=_text("{").concat(before).concat(func.substr(payload, literal_column("2", Integer))),
    )
    return case(
        (or_(*lacks.values()), whole),
        (reduced.like(_text(f'%"{REFS}"%')), WithMessages(payload, events.c.project)),
        else_=payload,
    )


whole_payload: Final = _whole()
"""The event as JSON text."""


def compiled(dialect: Dialect) -> str:
    """`whole_payload` as a piece of SQL, for statements that are not put together by Core."""
    return str(whole_payload.compile(dialect=dialect))
