"""
What the parts of a store share: how to read and how to write.

Flow: work, exports, reads, keys -> **Database** -> the reader pool | the writer's queue.
"""

from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from collector.errors import HooklineError, StoreError, StoreUnavailable
from collector.storage.engine import Engine
from collector.storage.writer import GroupWriter

T = TypeVar("T")


class Write(Generic[T]):
    """A transaction that waits for its turn, runs, or is over."""

    def __init__(self, future: Future[T]) -> None:
        self._future = future

    def is_over(self) -> bool:
        """Whether `result` would be there at once."""
        return self._future.done()

    def result(self) -> T:
        """What the job gave, after the commit."""
        try:
            return self._future.result()
        except HooklineError:
            raise
        except Exception as exc:
            raise StoreError(f"the database refused the statement ({type(exc).__name__})") from exc


class Database:
    """An engine and, unless it is only read, its writer."""

    def __init__(self, engine: Engine, writer: GroupWriter | None) -> None:
        self.engine = engine
        self._writer = writer

    @property
    def writer(self) -> GroupWriter:
        """Raises StoreUnavailable for a store that only reads."""
        if self._writer is None:
            raise StoreUnavailable("this store was opened for reading only")
        return self._writer

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A connection that cannot write, in one transaction: one snapshot."""
        try:
            with self.engine.readers.connect() as connection, connection.begin():
                yield connection
        except (DBAPIError, PoolTimeout) as exc:
            raise StoreUnavailable(f"the database could not be read ({type(exc).__name__}): try again") from exc

    def write(self, job: Callable[[Connection], T]) -> T:
        """The job's result, after its transaction is committed."""
        return self.begin(job).result()

    def begin(self, job: Callable[[Connection], T]) -> Write[T]:
        """The same, without waiting for it."""
        return Write(self.writer.begin(job))

    def vacuum(self) -> tuple[int, int]:
        """Bytes before and after; see `Keeper.vacuum`."""
        if self.engine.beside is None:
            return self.writer.run(self.engine.vacuum, is_alone=True)
        try:
            with self.engine.beside.connect() as connection:
                return self.engine.vacuum(connection)
        except DBAPIError as exc:
            raise StoreUnavailable(f"the database could not be vacuumed ({type(exc).__name__}): try again") from exc

    def close(self) -> None:
        """Commit what is queued, then let go of the database."""
        if self._writer is not None:
            self._writer.close()
        self.engine.close()


class StorePart:
    """A side of a store: it holds the database and nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database
