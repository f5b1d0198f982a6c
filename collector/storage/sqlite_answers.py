"""
A whole answer of SQLite in one step.

Flow: loading -> **fetch** -> sqlite3.
The driver lets go of the interpreter's lock for every row that it fetches and must win it back against the thread that reads
requests; so the rows are put together as JSON inside SQLite, and taken apart again in one go.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from collector.storage.rows import read_json
from collector.storage.sqlite_inserts import cursor_of


def fetch(connection: Connection, statement: str, parameters: Sequence[Any]) -> list[list[Any]]:
    """The rows of a statement whose one value is a list of JSON arrays, without its brackets."""
    (told,) = cursor_of(connection).execute(statement, parameters).fetchone()
    return read_json(f"[{told}]") if told else []


def as_list(values: Iterable[Any]) -> str:
    """A parameter for `json_each`."""
    return json.dumps(list(values), ensure_ascii=False)
