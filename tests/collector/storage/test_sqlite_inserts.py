"""
Many rows by one statement: every row, once, in its order, whatever their number.
"""

import sqlite3
from collections.abc import Iterator

import pytest

from collector.storage.sqlite_inserts import BLOCKS, ManyRows

ROWS = ManyRows("INSERT INTO t (a, b)", 2, "ON CONFLICT (a) DO NOTHING")
SUMS = ManyRows("INSERT INTO t (a, b)", 2, "ON CONFLICT (a) DO UPDATE SET b = b + excluded.b + ?", (100,))


@pytest.fixture
def cursor() -> Iterator[sqlite3.Cursor]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY AUTOINCREMENT, a INTEGER UNIQUE, b TEXT NOT NULL)")
    yield connection.cursor()
    connection.close()


@pytest.mark.parametrize("number", [0, 1, 2, 3, 7, 100, 511, 512, 513, 1_535])
def test_every_row_is_inserted_in_its_order(cursor: sqlite3.Cursor, number: int):
    """
    Numbers around the sizes of the blocks.
    """
    given = [(key, str(key)) for key in reversed(range(number))]

    assert number == ROWS.insert(cursor, given)
    assert given == cursor.execute("SELECT a, b FROM t ORDER BY n").fetchall()


def test_rows_that_exist_are_not_counted(cursor: sqlite3.Cursor):
    """
    Those of an earlier statement, of the same one, and of another block of the same call.
    """
    assert 3 == ROWS.insert(cursor, [(1, "a"), (2, "a"), (1, "b"), (3, "a")])
    assert 597 == ROWS.insert(cursor, [(key % 600, "c") for key in range(1_000)])


@pytest.mark.parametrize("number", range(1, 300))
def test_rest_is_filled_only_behind_the_last_row(cursor: sqlite3.Cursor, number: int):
    """
    Where rows may come twice, a rest takes four statements at most, and each row is there once.
    """
    statements: list[str] = []
    cursor.connection.set_trace_callback(statements.append)
    given = [(key, str(key)) for key in range(number)]

    assert number == ROWS.insert(cursor, given)
    assert len(statements) <= number // BLOCKS[0] + 4
    assert given == cursor.execute("SELECT a, b FROM t ORDER BY n").fetchall()


def test_rows_that_add_up_are_filled_with_what_changes_nothing(cursor: sqlite3.Cursor):
    """
    And without a filler not at all: each row counts.
    """
    add = ManyRows("INSERT INTO t (a, b)", 2, "ON CONFLICT (a) DO UPDATE SET b = b + excluded.b")
    add.insert(cursor, [(key, 1) for key in range(31)])
    add.insert(cursor, [(key, 1) for key in range(31)], (30, 0))

    assert {("2",)} == set(cursor.execute("SELECT b FROM t").fetchall())


def test_constants_stand_behind_the_rows(cursor: sqlite3.Cursor):
    """
    In every block.
    """
    SUMS.insert(cursor, [(1, 1), (1, 1), (1, 1)])

    assert [("203",)] == cursor.execute("SELECT b FROM t").fetchall()


def test_row_that_does_not_fit_fails_the_call(cursor: sqlite3.Cursor):
    """
    NOT NULL is not passed over as an existing key is.
    """
    with pytest.raises(sqlite3.IntegrityError):
        ROWS.insert(cursor, [(1, "a"), (2, None)])


def test_widest_row_fits_the_largest_block():
    """
    SQLite takes 32,766 parameters a statement unless it was built for more.
    """
    from collector.storage.tables import metadata

    assert max(len(table.c) for table in metadata.sorted_tables) * BLOCKS[0] < 32_766
