"""
Why a database refuses, in words for an operator: from the driver's error codes, never from its text, which may quote values.

Flow: writer, database -> **reason_of** -> /readyz, the log, the command line.
"""

import sqlite3
from collections.abc import Mapping
from typing import Final

from sqlalchemy.exc import DBAPIError

from collector.errors import StoreError

_PRIMARY: Final = 0xFF
"""SQLite's extended codes hold the primary one in their low byte."""
_SQLITE: Final[Mapping[int, str]] = {
    sqlite3.SQLITE_BUSY: "another process has locked the database file",
    sqlite3.SQLITE_LOCKED: "another process has locked the database file",
    sqlite3.SQLITE_READONLY: "the database file can't be written to",
    sqlite3.SQLITE_IOERR: "the disk reports an error or is full",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged",
    sqlite3.SQLITE_NOTADB: "the database file is damaged",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_CANTOPEN: "the database file can't be opened",
}
_POSTGRESQL: Final[Mapping[str, str]] = {
    "53100": "PostgreSQL's disk is full",
    "53200": "PostgreSQL is out of memory",
    "53300": "PostgreSQL has no connection left",
    "25006": "PostgreSQL takes no writes: it is a standby or set read-only",
    "42501": "PostgreSQL does not allow this user to write",
    "57P01": "PostgreSQL is shutting down",
    "57P02": "PostgreSQL is restarting after a crash",
    "57P03": "PostgreSQL is starting up or shutting down",
    "57014": "PostgreSQL cancelled the statement",
    "55P03": "another session holds a lock",
    "42P01": "a table is missing: run `hookline db upgrade`",
    "42703": "a column is missing: run `hookline db upgrade`",
}


def reason_of(exc: BaseException) -> str:
    """One clause. An error of ours speaks for itself."""
    if isinstance(exc, StoreError):
        return str(exc)
    cause = exc.orig if isinstance(exc, DBAPIError) else exc
    if isinstance(cause, sqlite3.Error):
        code: int | None = getattr(cause, "sqlite_errorcode", None)
        return _SQLITE.get((code or 0) & _PRIMARY, f"SQLite reports {type(cause).__name__}")
    state: str | None = getattr(cause, "sqlstate", "")
    if state != "":
        # psycopg's errors: not told by their class, because who has SQLite doesn't load the driver.
        unknown = "PostgreSQL does not answer" if state is None else f"PostgreSQL reports {state}"
        return _POSTGRESQL.get(state or "", unknown)
    return f"the database driver failed with {type(exc).__name__}"
