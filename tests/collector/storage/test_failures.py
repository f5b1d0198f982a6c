"""
Why a database refuses, in an operator's words: from real errors of the drivers, and never in theirs.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from collector.errors import StoreUnavailable
from collector.storage.failures import reason_of


def _locked(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as one, closing(sqlite3.connect(path, timeout=0)) as other:
        one.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO t VALUES (1)")


def _read_only(path: Path) -> None:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.execute("INSERT INTO t VALUES (1)")


def _full(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA max_page_count = 2")
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")


def _missing(path: Path) -> None:
    sqlite3.connect(f"file:{path}.no?mode=rw", uri=True).execute("SELECT 1")


def _damaged(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT * FROM t")


@pytest.mark.parametrize(
    ("fail", "words"),
    [(_locked, "locked"), (_read_only, "written to"), (_full, "full"), (_missing, "opened"), (_damaged, "damaged")],
)
def test_sqlite(fail: Callable[[Path], None], words: str, tmp_path: Path):
    """
    Each fault of a file by its name, also where SQLAlchemy has wrapped it.
    """
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(sqlite3.Error) as caught:
        fail(path)

    assert words in reason_of(caught.value)
    assert words in reason_of(DBAPIError("INSERT a secret", {}, caught.value))
    assert "secret" not in reason_of(DBAPIError("INSERT a secret", {}, caught.value))


@pytest.mark.parametrize(
    ("exc", "words"),
    [
        (psycopg.errors.DiskFull("secret"), "disk is full"),
        (psycopg.errors.ReadOnlySqlTransaction("secret"), "standby"),
        (psycopg.errors.TooManyConnections("secret"), "no connection left"),
        (psycopg.errors.CannotConnectNow("secret"), "starting up"),
        (psycopg.OperationalError("secret"), "does not answer"),
        (psycopg.errors.OutOfMemory("secret"), "out of memory"),
        (psycopg.errors.DivisionByZero("secret"), "22012"),
        (ValueError("secret"), "ValueError"),
    ],
)
def test_postgresql_and_the_rest(exc: Exception, words: str):
    """
    By PostgreSQL's code; of an unknown error its code or type is told.
    """
    assert words in reason_of(exc)
    assert "secret" not in reason_of(exc)


def test_an_error_of_ours_speaks_for_itself():
    """
    Its words are meant for people.
    """
    assert "put it back" == reason_of(StoreUnavailable("put it back"))
