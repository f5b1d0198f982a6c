"""
Every panel's SQL, executed on both engines over the demo's calls.
"""

import re
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from collector.storage.engines import open_store
from tests.end_to_end.database import count, query
from tests.grafana.dashboards import PanelQuery, dashboards, queries
from tests.grafana.macros import filled_in

# The first test waits for a demo.
pytestmark = pytest.mark.timeout(300)

ONE_CHOICE = {"provider": ["openai"], "model": ["gpt-4o", "o'neill"], "service": ["demo-shop"]}


def engine_of(url: str) -> str:
    return "sqlite" if url.startswith("sqlite") else "postgresql"


def panel_query(url: str, name: str) -> PanelQuery:
    return next(one for one in queries(engine_of(url)) if one.name == name)


def figure(url: str, name: str, **chosen: Sequence[str]) -> Any:
    """The only figure of a panel."""
    (row,) = query(url, filled_in(panel_query(url, name).sql, chosen))
    (value,) = row.values()
    return value


def test_every_panel_gives_rows(filled_url: str) -> None:
    """
    No query fails, none is empty, and each column has a value somewhere; PostgreSQL is read by the role with SELECT only.
    """
    empty: list[str] = []
    for one in queries(engine_of(filled_url)):
        sql = filled_in(one.sql)
        assert None is re.search(r"\$[{\w]|\[\[", sql), one.name
        rows = query(filled_url, sql)
        empty += [one.name] if not rows else []
        empty += [f"{one.name}: {column}" for column in (rows[0] if rows else ()) if all(row[column] is None for row in rows)]

    assert [] == empty


def test_every_panel_takes_a_choice(filled_url: str) -> None:
    """
    With provider, model and service chosen, one of them with a quote in its name, each query still runs.
    """
    for one in queries(engine_of(filled_url)):
        query(filled_url, filled_in(one.sql, ONE_CHOICE))


def test_every_filter_offers_choices(filled_url: str) -> None:
    """
    The queries behind the dashboards' filters give one column with names.
    """
    for slug, dashboard in dashboards(engine_of(filled_url)).items():
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                rows = query(filled_url, filled_in(variable["query"]))
                assert rows, (slug, variable["name"])
                assert all(len(row) == 1 and None not in row.values() for row in rows)


def test_tables_name_every_column(filled_url: str) -> None:
    """
    Each column of a table panel has its title, and its meaning is in the panel's description.
    """
    for one in queries(engine_of(filled_url)):
        if one.panel["type"] != "table":
            continue
        overrides = {override["matcher"]["options"]: override["properties"] for override in one.panel["fieldConfig"]["overrides"]}
        (row, *_) = query(filled_url, filled_in(one.sql))
        assert set(row) == set(overrides), one.name
        titles = [part["value"] for properties in overrides.values() for part in properties if part["id"] == "displayName"]
        assert [] == [title for title in titles if f"**{title}**" not in one.panel["description"]], one.name


def test_columns_keep_to_one_type(filled_sqlite: str) -> None:
    """
    SQLite's plugin takes a column's type from its first value and cuts what follows: integers and fractions never mix.
    """
    mixed = [
        f"{one.name}: {column}"
        for one in queries("sqlite")
        for rows in [query(filled_sqlite, filled_in(one.sql))]
        for column in rows[0]
        if len({type(row[column]) for row in rows if row[column] is not None}) > 1
    ]

    assert [] == mixed


def test_series_have_time_first_and_grow(filled_url: str) -> None:
    """
    A series panel's rows begin with `time` in seconds, ascending, as both plugins want them.
    """
    for one in queries(engine_of(filled_url)):
        if one.panel["type"] != "timeseries":
            continue
        rows = query(filled_url, filled_in(one.sql))
        times = [float(row["time"]) for row in rows]
        assert "time" == next(iter(rows[0])), one.name
        assert times == sorted(times), one.name
        assert all(1.7e9 < second < 1e10 for second in times), one.name


def test_totals_count_each_call_once(filled_url: str) -> None:
    """
    The number of calls is that of spans of kind `call` (a call that runs has none yet); tokens are not added twice.
    """
    spans = count(filled_url, "SELECT count(*) AS n FROM spans WHERE kind = 'call'")
    running = count(filled_url, "SELECT count(*) AS n FROM calls WHERE status = 'running'")
    tokens = count(filled_url, "SELECT sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) AS n FROM token_usage")

    assert spans + running == figure(filled_url, "overview / Calls") > 13
    assert tokens == figure(filled_url, "overview / Tokens")


def test_filters_filter(filled_url: str) -> None:
    """
    A chosen model leaves its calls; `(none)` stands for those without one.
    """
    of_model = count(filled_url, "SELECT count(*) AS n FROM calls WHERE model = 'gpt-4o'")
    without = count(filled_url, "SELECT count(*) AS n FROM calls WHERE model IS NULL")

    assert of_model == figure(filled_url, "overview / Calls", model=["gpt-4o"]) > 0
    assert without == figure(filled_url, "overview / Calls", model=["(none)"]) > 0
    assert 0 == figure(filled_url, "overview / Calls", project=["another"])


def test_percentiles_are_the_collectors(filled_url: str) -> None:
    """
    The p95 on the dashboard is the one of `/v1/stats`, and a poll that took 50 minutes is in neither.
    """
    store = open_store(filled_url, settle_ms=0, read_only=True)
    try:
        (stats,) = store.stats("default", since_ms=None, until_ms=None, by=None)
    finally:
        store.close()

    shown = figure(filled_url, "overview / Duration, p95")
    assert stats["duration_p95_ms"] == pytest.approx(shown)
    assert 0 < shown < 3_000_000
    assert stats["time_to_first_chunk_p95_ms"] == pytest.approx(figure(filled_url, "overview / First chunk, p95"))


def test_reader_reads_only_what_panels_show(filled_postgresql: str) -> None:
    """
    The role that Grafana uses can neither write nor see keys and content.
    """
    attempts = {
        "DELETE FROM calls": "read-only",
        "SET TRANSACTION READ WRITE; DELETE FROM calls": "permission denied",
        "SELECT * FROM api_keys": "permission denied",
        "SELECT content FROM blobs": "permission denied",
        "CREATE TABLE mine (a int)": "read-only",
    }
    for statement, answer in attempts.items():
        with psycopg.connect(filled_postgresql.replace("+psycopg", "")) as connection, pytest.raises(psycopg.Error, match=answer):
            connection.execute(statement.encode())
