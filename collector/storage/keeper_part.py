"""
How keeping reaches the database, so that nothing waits for it for long.

Flow: expiring, forgetting -> **KeeperPart** -> the writer's queue (SQLite has one writer) | a connection apart (PostgreSQL).
On PostgreSQL a step must not share a transaction with settled calls: it takes locks in an order of its own.
"""

from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy import Engine as Connections
from sqlalchemy.exc import DBAPIError

from collector.errors import StoreError, StoreUnavailable
from collector.storage.database import StorePart
from collector.storage.touches import Key

T = TypeVar("T")

_ATTEMPTS = 3


class KeeperPart(StorePart):
    """A side of a store that removes things."""

    def _remove(self, job: Callable[[Connection], T]) -> T:
        """The job's result, after its transaction is committed. A deadlock with somebody else is tried again."""
        beside = self._database.engine.beside
        if beside is None:
            return self._database.write(job)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with beside.begin() as connection:
                    return job(connection)
            except DBAPIError as exc:
                verdict = self._database.engine.verdict(exc)
                if verdict == "again" and attempt < _ATTEMPTS:
                    continue
                kind = StoreError if verdict == "refused" else StoreUnavailable
                raise kind(f"the database refused to remove ({type(exc).__name__}); nothing of this step was, try again") from exc
        raise AssertionError("the last attempt returns")

    def _apart_from_workers(self, keys: Iterable[Key], *, now_ms: int) -> AbstractContextManager[set[Key]]:
        """In a whole store `CallWork` has it: only that knows what workers have in hand."""
        raise NotImplementedError

    def _looking(self) -> AbstractContextManager[Connection]:
        """As `reading`, for looks at all rows, which may take long."""
        beside = self._database.engine.beside
        return self._database.reading() if beside is None else _read_only(beside)


@contextmanager
def _read_only(connections: Connections) -> Generator[Connection]:
    try:
        with connections.connect() as connection:
            # Each statement sees what was committed before it, as removing wants it; nothing of this is written.
            connection.exec_driver_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
            connection.commit()
            yield connection
    except DBAPIError as exc:
        raise StoreUnavailable(f"the database could not be read ({type(exc).__name__}): try again") from exc
