"""
Give space back, and leave nothing of removed rows.

Flow: engines -> **upkeep** -> the database's files.
"""

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, text

from collector.errors import StoreUnavailable

CHECKPOINT_LIMIT_S = 5.0
_BETWEEN_S = 0.05


def sqlite_vacuum(connection: Connection, path: Path) -> tuple[int, int]:
    """Write the file anew, and empty the log. Outside of a transaction; bytes before and after."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    before = _size_of(path)
    driver.execute("VACUUM")
    empty_log(driver)
    return before, _size_of(path)


def empty_log(driver: sqlite3.Connection, *, limit_s: float = CHECKPOINT_LIMIT_S) -> None:
    """
    Everything into the file, and the log cut to nothing. Raises StoreUnavailable while a reader needs the log.

    What was removed may still stand in the log: only an empty one is known to hold nothing.
    """
    ends_s = time.monotonic() + limit_s
    while True:
        (is_busy, *_) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not is_busy:
            return
        if time.monotonic() > ends_s:
            raise StoreUnavailable("a reader keeps the database's log from being emptied: run `hookline db vacuum` in a moment")
        time.sleep(_BETWEEN_S)


def _size_of(path: Path) -> int:
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def postgresql_vacuum(connection: Connection, tables: Sequence[str]) -> tuple[int, int]:
    """VACUUM, which lets everybody read and write; bytes before and after."""
    size = text("SELECT pg_database_size(current_database())")
    apart = connection.execution_options(isolation_level="AUTOCOMMIT")
    before = int(apart.execute(size).scalar_one())
    apart.execute(text(f"VACUUM (ANALYZE) {', '.join(tables)}"))
    return before, int(apart.execute(size).scalar_one())
