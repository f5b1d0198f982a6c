"""
Many rows by one statement of SQLite.

Flow: SqliteEngine, upserts -> **ManyRows** -> sqlite3.
The driver lets go of the interpreter's lock at each step of a statement and must win it back afterwards, against the thread
that reads the next requests. An `executemany` is a step a row; `VALUES (…), (…), …` is one for a hundred rows, and all that
time the other thread runs beside it.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import Insert, dialect

Row = Sequence[Any]

BLOCKS = (128, 64, 32, 16, 8, 4, 2, 1)
"""
Rows a statement. Few different ones, so that each is prepared once. Larger ones are no faster, and a prepared statement of 512
wide rows takes a megabyte.
"""
_FILLED_SHARE = 8
"""
A last block that is not quite full is filled, with at most an eighth of the rows once more: to look these up costs less than the
statements for a rest of 64 + 16 + 4 + 2 + 1.
"""


class ManyRows:
    """
    One INSERT, for any number of rows. `constants` are the parameters behind the rows.

    Where a row that exists stays as it is, the last one may come several times. Elsewhere `insert` takes a `filler`.
    """

    def __init__(self, head: str, width: int, tail: str, constants: Row = ()) -> None:
        row = f"({', '.join('?' * width)})"
        self._statements = {size: f"{head} VALUES {', '.join([row] * size)} {tail}" for size in BLOCKS}
        self._constants = constants
        self._may_repeat = tail.endswith("DO NOTHING")

    def insert(self, cursor: sqlite3.Cursor, rows: Sequence[Row], filler: Row | None = None) -> int:
        """Insert in this order; how many rows were new or changed. A `filler` changes nothing after the last row."""
        changed = 0
        if filler is None and rows and self._may_repeat:
            filler = rows[-1]
        for block in _blocks(rows, filler):
            changed += cursor.execute(self._statements[len(block)], (*chain.from_iterable(block), *self._constants)).rowcount
        return changed


def insert_rows(
    connection: Connection, statement: Insert, names: tuple[str, ...], rows: Sequence[Row], filler: Row | None = None
) -> None:
    """Run an INSERT of Core with rows of these columns."""
    many, values_of = _compiled(statement, names)
    if values_of is not None:
        rows, filler = [values_of(row) for row in rows], None if filler is None else values_of(filler)
    many.insert(cursor_of(connection), rows, filler)


def cursor_of(connection: Connection) -> sqlite3.Cursor:
    """A cursor of the driver, past SQLAlchemy: its part of a small statement costs more than SQLite's."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver.cursor()


def _blocks(rows: Sequence[Row], filler: Row | None) -> Iterator[Sequence[Row]]:
    start, left = 0, len(rows)
    most_filled = 0 if filler is None else left // _FILLED_SHARE
    for size in BLOCKS:
        while left >= size:
            yield rows[start : start + size]
            start, left = start + size, left - size
        if filler is not None and 0 < left and (size + 1) // 2 < left and size - left <= most_filled:
            yield (*rows[start:], *[filler] * (size - left))
            return


@cache
def _compiled(statement: Insert, names: tuple[str, ...]) -> tuple[ManyRows, Callable[[Row], Row] | None]:
    """The statement for any number of rows, and what puts a row into its order; None where it is in order."""
    compiled = statement.compile(dialect=dialect(paramstyle="qmark"), column_keys=list(names))
    order: Sequence[str] = compiled.positiontup or ()
    head, values, tail = compiled.string.partition(f" VALUES ({', '.join('?' * len(names))})")
    assert values, compiled.string
    own = tuple(order[: len(names)])
    assert set(own) == set(names), compiled.string
    constants = [compiled.params[name] for name in order[len(names) :]]
    in_order = None if own == names else itemgetter(*(names.index(name) for name in own))
    return ManyRows(head, len(names), tail, constants), in_order
