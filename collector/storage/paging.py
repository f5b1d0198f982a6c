"""
Filters and cursors of lists: values in, conditions out.

Flow: reads -> **paging** -> WHERE and ORDER BY. A cursor holds the place after which the next page starts (keyset), so a page
costs the same however deep it lies, and rows that come in meanwhile shift nothing.
"""

import base64
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, not_, or_

from collector.errors import BadRequest
from collector.storage.rows import AnyRow

MAX_LIMIT = 1_000


def matches(column: ColumnElement[Any], values: Sequence[str]) -> list[ColumnElement[bool]]:
    """One of the plain values, none of those with a leading `!`. A row without a value is not one of the excluded."""
    wanted = [value for value in values if not value.startswith("!")]
    excluded = [value[1:] for value in values if value.startswith("!")]
    conditions: list[ColumnElement[bool]] = []
    if wanted:
        conditions.append(column.in_(wanted))
    if excluded:
        conditions.append(or_(column.is_(None), column.not_in(excluded)))
    return conditions


def matches_any(exists: Any, column: ColumnElement[Any], values: Sequence[str]) -> list[ColumnElement[bool]]:
    """As `matches`, of rows elsewhere: `exists` makes the condition that such a row is there."""
    wanted = [value for value in values if not value.startswith("!")]
    excluded = [value[1:] for value in values if value.startswith("!")]
    conditions: list[ColumnElement[bool]] = []
    if wanted:
        conditions.append(exists(column.in_(wanted)))
    if excluded:
        conditions.append(not_(exists(column.in_(excluded))))
    return conditions


def page_size(limit: int) -> int:
    """The limit, if it is one. Raises BadRequest."""
    if not 1 <= limit <= MAX_LIMIT:
        raise BadRequest(f"limit is {limit}: it goes from 1 to {MAX_LIMIT}")
    return limit


def after(columns: Sequence[ColumnElement[Any]], place: Sequence[Any], *, descending: bool) -> ColumnElement[bool]:
    """Rows that come after a place in the order of some columns."""
    first, *rest = columns
    value, *others = place
    beyond = first < value if descending else first > value
    if not rest:
        return beyond
    # The outer bound on the first column is what an index can use.
    bound = first <= value if descending else first >= value
    return and_(bound, or_(beyond, after(rest, others, descending=descending)))


def encode_cursor(order: str, row: AnyRow, names: Sequence[str]) -> str:
    """The place of a row in an order, opaque."""
    return encode_place(order, [getattr(row, name) for name in names])


def encode_place(order: str, values: Sequence[Any]) -> str:
    """As `encode_cursor`, from the values."""
    place = [order, *values]
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, order: str, kinds: Sequence[type]) -> list[Any]:
    """The place that a cursor names; `kinds` are its values' types. Raises BadRequest for one that isn't ours."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        name, *place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        is_ours = name == order and len(place) == len(kinds) and all(map(_is_a, place, kinds))
    except (ValueError, TypeError):
        is_ours, place = False, []
    if not is_ours:
        raise BadRequest("the cursor is not one of this list: start again without it, or pass next_cursor unchanged")
    return place


def _is_a(value: object, kind: type) -> bool:
    if isinstance(value, bool):
        return False
    if kind is int:
        return isinstance(value, int) and abs(value) < 2**63
    if isinstance(value, str) and any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value):
        # PostgreSQL stores neither NUL nor lone surrogates and can't be asked for them.
        return False
    return isinstance(value, (int, float) if kind is float else kind)
