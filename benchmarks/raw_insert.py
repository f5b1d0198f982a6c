"""
What the bare drivers do with the same rows: the limit that the collector's rate is read against, in the same run.

Rows as validation makes them of the same traffic (34 columns, the payload about 640 bytes), inserted idempotently under the same
unique key and one index more, 1,000 rows a commit, each commit synced.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.traffic import bodies
from collector.events import EventRow
from collector.validation import read_batch

ROWS_A_COMMIT = 1_000
_NAMES = ", ".join(EventRow._fields)
_WHOLE = {"timestamp", "received_at", "message_count", "has_tools", "streaming", "sequence"}
_DOUBLE = {"fraction", "duration_ms"}


def raw_sqlite(folder: Path, rows: int) -> float:
    """Rows a second: `executemany`, WAL, synchronous=FULL."""
    connection = sqlite3.connect(folder / f"raw-{time.time_ns()}.db", isolation_level=None)
    connection.executescript("PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-64000;")
    connection.execute("PRAGMA wal_autocheckpoint=4000")
    connection.execute(f"CREATE TABLE raw (id INTEGER PRIMARY KEY, {_columns()}, UNIQUE (project, timestamp, event_id))")
    connection.execute("CREATE INDEX raw_by_call ON raw (request_id, project)")
    insert = f"INSERT INTO raw ({_NAMES}) VALUES ({', '.join('?' * len(EventRow._fields))}) ON CONFLICT DO NOTHING"

    def commit(group: Sequence[EventRow]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(insert, group)
        connection.execute("COMMIT")

    try:
        return _rate(commit, rows)
    finally:
        connection.close()


def raw_postgresql(url: str, rows: int) -> float:
    """Rows a second: COPY to a temporary table, then INSERT … ON CONFLICT DO NOTHING; the server's own fsync."""
    connection: Any
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(f"CREATE TABLE IF NOT EXISTS raw (id BIGSERIAL, {_columns()}, UNIQUE (project, timestamp, event_id))")
        connection.execute("CREATE INDEX IF NOT EXISTS raw_by_call ON raw (request_id, project)")
        connection.execute(f"CREATE TEMPORARY TABLE copied ({_columns()}) ON COMMIT DELETE ROWS")
        connection.commit()

        def commit(group: Sequence[EventRow]) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                with cursor.copy(f"COPY copied ({_NAMES}) FROM STDIN") as copy:
                    for row in group:
                        copy.write_row(_plain(row))
                cursor.execute(f"INSERT INTO raw ({_NAMES}) SELECT {_NAMES} FROM copied ON CONFLICT DO NOTHING")

        return _rate(commit, rows)


def _columns() -> str:
    return ", ".join(f"{name} {_type(name)}" for name in EventRow._fields)


def _type(name: str) -> str:
    return "BIGINT" if name in _WHOLE else "DOUBLE PRECISION" if name in _DOUBLE else "TEXT"


def _plain(row: EventRow) -> list[Any]:
    return [int(value) if isinstance(value, bool) else value for value in row]


def _rate(commit: Callable[[Sequence[EventRow]], None], rows: int) -> float:
    groups = list(_groups(rows))
    commit(groups[0])
    began = time.perf_counter()
    for group in groups[1:]:
        commit(group)
    return sum(map(len, groups[1:])) / (time.perf_counter() - began)


def _groups(rows: int) -> Iterator[Sequence[EventRow]]:
    for body in bodies(rows + ROWS_A_COMMIT, ROWS_A_COMMIT):
        yield read_batch(body, media="json", project="default", received_ms=time.time_ns() // 1_000_000).batch.events
