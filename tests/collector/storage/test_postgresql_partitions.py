"""
Events in partitions: made ahead, filled by time, dropped whole; and how a table that holds events already becomes one.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine

from collector.query.sql import run_sql
from collector.storage import schema
from collector.storage.engines import open_store
from collector.storage.postgresql import PostgresqlEngine
from collector.storage.postgresql_partitions import DAY_MS, Range, ranges_to_make
from collector.storage.protocols import EventFilter
from tests.end_to_end.database import count, query
from tests.fakes.migrated import scripts_before
from tests.fakes.postgres import PostgresServer
from tests.fakes.stored import NOW_MS, append, event

WEEK_MS = 7 * DAY_MS
THIS_WEEK_MS = NOW_MS // WEEK_MS * WEEK_MS
PARTITIONS = "0010"
"""The migration that makes them."""
WHERE = "SELECT tableoid::regclass::text AS place, event_id FROM events ORDER BY arrival"


@pytest.fixture
def engine(postgres_server: PostgresServer) -> Iterator[PostgresqlEngine]:
    """
    A database of its own: partitions stay.
    """
    url = postgres_server.url(postgres_server.new_database())
    schema.prepare(url)
    opened = PostgresqlEngine(url)
    yield opened
    opened.close()


def url_of(engine: PostgresqlEngine) -> str:
    """Where the engine's database is."""
    return engine.readers.url.render_as_string(hide_password=False)


def week(number: int) -> Range:
    """The week of NOW_MS is 0."""
    return Range(THIS_WEEK_MS + number * WEEK_MS, THIS_WEEK_MS + (number + 1) * WEEK_MS)


@pytest.mark.parametrize(
    ("existing", "missing"),
    [
        ([], [week(0), week(1), week(2)]),
        ([week(-1), week(0)], [week(1), week(2)]),
        ([week(0), week(1), week(2)], []),
        ([week(0), week(2)], [week(1)]),
        ([Range(None, NOW_MS + 1)], [Range(NOW_MS + 1, week(0).until_ms), week(1), week(2)]),
        ([Range(None, None)], []),
        # Days before, weeks from now on: the first week is what the days leave of it.
        ([Range(THIS_WEEK_MS, NOW_MS)], [Range(NOW_MS, week(0).until_ms), week(1), week(2)]),
    ],
)
def test_ranges_are_made_ahead_without_gap_or_overlap(existing: list[Range], missing: list[Range]):
    """
    The present range and two more, aligned; what is there already is left alone, whatever its width.
    """
    assert missing == ranges_to_make(existing, now_ms=NOW_MS, width_ms=WEEK_MS)


def test_events_lie_where_their_time_is(engine: PostgresqlEngine):
    """
    What came before there was a partition moves into it; clocks far off stay in the default; doubles are found in all of them.
    """
    times = {"now": NOW_MS, "next": NOW_MS + WEEK_MS, "past": 1, "future": 4_102_444_800_000}
    rows = [event(name, timestamp=at_ms) for name, at_ms in times.items()]
    store = open_store(url_of(engine), settle_ms=0)
    append(store, *rows[:1])

    made = engine.make_partitions(now_ms=NOW_MS, days=7)
    receipt = append(store, *rows)

    assert (3, 1) == (receipt.accepted, receipt.duplicates)
    places = {row["event_id"]: row["place"] for row in query(url_of(engine), WHERE)}
    assert {"now": made[0], "next": made[1], "past": "events_default", "future": "events_default"} == places
    assert [] == engine.make_partitions(now_ms=NOW_MS, days=7)
    listed = [row["event_id"] for row in store.events(EventFilter(project="p")).items]
    assert ["future", "next", "now", "past"] == listed
    store.close()


def test_partitions_that_retention_emptied_go(engine: PostgresqlEngine):
    """
    Old ones without a row; one with a row stays, and so does a young one.
    """
    old, _, _ = engine.make_partitions(now_ms=NOW_MS - 3 * WEEK_MS, days=7)
    store = open_store(url_of(engine), settle_ms=0)
    append(store, event("kept", timestamp=NOW_MS - 2 * WEEK_MS))

    dropped = engine.drop_empty_partitions(NOW_MS - WEEK_MS)

    assert [old] == dropped
    assert 0 == len({old} & {row["relname"] for row in query(url_of(engine), "SELECT relname FROM pg_class")})
    assert 1 == count(url_of(engine), "SELECT count(*) FROM events")
    store.close()


HOLDS = """
    INSERT INTO events
        (project, event_id, type, timestamp, received_at, request_id, service, clock, payload, dialect, resource_id)
    SELECT 'p', 'e' || n, 'text:chunk:content', CASE n WHEN 9 THEN 32503680000000 ELSE 1764000000000 + n END, 0, 'r1',
           's', 'sender', '{"delta": "x"}', 'hookline', 'own' FROM generate_series(1, 9) AS n
"""
# What owners of a database make around our table.
AROUND = (
    HOLDS,
    "CREATE VIEW mine WITH (security_barrier=true) AS SELECT event_id, payload FROM events WHERE type LIKE 'text:%%'",
    "CREATE VIEW mine_counted AS SELECT count(*) AS n FROM mine",
    "CREATE INDEX by_session ON events (session_id)",
    "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('x', 'y'); RETURN NULL; END $$",
    "CREATE TRIGGER told AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION note()",
    "GRANT SELECT ON events TO PUBLIC",
)


@pytest.fixture
def unpartitioned(postgres_server: PostgresServer, tmp_path: Path) -> str:
    """
    A database of the last version without partitions: with events, one of them from the year 3000, and with things around.
    """
    url = postgres_server.url(postgres_server.new_database())
    schema.upgrade(url, scripts=scripts_before(PARTITIONS, tmp_path))
    with create_engine(url, poolclass=NullPool).begin() as connection:
        for statement in AROUND:
            connection.exec_driver_sql(statement)
    return url


def test_table_with_events_becomes_partitioned_and_keeps_what_was_around(unpartitioned: str):
    """
    The rows stay where they are, but for those of a wrong clock; arrivals go on; views, rights, triggers and indexes are there.
    """
    url = unpartitioned
    was = query(url, "SELECT 'events'::regclass::oid AS oid")[0]["oid"]

    schema.upgrade(url)

    places = {row["event_id"]: row["place"] for row in query(url, WHERE)}
    assert {f"e{n}": "events_default" if n == 9 else "events_before" for n in range(1, 10)} == places
    assert was == query(url, "SELECT 'events_before'::regclass::oid AS oid")[0]["oid"], "the old table itself, not a copy"
    store = open_store(url, settle_ms=0)
    assert (1, 1) == (append(store, event("new"), event("e1", timestamp=NOW_MS + 1)).accepted, 1)
    assert 10 <= store.last_arrival("p")
    assert [{"n": 10}] == query(url, "SELECT n FROM mine_counted")
    assert 9 == len(run_sql(store, "p", sql="SELECT delta FROM chunks WHERE request_id = 'r1'", params={}).rows)
    store.close()
    assert 1 == count(url, "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'events'::regclass AND tgname = 'told'")
    assert 1 == count(url, "SELECT count(*) FROM pg_indexes WHERE tablename = 'events' AND indexname = 'by_session'")
    assert [{"has": True}] == query(url, "SELECT has_table_privilege('pg_monitor', 'events', 'SELECT') AS has")
    assert ["security_barrier=true"] == query(url, "SELECT reloptions FROM pg_class WHERE relname = 'mine'")[0]["reloptions"]


def test_upgrade_stops_at_a_materialized_view(unpartitioned: str):
    """
    It would go on reading the old rows alone: its owner is told what to do, and nothing has changed.
    """
    with create_engine(unpartitioned, poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql("CREATE MATERIALIZED VIEW kept AS SELECT type, count(*) FROM events GROUP BY type")
    before = schema.current(unpartitioned)

    with pytest.raises(Exception, match="drop kept, upgrade"):
        schema.upgrade(unpartitioned)

    assert before == schema.current(unpartitioned)
