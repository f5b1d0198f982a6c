"""
The identity of events goes over to an index with a hash, and back, on PostgreSQL.
"""

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from collector.storage import schema
from collector.storage.engines import open_store
from collector.storage.postgresql_partitions import DAY_MS, make_partitions
from tests.end_to_end.database import count, query
from tests.fakes.migrated import scripts_before
from tests.fakes.postgres import PostgresServer
from tests.fakes.stored import NOW_MS, append, event

IDENTITY = (
    "SELECT count(*) FROM pg_index WHERE indisunique AND indrelid IN ({}) AND pg_get_indexdef(indexrelid) LIKE '%event_id%'"
)
TABLES = "SELECT inhrelid FROM pg_inherits WHERE inhparent = 'events'::regclass UNION SELECT 'events'::regclass"


def fill(url: str) -> tuple[int, int]:
    """Store events that differ in project, time or id, each twice; how many were new and known."""
    store = open_store(url, settle_ms=0)
    try:
        rows = [event(f"e{n}", timestamp=NOW_MS + n // 2 * DAY_MS) for n in range(6)]
        receipts = [append(store, *rows, project=project) for project in ("p", "p", "q", "q")]
        return sum(one.accepted for one in receipts), sum(one.duplicates for one in receipts)
    finally:
        store.close()


def test_each_event_is_stored_once_before_and_after(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """
    What was there is known after the upgrade, in every partition, also in one made later; each has one such index, no more.
    """
    url = postgres_server.url(postgres_server.new_database())
    schema.upgrade(url, scripts=scripts_before("0015", tmp_path))
    engine = create_engine(url)
    with engine.begin() as connection:
        assert make_partitions(connection, now_ms=NOW_MS, days=1)
        connection.exec_driver_sql(
            "INSERT INTO events (project, event_id, type, timestamp, received_at, service, clock, payload, dialect, resource_id)"
            " SELECT p, 'e' || n, 'text:request:started', %s + n / 2 * %s, 0, 's', 'sender', '{}', 'hookline', 'r'"
            " FROM unnest(ARRAY['p', 'q']) AS p, generate_series(0, 5) AS n",
            (NOW_MS, DAY_MS),
        )

    schema.upgrade(url)

    assert (0, 24) == fill(url)
    with engine.begin() as connection:
        assert make_partitions(connection, now_ms=NOW_MS + 20 * DAY_MS, days=1)
    assert (0, 24) == fill(url)
    tables = count(url, f"SELECT count(*) FROM ({TABLES}) AS its")
    assert 8 <= tables == count(url, IDENTITY.format(TABLES))

    config = Config()
    config.set_main_option("script_location", str(schema.scripts_folder()))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0014")
    engine.dispose()
    assert [{"name": "events_identity"}] == query(
        url, "SELECT conname AS name FROM pg_constraint WHERE contype = 'u' AND conrelid = 'events'::regclass"
    )
    assert tables == count(url, IDENTITY.format(TABLES))


def test_times_are_found_by_the_same_index(store_url: str) -> None:
    """
    A project's newest events are read from its end; on both engines.
    """
    fill(store_url)
    newest = "SELECT event_id FROM events WHERE project = 'p' AND timestamp > 5 ORDER BY timestamp DESC LIMIT 1"
    if store_url.startswith("sqlite"):
        plan = str(query(store_url, f"EXPLAIN QUERY PLAN {newest}"))
        assert "sqlite_autoindex_events_1" in plan
        return
    with psycopg.connect(store_url.replace("+psycopg", "")) as connection:
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET enable_bitmapscan = off")
        plan = str(connection.execute(f"EXPLAIN {newest}".encode()).fetchall())
    assert "project_timestamp_hashtextextended_idx" in plan
    assert "->  Sort" not in plan
