"""
Bulk insert of events into PostgreSQL, idempotent.

Flow: PostgresqlEngine -> **BulkInsert** -> events. Two ways, by size: few rows go as one array a column in binary form (text
parameters take four times as long), many are copied to a temporary table and inserted from there.
"""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from collector.events import EventRow
from collector.storage.postgresql_arrays import Array, Kind, array_of, register
from collector.storage.postgresql_connections import Driver

COPY_FROM_ROWS = 1_000

_TYPES: Mapping[str, Kind] = {
    "timestamp": "bigint",
    "received_at": "bigint",
    "message_count": "bigint",
    "sequence": "bigint",
    "fraction": "double precision",
    "duration_ms": "double precision",
    "has_tools": "boolean",
    "streaming": "boolean",
}
_COLUMN_TYPES: tuple[Kind, ...] = tuple(_TYPES.get(name, "text") for name in EventRow._fields)
_COLUMNS = ", ".join(EventRow._fields)
# As the index has it: ids that differ in 64 bits of their hash, within a millisecond of a project, are two events.
_ONCE = "ON CONFLICT (project, timestamp, hashtextextended(event_id, 0)) DO NOTHING"

_ARRAYS = ", ".join(f"%b::{type_}[]" for type_ in _COLUMN_TYPES)
# WITH ORDINALITY: arrivals follow the order in which the events came.
_FROM_ARRAYS = (
    f"INSERT INTO events ({_COLUMNS}) SELECT {_COLUMNS} "  # noqa: S608
    f"FROM unnest({_ARRAYS}) WITH ORDINALITY AS given ({_COLUMNS}, place) ORDER BY place {_ONCE}"
)
_MAKE_COPIED = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS copied_events ("
    + ", ".join(f"{name} {type_}" for name, type_ in zip(EventRow._fields, _COLUMN_TYPES, strict=True))
    + ", place integer GENERATED ALWAYS AS IDENTITY) ON COMMIT DELETE ROWS"
)
_COPY = f"COPY copied_events ({_COLUMNS}) FROM STDIN (FORMAT BINARY)"
_FROM_COPIED = f"INSERT INTO events ({_COLUMNS}) SELECT {_COLUMNS} FROM copied_events ORDER BY place {_ONCE}"  # noqa: S608
_COPY_TYPES = [
    "float8" if type_ == "double precision" else {"bigint": "int8", "boolean": "bool"}.get(type_, type_)
    for type_ in _COLUMN_TYPES
]


class BulkInsert:
    """Inserts into `events`. Holds nothing but which way to go from how many rows on."""

    def __init__(self, *, copy_from_rows: int = COPY_FROM_ROWS) -> None:
        self._copy_from_rows = copy_from_rows

    def prepare(self, driver: Driver) -> None:
        """Once a connection: the temporary table is the session's."""
        register(driver.adapters)
        with driver.transaction():
            driver.execute(_sql(_MAKE_COPIED))

    def insert(self, driver: Driver, rows: Sequence[EventRow]) -> int:
        """Insert rows in their order; how many were new."""
        if len(rows) >= self._copy_from_rows:
            return self._copy(driver, rows)
        return driver.execute(_sql(_FROM_ARRAYS), _arrays(rows)).rowcount

    def insert_telling(self, driver: Driver, rows: Sequence[EventRow]) -> list[str | None]:
        """Insert rows in their order; the request_id of each that was new."""
        found = driver.execute(_sql(_FROM_ARRAYS + " RETURNING request_id"), _arrays(rows))
        return [row[0] for row in found]

    def _copy(self, driver: Driver, rows: Sequence[EventRow]) -> int:
        with driver.cursor() as cursor:
            cursor.execute("DELETE FROM copied_events")
            with cursor.copy(_sql(_COPY)) as copy:
                copy.set_types(_COPY_TYPES)
                for row in rows:
                    copy.write_row(_with_doubles(row))
            return cursor.execute(_sql(_FROM_COPIED)).rowcount


def _arrays(rows: Sequence[EventRow]) -> list[Array]:
    """An array a column."""
    return [array_of(kind, column) for kind, column in zip(_COLUMN_TYPES, zip(*rows, strict=True), strict=True)]


def _with_doubles(row: EventRow) -> Sequence[Any]:
    # Validation may leave a whole number there; the binary format takes it at its word.
    if isinstance(row.duration_ms, int) or isinstance(row.fraction, int):
        return row._replace(
            duration_ms=None if row.duration_ms is None else float(row.duration_ms),
            fraction=None if row.fraction is None else float(row.fraction),
        )
    return row


def _sql(statement: str) -> LiteralString:
    """Built from column names in this file only, so as good as literal."""
    return statement  # pyright: ignore[reportReturnType]
