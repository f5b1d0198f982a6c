"""
Rows as readers get them: JSON decoded, truth values true or false, internal columns left out.

Flow: reads -> **rows** -> query, api, cli.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Table

from collector.storage import tables
from collector.storage.payloads import whole_payload
from collector.storage.protocols import Row as PlainRow

_decode = msgspec.json.Decoder().decode

AnyRow = Row[*tuple[Any, ...]]

_JSON = frozenset({"tool_names", "schema_issues", "reduced", "payload", "tags", "attributes"})
# Ours, behind the promised columns. `updated_ms` is not among them: the live view goes on from it.
_INTERNAL = {
    tables.events: frozenset({"fraction", "dialect", "resource_id"}),
    tables.calls: frozenset({"order_ms", "resource_id", "exported_status", "settled_ms"}),
    tables.exports: frozenset({"encoded", "encoded_bytes", "resource_id"}),
}
# Under the column's own name: readers look for that.
_WHOLE: Mapping[Any, ColumnElement[Any]] = {tables.events.c.payload: whole_payload.label("payload")}


def read_json(text: str) -> Any:
    """JSON that we stored. Python's own reader takes three times as long; it is asked for what only it knows, like `1e999`."""
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return json.loads(text)


def shown(table: Table) -> list[ColumnElement[Any]]:
    """The columns of a table that readers get, events as they were sent."""
    hidden = _INTERNAL.get(table, frozenset())
    return [_WHOLE.get(column, column) for column in table.c if column.name not in hidden]


def plain(row: AnyRow, *, leave: Iterable[str] = ()) -> PlainRow:
    """A row as a dictionary."""
    values = dict(row._mapping)  # pyright: ignore[reportPrivateUsage]
    for name in leave:
        values.pop(name, None)
    for name in _JSON & values.keys():
        if values[name] is not None:
            values[name] = read_json(values[name])
    return values
