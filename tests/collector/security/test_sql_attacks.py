"""
What a statement may not do: each attempt of `attempts` against a database with a second project in it.
"""

import json
import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from collector.errors import SqlRefused, SqlTimeout
from collector.storage.protocols import Store
from collector.storage.sql_types import SqlAnswer, SqlQuery
from tests.collector.security import attempts
from tests.collector.security.databases import MARKER

REFUSED = {
    "sqlite": attempts.BOTH_REFUSED + attempts.SQLITE_REFUSED,
    "postgresql": attempts.BOTH_REFUSED + attempts.POSTGRESQL_REFUSED,
}
BOMBS = {"sqlite": attempts.SQLITE_BOMBS, "postgresql": attempts.POSTGRESQL_BOMBS}
MOST_GROWTH_KIB = 200 * 1024
MOST_ANSWER_BYTES = 17 * 1024 * 1024
TABLES = ("events", "calls", "spans", "tool_calls", "token_usage", "resources", "blobs", "hook_states", "call_health", "exports")


def ask(store: Store, sql: str, *, project: str = "a", timeout_s: float = 100.0) -> SqlAnswer:
    return store.run_sql(SqlQuery(project=project, sql=sql, timeout_s=timeout_s))


def counted(store: Store) -> list[int]:
    """Rows of both projects."""
    return [
        ask(store, f"SELECT count(*) FROM {name}", project=project).rows[0][0] for name in ("events", "calls") for project in "ab"
    ]


def test_every_attempt_is_refused(store: Store, engine: str, folder: Path) -> None:
    """
    With a message, as a fault of the statement. Nothing is told of the other project, nothing is written anywhere, and the next
    statement works.
    """
    before = counted(store)
    told: list[str] = []
    ran: dict[str, Any] = {}

    def attempt(sql: str) -> None:
        try:
            ran[sql] = ask(store, sql, timeout_s=5.0).rows
        except (SqlRefused, SqlTimeout) as exc:
            told.append(str(exc))

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(attempt, [sql.format(folder=folder) for sql in REFUSED[engine]]))

    assert {} == ran
    assert [] == [text for text in told if MARKER in text or "root:" in text]
    assert 20 < len(REFUSED[engine])
    assert before == counted(store)
    assert [] == list(folder.iterdir())


@pytest.mark.parametrize("sql", attempts.BOTH_HARMLESS)
def test_no_answer_holds_another_project(store: Store, sql: str) -> None:
    """
    Whatever the condition; and for that project the same statement finds its own.
    """
    answer = ask(store, sql)
    assert MARKER not in json.dumps(answer.rows)
    assert [] == [row for row in answer.rows if "project" in answer.columns and "a" != row[answer.columns.index("project")]]
    if "exports" not in sql:
        assert ask(store, sql, project="b").rows


def test_bombs_end_and_leave_the_collector_as_it_was(store: Store, engine: str) -> None:
    """
    By the timeout or by a limit; our own memory grows by no more than answers may.
    """
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for sql in BOMBS[engine]:
        try:
            answer = ask(store, sql, timeout_s=0.4)
        except (SqlRefused, SqlTimeout):
            continue
        # What is small enough in the end may be told.
        assert len(json.dumps(answer.rows)) < MOST_ANSWER_BYTES

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < MOST_GROWTH_KIB
    assert 1 == ask(store, "SELECT 1").rows[0][0]


@pytest.mark.parametrize("table", [*TABLES, "chunks", "trace_health"])
def test_errors_tell_nothing_of_another_projects_rows(store: Store, engine: str, table: str) -> None:
    """
    A condition that fails on the other project's rows only is never evaluated there: failing or not would be an answer.
    """
    fails = {
        "sqlite": "abs(CASE WHEN project = 'b' THEN -9223372036854775807 - 1 ELSE 1 END) > 0",
        "postgresql": "1 / (CASE WHEN project = 'b' THEN 0 ELSE 1 END) > 0",
    }[engine]
    assert ask(store, f"SELECT count(*) FROM {table} WHERE {fails}").rows
    assert ask(store, f"SELECT count(*) FROM {table} AS x LEFT JOIN {table} AS y ON {fails.replace('project', 'x.project')}").rows
    if table != "exports":
        with pytest.raises(SqlRefused):
            ask(store, f"SELECT count(*) FROM {table} WHERE {fails}", project="b")


def test_project_name_is_data(store: Store) -> None:
    """
    A project whose name is made of SQL sees nothing.
    """
    for name in ("' OR '1'='1", "a' --", "b'; DROP TABLE calls; --", "\\' OR 1=1 --", "a\u2019", '"b"'):
        assert [[0]] == list(ask(store, "SELECT count(*) FROM events", project=name).rows)


def test_parameters_are_data(store: Store) -> None:
    """
    A value with quotes, backslashes and comment signs comes back as it went in, wherever a parameter may stand.
    """
    nasty = "' OR 1=1; -- \\' /* $$ \" :x"
    sql = "SELECT :x AS one, ':x' AS text, 1 AS \":x\" /* :x */ FROM (SELECT 1 AS y) AS z WHERE :x = :x -- :x"
    answer = store.run_sql(SqlQuery(project="a", sql=sql, params={"x": nasty}))
    assert [[nasty, ":x", 1]] == [list(row) for row in answer.rows]
    assert ("one", "text", ":x") == answer.columns


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_texts_of_every_form_hide_a_parameter(store: Store) -> None:
    """
    Dollar quotes, escapes, nested comments: what stands in them is no parameter. (SQLite binds parameters by itself.)
    """
    sql = r"SELECT $$:x$$, $t$ :x $$ $t$, E'\':x', /* /* :x */ :x */ U&':x', a[1:2], :x::text FROM (SELECT ARRAY[1,2] AS a) AS y"
    answer = store.run_sql(SqlQuery(project="a", sql=sql, params={"x": "'; DROP"}))
    assert [[":x", " :x $$ ", "':x", ":x", "{1,2}", "'; DROP"]] == [list(row) for row in answer.rows]
    with pytest.raises(SqlRefused):
        store.run_sql(SqlQuery(project="a", sql="SELECT E'a'\n'b\\' || :x || '", params={"x": " || pg_sleep(1) || "}))
