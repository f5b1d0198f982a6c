"""
What is particular to an engine in running users' SQL: indexes and fences on SQLite, the role on PostgreSQL.
"""

from pathlib import Path

import psycopg
import pytest

from collector.errors import SqlRefused, StoreError
from collector.storage.engines import open_store
from collector.storage.protocols import Store
from collector.storage.sql_types import SqlQuery
from tests.collector.security.databases import fill

BY_ID = "EXPLAIN QUERY PLAN SELECT * FROM events WHERE request_id = 'x'"


def plan_of(store: Store, sql: str) -> str:
    return " ".join(str(row[-1]) for row in store.run_sql(SqlQuery(project="a", sql=sql)).rows)


def test_sqlite_uses_indexes_until_a_second_project_comes(sqlite_url: str) -> None:
    """
    Alone in its file a project pays nothing for the fence; with a neighbour conditions wait until rows are the project's.
    """
    store = open_store(sqlite_url, settle_ms=0)
    try:
        fill(store, "a")
        assert "events_by_call" in plan_of(store, BY_ID)
        fill(store, "b")
        assert "events_by_call" not in plan_of(store, BY_ID)
    finally:
        store.close()


def test_sqlite_process_that_ends_early_is_the_statements_fault(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A limit of the machine ends the process without a word: the answer says memory, and nothing hangs.
    """
    store = open_store(sqlite_url, settle_ms=0)
    try:
        fill(store, "a")
        monkeypatch.setattr("collector.storage.sql_sqlite._PROGRAM", Path("/dev/null"))
        with pytest.raises(SqlRefused, match="memory"):
            store.run_sql(SqlQuery(project="a", sql="SELECT 1"))
    finally:
        store.close()


def test_postgresql_role_is_a_second_wall(postgresql_url: str) -> None:
    """
    Under a role that may read no table the statement still reads the project's views; a role that is not there is an error.
    """
    with psycopg.connect(postgresql_url.replace("+psycopg", ""), autocommit=True) as connection:
        # Roles are the whole server's, so this one has a name that no other test uses.
        connection.execute("DROP ROLE IF EXISTS second_wall")
        connection.execute("CREATE ROLE second_wall")
    store = open_store(postgresql_url, settle_ms=0, sql_role="second_wall")
    try:
        fill(store, "a", "b")
        assert [["second_wall", 2]] == list(
            store.run_sql(SqlQuery(project="a", sql="SELECT current_user, count(*) FROM calls")).rows
        )
        # Twice on one connection: it was given back as it came.
        assert 2 == store.run_sql(SqlQuery(project="b", sql="SELECT count(*) FROM calls")).rows[0][0]
        assert 2 == len(store.call_details("a", "open-1")["spans"])
    finally:
        store.close()
    without = open_store(postgresql_url, settle_ms=0, sql_role="nobody_of_this_name")
    try:
        with pytest.raises((SqlRefused, StoreError)):
            without.run_sql(SqlQuery(project="a", sql="SELECT 1 FROM calls"))
    finally:
        without.close()
