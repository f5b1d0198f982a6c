"""
What differs between engines, as one small protocol.

Flow: writer, work, readers -> **Engine** -> sqlite.py | postgresql.py. Everything else is shared Core code.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from sqlalchemy import Connection
from sqlalchemy import Engine as Connections

from collector.events import EventRow
from collector.storage.sql_types import SqlAnswer, SqlQuery

Verdict = Literal["away", "again", "refused"]
"""Of a driver's error. away: try again later. again: a deadlock, try again now. refused: this very data or statement."""


class SqlRunner(Protocol):
    """An engine's way to run the SQL of users."""

    def run(self, query: SqlQuery) -> SqlAnswer:
        """See `SqlReader.run_sql`."""
        ...

    def close(self) -> None: ...


class Engine(Protocol):
    """One database behind its driver."""

    name: str
    is_shared: bool
    """Whether other collectors may work on the same database: then who has which work must stand in it."""
    writers_at_once: int
    """How many connections of one collector may write at the same time."""

    @property
    def readers(self) -> Connections:
        """A pool whose connections cannot write."""
        ...

    @property
    def beside(self) -> Connections | None:
        """Connections that write beside the writer, for what must not share its transactions; None where it is alone."""
        ...

    @property
    def sql(self) -> SqlRunner:
        """For users' own statements."""
        ...

    def connect_writer(self) -> Connection:
        """A connection that may write; one of the writer's threads keeps it."""
        ...

    def begin_ingest(self, connection: Connection) -> None:
        """Called once in a transaction before its first event, so that readers can tell which arrivals are still open."""
        ...

    def start_over(self, connection: Connection) -> None:
        """Undo all that the open transaction did, and go on in a new one."""
        ...

    def insert_events(self, connection: Connection, rows: Sequence[EventRow]) -> int:
        """Insert in this order; how many were new."""
        ...

    def insert_events_telling(self, connection: Connection, rows: Sequence[EventRow]) -> list[str | None]:
        """Insert in this order; the request_id of each row that was new. Slower."""
        ...

    def write_something(self, connection: Connection) -> None:
        """A small write that leaves everything as it was: its commit reaches the disk."""
        ...

    def last_safe_arrival(self, connection: Connection) -> int | None:
        """No event up to this arrival can still appear; None for no bound."""
        ...

    def rough_counts(self, connection: Connection) -> Mapping[str, int]:
        """Rows of the big tables, cheaply: exact while they are small."""
        ...

    def vacuum(self, connection: Connection) -> tuple[int, int]:
        """See `Keeper.vacuum`. Outside of a transaction."""
        ...

    def make_partitions(self, *, now_ms: int, days: int) -> Sequence[str]:
        """Make room for events ahead of time, `days` a partition; the new ones' names. Nothing where the engine has none."""
        ...

    def drop_empty_partitions(self, before_ms: int) -> Sequence[str]:
        """Drop older partitions in which nothing is left; their names."""
        ...

    def verdict(self, exc: Exception) -> Verdict: ...

    def close(self) -> None: ...
