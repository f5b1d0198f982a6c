"""
The names that users' SQL may read, with their columns.

Flow: tables, views -> **sql_names** -> sql_sqlite, sql_postgresql, and the list that a page shows.
What is not here does not exist for users: keys, leases, the schema's revision.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, LargeBinary, MetaData, Table, Text

from collector.storage import tables
from collector.storage.sql_types import SqlColumn, SqlTable
from collector.storage.views import trace_health

_metadata = MetaData()
_chunks = Table(
    "chunks",
    _metadata,
    Column("project", Text),
    Column("request_id", Text),
    Column("n", BigInteger),
    Column("at_ms", Double),
    Column("gap_ms", Double),
    Column("kind", Text),
    Column("delta", Text),
    Column("message_id", Text),
    Column("tool_call_id", Text),
)
_messages = Table(
    "messages",
    _metadata,
    Column("project", Text),
    Column("request_id", Text),
    Column("n", BigInteger),
    Column("role", Text),
    Column("message", Text),
    Column("timestamp", BigInteger),
    Column("event_id", Text),
)

STORED: Final[tuple[Table, ...]] = (
    tables.events,
    tables.calls,
    tables.spans,
    tables.tool_calls,
    tables.token_usage,
    tables.resources,
    tables.blobs,
    tables.hook_states,
    tables.call_health,
    tables.exports,
)
"""Tables in the database. The views are made of them."""
VIEWS: Final[tuple[Table, ...]] = (_chunks, _messages, trace_health)

_JSON = frozenset(
    {"tool_names", "schema_issues", "reduced", "payload", "tags", "attributes", "state", "arguments", "result", "message"}
)
# What `trace_health` is made of; it can be read, but the view says more.
_UNNAMED = frozenset({"call_health"})
_TYPES: Mapping[type[object], str] = {
    Boolean: "boolean",
    Integer: "integer",
    BigInteger: "integer",
    Double: "number",
    Text: "text",
}


def columns_of(table: Table) -> tuple[str, ...]:
    """The columns that may be read: not the bytes of media and of spans on their way out, which have routes of their own."""
    return tuple(column.name for column in table.c if not isinstance(column.type, LargeBinary))


def described() -> tuple[SqlTable, ...]:
    """Every name with its columns."""
    named = [table for table in (*STORED, *VIEWS) if table.name not in _UNNAMED]
    return tuple(SqlTable(name=table.name, columns=tuple(_column(table, name) for name in columns_of(table))) for table in named)


def _column(table: Table, name: str) -> SqlColumn:
    kind = "json" if name in _JSON and table.name != "exports" else _type_of(table.c[name])
    return SqlColumn(name=name, type=kind)


def _type_of(column: Column[object]) -> str:
    return next((word for kind, word in _TYPES.items() if isinstance(column.type, kind)), "text")
