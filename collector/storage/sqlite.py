"""
The SQLite engine: one file, one process, every acknowledged commit synced to disk.

Flow: writer -> **SqliteEngine** -> sqlite3. What is particular here: the raw insert of events and the file lock.
"""

import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy import Engine as Connections
from sqlalchemy.exc import DBAPIError

from collector.errors import StoreUnavailable
from collector.events import EventRow
from collector.storage import sqlite_files, upkeep
from collector.storage.engine import Verdict
from collector.storage.sql_sqlite import SqliteSql
from collector.storage.sqlite_inserts import ManyRows, cursor_of

# Only the identity may be passed over: OR IGNORE would also swallow a NULL where none may be.
_EVENTS = ManyRows(
    f"INSERT INTO events ({', '.join(EventRow._fields)})",
    len(EventRow._fields),
    "ON CONFLICT (project, timestamp, event_id) DO NOTHING",
)


class SqliteEngine:
    """One SQLite file. Owns its lock from construction to `close`, unless it only reads."""

    name = "sqlite"
    is_shared = False
    writers_at_once = 1

    def __init__(self, url: str, *, read_only: bool = False, sql_role: str | None = None) -> None:
        path = sqlite_files.path_of(url)
        if not path.exists():
            raise StoreUnavailable(f"there is no database at {path}: `hookline serve` makes it")
        sqlite_files.check_access(path, writes=not read_only)
        self._path = path
        self._lock = None if read_only else sqlite_files.FileLock(path)
        self._writers = None if read_only else sqlite_files.writer_engine(path)
        self._readers = sqlite_files.reader_engine(path)
        self._sql = SqliteSql(path)
        self._presence = sqlite_files.Presence(path)
        if self._writers is not None:
            _end_leases(self._writers)

    @property
    def readers(self) -> Connections:
        return self._readers

    @property
    def beside(self) -> None:
        return None

    @property
    def sql(self) -> SqliteSql:
        return self._sql

    def connect_writer(self) -> Connection:
        if self._writers is None:
            raise StoreUnavailable("this store was opened for reading only")
        self._presence.opened_anew()
        self._presence.check()
        return self._writers.connect()

    def begin_ingest(self, connection: Connection) -> None:
        # Nothing is to be told to readers: one writer, so arrivals commit in their order.
        self._presence.check()

    def start_over(self, connection: Connection) -> None:
        cursor = cursor_of(connection)
        cursor.execute("ROLLBACK")
        cursor.execute("BEGIN IMMEDIATE")

    def insert_events(self, connection: Connection, rows: Sequence[EventRow]) -> int:
        return _EVENTS.insert(cursor_of(connection), rows)

    def insert_events_telling(self, connection: Connection, rows: Sequence[EventRow]) -> list[str | None]:
        cursor = cursor_of(connection)
        (last,) = cursor.execute("SELECT coalesce(max(arrival), 0) FROM events").fetchone()
        _EVENTS.insert(cursor, rows)
        # Ours is the only writer: what lies above the mark came from these rows.
        return [row[0] for row in cursor.execute("SELECT request_id FROM events WHERE arrival > ?", (last,))]

    def write_something(self, connection: Connection) -> None:
        self._presence.check()
        # Nobody reads this number; writing it writes a page.
        cursor = cursor_of(connection)
        (number,) = cursor.execute("PRAGMA user_version").fetchone()
        cursor.execute(f"PRAGMA user_version = {int(number)}")

    def last_safe_arrival(self, connection: Connection) -> int | None:
        return None

    def rough_counts(self, connection: Connection) -> Mapping[str, int]:
        cursor = cursor_of(connection)
        cursor.execute(
            "SELECT coalesce((SELECT max(arrival) FROM events) - (SELECT min(arrival) FROM events) + 1, 0),"
            " (SELECT count(*) FROM calls), (SELECT count(*) FROM spans)"
        )
        return dict(zip(("events", "calls", "spans"), cursor.fetchone(), strict=True))

    def vacuum(self, connection: Connection) -> tuple[int, int]:
        return upkeep.sqlite_vacuum(connection, self._path)

    def make_partitions(self, *, now_ms: int, days: int) -> Sequence[str]:
        return []

    def drop_empty_partitions(self, before_ms: int) -> Sequence[str]:
        return []

    def verdict(self, exc: Exception) -> Verdict:
        cause = exc.orig if isinstance(exc, DBAPIError) else exc
        # Locked, full, read-only and I/O errors are OperationalError; values that don't fit are not.
        return "away" if isinstance(cause, sqlite3.OperationalError) else "refused"

    def close(self) -> None:
        self._readers.dispose()
        if self._writers is not None:
            self._writers.dispose()
        if self._lock is not None:
            self._lock.release()


@contextmanager
def enter_schema(url: str, *, may_create: bool) -> Generator[Connection | None]:
    """A connection for the schema. With `may_create` it owns the file and is in a transaction; else None for no database."""
    path = sqlite_files.path_of(url)
    if not may_create:
        if not path.exists() or path.stat().st_size == 0:
            yield None
            return
        sqlite_files.check_access(path, writes=False)
        with sqlite_files.reader_engine(path).connect() as connection:
            yield connection
        return
    sqlite_files.make_file(path)
    sqlite_files.check_access(path, writes=True)
    lock = sqlite_files.FileLock(path)
    try:
        with sqlite_files.writer_engine(path).begin() as connection:
            yield connection
    finally:
        lock.release()


def back_up(url: str, *, label: str) -> Path:
    """A copy of the database beside it."""
    return sqlite_files.back_up(sqlite_files.path_of(url), label)


def _end_leases(writers: Connections) -> None:
    """Whoever held a claim is dead: the file's lock is ours. So a restart goes on at once instead of waiting for leases."""
    with writers.begin() as connection:
        cursor = cursor_of(connection)
        cursor.execute("UPDATE call_work SET lease_owner = NULL, lease_until_ms = NULL WHERE lease_until_ms IS NOT NULL")
        cursor.execute("UPDATE exports SET next_at = queued_ms WHERE state = 'pending' AND next_at > queued_ms")
