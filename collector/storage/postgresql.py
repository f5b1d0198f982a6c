"""
The PostgreSQL engine: any number of collectors on one database.

Flow: writer -> **PostgresqlEngine** -> psycopg. What is particular here: the bulk insert of events (see `postgresql_events`),
and telling readers which arrivals are still open, since transactions do not commit in the order of their arrivals.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog
from sqlalchemy import Connection, make_url, text
from sqlalchemy import Engine as Connections
from sqlalchemy.exc import DBAPIError

from collector.errors import StoreUnavailable
from collector.events import EventRow
from collector.storage import upkeep
from collector.storage.engine import Verdict
from collector.storage.postgresql_connections import connections_to, driver_of
from collector.storage.postgresql_events import BulkInsert
from collector.storage.postgresql_partitions import drop_empty_partitions, make_partitions
from collector.storage.sql_postgresql import PostgresqlSql
from collector.storage.sql_types import AT_ONCE
from collector.storage.tables import metadata

READ_TIMEOUT_MS = 30_000
# A collector that hangs in a transaction must not hold its locks for ever; one that waits for a lock answers 503 in between.
_NOT_IDLE = "-c idle_in_transaction_session_timeout=60000"
WRITING = f"-c lock_timeout=10000 -c statement_timeout=60000 {_NOT_IDLE}"
_READERS = 8
_FEW_ROWS = 10_000

# Advisory lock keys: the high bits say what for, the low 48 hold an arrival.
_SCHEMA_LOCK = 0x686B_0001 << 32
_ARRIVALS = 0x686B
_LAST_ARRIVAL = "(SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM events_arrival_seq)"

# Before its first arrival is given, a transaction says by a shared lock that all it will get lie above the present last one.
_ANNOUNCE = f"SELECT pg_advisory_xact_lock_shared(({_ARRIVALS}::bigint << 48) | {_LAST_ARRIVAL})".encode()
# In this order: first how far arrivals were given, then who is still at it.
_GIVEN = text(f"SELECT {_LAST_ARRIVAL}")
_OPEN = text(f"""
    SELECT min(((classid::bigint & 65535) << 32) | objid::bigint) FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = {_ARRIVALS}
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")  # noqa: S608
# What nobody counted yet says -1; of a table with partitions these count.
_ROUGH = text("""
    SELECT name, (SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint FROM pg_class WHERE relkind = 'r'
                  AND oid IN (SELECT name::regclass UNION SELECT inhrelid FROM pg_inherits WHERE inhparent = name::regclass))
    FROM unnest(ARRAY['events', 'calls', 'spans']) AS given (name)
""")
# We have no CHECK: it says that the default partition lost this row's range to a new partition while we waited for it.
_RETRY_NOW = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, psycopg.errors.CheckViolation)
# InternalError holds "read-only transaction" and "current transaction is aborted": nothing that other data would mend.
_AWAY = (psycopg.OperationalError, psycopg.InternalError)


_SYNC_AT_COMMIT = text("SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'")
_SYNCS = text("SELECT current_setting('fsync')")

log: Any = structlog.get_logger(__name__)


class PostgresqlEngine:
    """One PostgreSQL database."""

    name = "postgresql"
    is_shared = True
    writers_at_once = 2

    def __init__(self, url: str, *, read_only: bool = False, sql_role: str | None = None) -> None:
        self._is_read_only = read_only
        self._writers = connections_to(url, WRITING)
        self._readers = connections_to(
            url,
            f"-c default_transaction_read_only=on -c statement_timeout={READ_TIMEOUT_MS} {_NOT_IDLE}",
            pool_size=_READERS,
            max_overflow=_READERS,
            pool_pre_ping=True,
        )
        # These may write: a view of a user's statement is made, looked at and rolled back.
        self._sql = PostgresqlSql(
            connections_to(url, _NOT_IDLE, pool_size=AT_ONCE, max_overflow=0, pool_pre_ping=True), role=sql_role
        )
        self._bulk = BulkInsert()
        self._is_warned = False

    @property
    def readers(self) -> Connections:
        return self._readers

    @property
    def beside(self) -> Connections:
        return self._writers

    @property
    def sql(self) -> PostgresqlSql:
        return self._sql

    def connect_writer(self) -> Connection:
        if self._is_read_only:
            raise StoreUnavailable("this store was opened for reading only")
        connection = self._writers.connect()
        self._make_commits_durable(connection)
        self._bulk.prepare(driver_of(connection))
        return connection

    def _make_commits_durable(self, connection: Connection) -> None:
        """An answer to COMMIT that comes before the sync would make our 200 a lie: whatever the server's default, not here."""
        with connection.begin():
            connection.execute(_SYNC_AT_COMMIT)
            syncs = connection.execute(_SYNCS).scalar_one() == "on"
        if not syncs and not self._is_warned:
            self._is_warned = True
            log.warning("postgresql_does_not_sync", cure="set fsync = on: a power cut can lose or break everything")

    def begin_ingest(self, connection: Connection) -> None:
        # By the driver: SQLAlchemy's part would be larger.
        driver_of(connection).execute(_ANNOUNCE)

    def start_over(self, connection: Connection) -> None:
        # The driver begins the next transaction by itself.
        driver_of(connection).rollback()

    def insert_events(self, connection: Connection, rows: Sequence[EventRow]) -> int:
        return self._bulk.insert(driver_of(connection), rows)

    def insert_events_telling(self, connection: Connection, rows: Sequence[EventRow]) -> list[str | None]:
        return self._bulk.insert_telling(driver_of(connection), rows)

    def write_something(self, connection: Connection) -> None:
        # Whoever has a transaction number writes a commit record.
        connection.execute(text("SELECT pg_current_xact_id()"))

    def last_safe_arrival(self, connection: Connection) -> int | None:
        given = connection.execute(_GIVEN).scalar_one()
        still_open = connection.execute(_OPEN).scalar()
        return given if still_open is None else min(given, still_open)

    def rough_counts(self, connection: Connection) -> Mapping[str, int]:
        rough = connection.execute(_ROUGH)
        return {
            name: estimate if estimate >= _FEW_ROWS else connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()  # noqa: S608
            for name, estimate in rough.all()
        }

    def vacuum(self, connection: Connection) -> tuple[int, int]:
        return upkeep.postgresql_vacuum(connection, list(metadata.tables))

    def make_partitions(self, *, now_ms: int, days: int) -> Sequence[str]:
        with self._writers.begin() as connection:
            return make_partitions(connection, now_ms=now_ms, days=days)

    def drop_empty_partitions(self, before_ms: int) -> Sequence[str]:
        with self._writers.begin() as connection:
            return drop_empty_partitions(connection, before_ms=before_ms)

    def verdict(self, exc: Exception) -> Verdict:
        cause = exc.orig if isinstance(exc, DBAPIError) else exc
        if isinstance(cause, _RETRY_NOW):
            return "again"
        return "away" if isinstance(cause, _AWAY) else "refused"

    def close(self) -> None:
        self._readers.dispose()
        self._sql.close()
        self._writers.dispose()


@contextmanager
def enter_schema(url: str, *, may_create: bool) -> Generator[Connection | None]:
    """A connection for the schema. With `may_create` it is in a transaction that no other collector's can overtake."""
    try:
        with connections_to(url, "").begin() as connection:
            if may_create:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})"))
            yield connection
    except DBAPIError as exc:
        if isinstance(exc.orig, psycopg.OperationalError):
            where = make_url(url).render_as_string(hide_password=True)
            raise StoreUnavailable(f"no answer from {where}: is PostgreSQL running, and may this user connect?") from exc
        raise
