"""
POST /v1/sql on both engines: forms of answers, limits, messages.
"""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.running import Answer, Running, chat_call, running_collector


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def collector(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('sql') / 'a.db'}"
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.url(server.new_database())
    with running_collector(url, sql_timeout_s=2.0) as running:
        running.post_events(*chat_call("one"), *chat_call("two", model='m,"2"'))
        running.wait_for_calls("one", "two")
        yield running


def ask(collector: Running, sql: str, *, accept: str = "application/json", **more: Any) -> Answer:
    return collector.ask("POST", "/v1/sql", body={"sql": sql, **more}, headers={"accept": accept})


def test_rows_come_as_plain_json(collector: Running) -> None:
    """
    Numbers as numbers, also sums; what is not there is null; two columns may have one name.
    """
    found = ask(
        collector, "SELECT sum(input_tokens) AS n, max(duration_ms) AS n, NULL AS missing, count(*) AS calls FROM calls"
    ).json
    assert {"columns": ["n", "n", "missing", "calls"], "rows": [[14, 80.0, None, 2]], "truncated": False} == found


def test_parameters_by_name_and_by_place(collector: Running) -> None:
    """
    An object for names, a list for numbers.
    """
    sql = "SELECT request_id FROM calls WHERE model = :model AND duration_ms >= :least"
    assert [["two"]] == ask(collector, sql, params={"model": 'm,"2"', "least": 1}).json["rows"]
    assert [["one"]] == ask(collector, "SELECT request_id FROM calls WHERE request_id = :1", params=["one"]).json["rows"]


def test_csv_is_read_back_as_it_was(collector: Running) -> None:
    """
    Quotes, commas and lines; NULL is an empty field.
    """
    answer = ask(collector, "SELECT model, NULL AS x, '' AS y, 'a\nb' AS z FROM calls ORDER BY request_id", accept="text/csv")
    assert "false" == answer.headers["x-truncated"]
    assert [["model", "x", "y", "z"], ["gpt-4o", "", "", "a\nb"], ['m,"2"', "", "", "a\nb"]] == list(
        csv.reader(io.StringIO(answer.body.decode(), newline=""))
    )
    assert b'gpt-4o,,"",' in answer.body


def test_lines_are_objects(collector: Running) -> None:
    """
    A name that comes twice gets a number.
    """
    answer = ask(collector, "SELECT request_id, 1 AS request_id FROM calls ORDER BY 1", accept="application/x-ndjson")
    assert [{"request_id": "one", "request_id_2": 1}, {"request_id": "two", "request_id_2": 1}] == [
        json.loads(line) for line in answer.body.splitlines()
    ]


def test_limit_cuts_and_says_so(collector: Running) -> None:
    """
    Not where there are just so many rows.
    """
    assert [True, False, False] == [ask(collector, "SELECT * FROM calls", limit=n).json["truncated"] for n in (1, 2, 3)]
    assert "true" == ask(collector, "SELECT * FROM calls", limit=1, accept="text/csv").headers["x-truncated"]


def test_bytes_are_limited_and_it_says_so(collector: Running) -> None:
    """
    Rows that are too many bytes are left out; one that is too long by itself is refused.
    """
    numbers = "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 200)"
    long = "replace('" + "x" * 500 + "', 'x', '" + "y" * 400 + "')"
    answer = ask(collector, f"{numbers} SELECT n, {long} FROM t").json
    assert answer["truncated"]
    assert 50 < len(answer["rows"]) < 100
    refused = ask(collector, f"SELECT {', '.join([long] * 85)}")
    assert (400, True) == (refused.status, "substr" in refused.json["detail"])


def test_a_wrong_statement_is_told_with_its_place(collector: Running) -> None:
    """
    The database's own words, and where: also behind a parameter.
    """
    refused = ask(collector, "SELECT :x AS x, nowhere FROM calls", params={"x": "a longer value than its name"})
    assert (400, "application/problem+json") == (refused.status, refused.headers["content-type"])
    assert "nowhere" in refused.json["detail"]
    assert 17 == refused.json["position"]


def test_a_long_statement_is_stopped(collector: Running) -> None:
    """
    And the answer says that it was the time.
    """
    refused = ask(collector, "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n FROM t) SELECT count(*) FROM t")
    assert (400, True) == (refused.status, "longer than 2 s" in refused.json["detail"])
    assert [[1]] == ask(collector, "SELECT 1").json["rows"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sql": ""},
        {"sql": "SELECT 1", "limit": 0},
        {"sql": "SELECT 1", "limit": 100_001},
        {"sql": "SELECT 1", "limit": "5"},
        {"sql": "SELECT 1\0"},
        {"sql": "SELECT '\ud800'"},
        {"sql": "SELECT :a", "params": {"a": []}},
        {"sql": "SELECT :a", "params": {"a": 2**64}},
        {"sql": "SELECT :a", "params": {"a b": 1}},
        {"sql": "SELECT 1", "sq": 1},
        {"sql": "x" * 100_001},
        [],
    ],
)
def test_a_wrong_request_is_400(collector: Running, body: Any) -> None:
    """
    With what is wrong, before any database is asked.
    """
    answer = collector.ask("POST", "/v1/sql", body=body)
    assert (400, "application/problem+json") == (answer.status, answer.headers["content-type"])


def test_schema_names_what_can_be_read(collector: Running) -> None:
    """
    Every table and column of it can be selected, and nothing of the collector's own is there.
    """
    tables = {
        table["name"]: [column["name"] for column in table["columns"]] for table in collector.get("/v1/sql/schema").json["tables"]
    }
    assert {"events", "calls", "spans", "chunks", "tool_calls", "token_usage", "resources", "blobs", "hook_states"} < set(tables)
    assert {"trace_health", "exports"} < set(tables)
    assert set() == {"api_keys", "call_work", "alembic_version"} & set(tables)
    for name, columns in tables.items():
        assert columns == ask(collector, f"SELECT {', '.join(columns)} FROM {name}").json["columns"]
