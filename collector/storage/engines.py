"""
Opens a store by its URL.

Flow: app, cli -> **open_store** -> an engine of ENGINES -> SqlStore. The schema must fit already: `schema.prepare` sees to that.
A new engine is one file and one row here; `tests/collector/storage` then says whether it works.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from collector.clock import Clock, SystemClock
from collector.errors import WrongSettings
from collector.events import Batch, Receipt
from collector.storage.call_reads import CallReads
from collector.storage.caretaking import Caretaking
from collector.storage.claiming import CallWork
from collector.storage.database import Database
from collector.storage.detail_reads import DetailReads
from collector.storage.engine import Engine
from collector.storage.event_reads import EventReads
from collector.storage.expiring import Expiring
from collector.storage.exporting import ExportWork
from collector.storage.forgetting import Forgetting
from collector.storage.keys import Keys
from collector.storage.leaving import Leaving
from collector.storage.membership import Alone, Membership, new_owner
from collector.storage.page_sessions import PageSessions
from collector.storage.protocols import Store
from collector.storage.resending import Resending
from collector.storage.sql_reads import SqlReads
from collector.storage.sqlite import SqliteEngine
from collector.storage.stats_reads import StatsReads
from collector.storage.writer import GroupWriter


def _postgresql(url: str, *, read_only: bool = False, sql_role: str | None = None) -> Engine:
    # psycopg takes 10 MB, which a collector on SQLite never needs.
    from collector.storage.postgresql import PostgresqlEngine

    return PostgresqlEngine(url, read_only=read_only, sql_role=sql_role)


ENGINES: Mapping[str, Callable[..., Engine]] = {
    "sqlite": SqliteEngine,
    "postgresql": _postgresql,
    "postgresql+psycopg": _postgresql,
}


class SqlStore(
    CallWork,
    ExportWork,
    Resending,
    EventReads,
    CallReads,
    DetailReads,
    StatsReads,
    SqlReads,
    Keys,
    PageSessions,
    Expiring,
    Leaving,
    Forgetting,
    Caretaking,
):
    """A store on an engine: the sum of its parts, and the way in."""

    def append(self, batch: Batch) -> Future[Receipt]:
        """See `EventWriter.append`."""
        return self._database.writer.append(batch)

    def last_commit_age_s(self) -> float:
        """See `EventWriter.last_commit_age_s`."""
        return self._database.writer.last_commit_age_s()

    def failing_because(self) -> str | None:
        """See `EventWriter.failing_because`."""
        return self._database.writer.failing_because()

    def queued_events(self) -> int:
        """See `EventWriter.queued_events`."""
        return self._database.writer.queued_events()

    def is_pressed(self) -> bool:
        """See `WorkQueue.is_pressed`."""
        return self._database.writer.is_pressed()

    def close(self) -> None:
        """See `Store.close`."""
        self._database.close()


def check_url(url: str) -> str:
    """The URL's key in ENGINES. Raises WrongSettings for one that no engine of ours can read."""
    scheme = url.partition(":")[0]
    if scheme not in ENGINES:
        raise WrongSettings(f"HOOKLINE_DATABASE_URL: it begins with {scheme[:40]!r}, known are {', '.join(ENGINES)}")
    try:
        make_url(url)
    except (ArgumentError, ValueError):
        # The error would quote the URL, and with it perhaps a password.
        form = "sqlite:////folder/file.db" if scheme == "sqlite" else "postgresql+psycopg://user:password@host:5432/database"
        raise WrongSettings(f"HOOKLINE_DATABASE_URL: it can't be read; the form is {form}") from None
    return scheme


def open_store(
    url: str,
    *,
    settle_ms: int,
    queue_max_events: int = 50_000,
    read_only: bool = False,
    sql_role: str | None = None,
    partition_days: int = 7,
    clock: Clock | None = None,
) -> Store:
    """The store at a URL; users' SQL runs under `sql_role` on PostgreSQL. Raises WrongSettings, StoreLocked, StoreUnavailable."""
    engine: Engine = ENGINES[check_url(url)](url, read_only=read_only, sql_role=sql_role)
    writer = None
    if not read_only:
        writer = GroupWriter(engine, clock or SystemClock(), settle_ms=settle_ms, queue_max_events=queue_max_events)
    return SqlStore(Database(engine, writer), settle_ms=settle_ms, partition_days=partition_days)


def open_membership(url: str, *, roles: Sequence[str] = ()) -> Membership:
    """This process among those of the database at a URL, not joined yet. Raises WrongSettings."""
    if check_url(url) == "sqlite":
        return Alone()
    from collector.storage.postgresql_presence import Presence

    return Presence(url, owner=new_owner(), roles=roles)
