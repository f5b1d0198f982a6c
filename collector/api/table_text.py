"""
Rows as CSV.

Flow: api.sql -> **here** -> a file, a spreadsheet. As RFC 4180 has it: CRLF, quotes where needed, NULL is an empty field and an
empty text is two quotes.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

_QUOTED_FOR = frozenset(',"\r\n')


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """The header and the rows."""
    lines = (",".join(map(_field, row)) for row in (columns, *rows))
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")


def _field(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value)
    if not text or not _QUOTED_FOR.isdisjoint(text) or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text
