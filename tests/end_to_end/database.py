"""
The database as a user's own tools see it: the drivers alone, none of our code.
"""

import sqlite3
from contextlib import closing
from typing import Any, LiteralString, cast

import psycopg
from psycopg.rows import dict_row


def query(store_url: str, sql: str) -> list[dict[str, Any]]:
    """The rows of a statement without parameters, each as a dictionary."""
    if store_url.startswith("sqlite"):
        path = store_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql)]
    with psycopg.connect(store_url.replace("+psycopg", "")) as connection:
        return connection.cursor(row_factory=dict_row).execute(cast(LiteralString, sql)).fetchall()


def count(store_url: str, sql: str) -> int:
    """The one number that a `SELECT count(*) …` gives."""
    return int(next(iter(query(store_url, sql)[0].values())))
