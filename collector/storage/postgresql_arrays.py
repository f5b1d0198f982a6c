"""
Columns of rows as PostgreSQL's binary arrays.

Flow: BulkInsert, postgresql_inserts -> **array_of** -> psycopg. Pure.
psycopg encodes a list value by value; most columns of a group say the same in every row (project, service, model) or nothing at
all, and such a column is one multiplication of bytes. It makes `unnest` with arrays cheaper for the client than COPY.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any, Literal

from psycopg.adapt import AdaptersMap, Dumper
from psycopg.pq import Format

Kind = Literal["text", "bigint", "integer", "double precision", "boolean", "bytea"]

# oid of the type, oid of its array type: fixed in PostgreSQL's catalogue.
OIDS: Mapping[Kind, tuple[int, int]] = {
    "text": (25, 1009),
    "bigint": (20, 1016),
    "integer": (23, 1007),
    "double precision": (701, 1022),
    "boolean": (16, 1000),
    "bytea": (17, 1001),
}
_HEAD = Struct(">iiIii").pack
_LENGTH = Struct(">i").pack
_NULL = _LENGTH(-1)
_BIGINT = Struct(">iq").pack
_INTEGER = Struct(">ii").pack
_DOUBLE = Struct(">id").pack
_BOOLEANS = {False: _LENGTH(1) + b"\0", True: _LENGTH(1) + b"\1"}


@dataclass(frozen=True, slots=True)
class Array:
    """An encoded array; psycopg sends it as it is."""

    encoded: bytes


def array_of(kind: Kind, values: Sequence[Any]) -> Array:
    """One array of a column. Raises an error of Python for a value that the type can't hold."""
    if not values:
        return Array(_HEAD(0, 0, OIDS[kind][0], 0, 1)[:12])
    encode = _ENCODERS[kind]
    first = values[0]
    if values.count(first) == len(values):
        body = encode(first) * len(values)
    else:
        body = b"".join([_NULL if value is None else encode(value) for value in values])
    return Array(_HEAD(1, 1, OIDS[kind][0], len(values), 1) + body)


def register(adapters: AdaptersMap) -> None:
    """Make a connection take arrays of ours. Their type is in the statement: `%b::text[]`."""
    adapters.register_dumper(Array, _ArrayDumper)


class _ArrayDumper(Dumper):
    format = Format.BINARY
    oid = 0

    def dump(self, obj: Array) -> bytes:
        return obj.encoded


def _bytes(value: bytes | str | None) -> bytes:
    if value is None:
        return _NULL
    encoded = value.encode() if isinstance(value, str) else bytes(value)
    return _LENGTH(len(encoded)) + encoded


def _bigint(value: int | None) -> bytes:
    return _NULL if value is None else _BIGINT(8, value)


def _integer(value: int | None) -> bytes:
    return _NULL if value is None else _INTEGER(4, value)


def _double(value: float | None) -> bytes:
    return _NULL if value is None else _DOUBLE(8, value)


def _boolean(value: bool | None) -> bytes:
    return _NULL if value is None else _BOOLEANS[bool(value)]


_ENCODERS: Mapping[Kind, Callable[[Any], bytes]] = {
    "text": _bytes,
    "bigint": _bigint,
    "integer": _integer,
    "double precision": _double,
    "boolean": _boolean,
    "bytea": _bytes,
}
