"""
Many rows by one statement of PostgreSQL: an array a column.

Flow: upserts -> **insert_named** -> psycopg. An `executemany` sends and runs a statement a row; this is one round trip and one
run, whatever the number of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Double, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.types import TypeEngine

from collector.storage.postgresql_arrays import Kind, array_of
from collector.storage.postgresql_connections import driver_of

_KINDS: tuple[tuple[type[TypeEngine[Any]], Kind], ...] = (
    (Text, "text"),
    (BigInteger, "bigint"),
    (Integer, "integer"),
    (Double, "double precision"),
    (Boolean, "boolean"),
    (LargeBinary, "bytea"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    sql: bytes
    kinds: tuple[Kind, ...]
    constants: dict[str, Any]


def insert_rows(connection: Connection, statement: Insert, names: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
    """Run an INSERT of Core with rows of these columns. Their keys differ, their names are several."""
    compiled = _compiled(statement, names)
    columns = zip(*rows, strict=True)
    arrays = {f"column_{place}": array_of(*pair) for place, pair in enumerate(zip(compiled.kinds, columns, strict=True))}
    driver_of(connection).execute(compiled.sql, {**arrays, **compiled.constants})


@cache
def _compiled(statement: Insert, names: tuple[str, ...]) -> _Compiled:
    """Core's statement with its VALUES replaced by the arrays; parameters of the ON CONFLICT part stay."""
    compiled = statement.compile(dialect=PGDialect_psycopg(), column_keys=list(names))
    head, _, rest = compiled.string.partition(" VALUES (")
    _, conflict, tail = rest.partition(") ON CONFLICT")
    assert conflict, compiled.string
    kinds: tuple[Kind, ...] = tuple(_kind(statement.table.c[name].type) for name in names)
    arrays = ", ".join(f"%(column_{place})b::{kind}[]" for place, kind in enumerate(kinds))
    table, listed = head.split(" (")[0], ", ".join(names)
    return _Compiled(
        sql=f"{table} ({listed}) SELECT {listed} FROM unnest({arrays}) AS given ({listed}){conflict[1:]}{tail}".encode(),  # noqa: S608
        kinds=kinds,
        constants={name: value for name, value in compiled.params.items() if name not in names},
    )


def _kind(type_: TypeEngine[Any]) -> Kind:
    return next(kind for its_type, kind in _KINDS if isinstance(type_, its_type))
