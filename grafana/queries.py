"""
The pieces of SQL that the panels are made of, understood by PostgreSQL and SQLite alike.

Flow: **pieces** -> boards -> panels. `${x:sqlstring}`, `$__from`, `$__to` and `$__interval_ms` are filled in by Grafana.
A call is one row of `calls`, which is its span of kind `call`: sums over `calls` count nothing twice.
"""

from collections.abc import Mapping

ALL = "(all)"
"""What a filter is when nothing is chosen; no name of a model, provider or service looks like it."""
NONE = "(none)"
"""Shown where a call has no model, provider or service."""

IN_TIME = "order_ms BETWEEN $__from AND $__to"
# Always a list of names, so that the index, which begins with the project, is used.
IN_PROJECT = "project IN (${project:sqlstring})"


def _chosen(name: str, column: str) -> str:
    return f"('{ALL}' IN (${{{name}:sqlstring}}) OR coalesce({column}, '{NONE}') IN (${{{name}:sqlstring}}))"


CHOSEN = " AND ".join(
    [f"c.{IN_PROJECT}", f"c.{IN_TIME}"] + [_chosen(name, f"c.{name}") for name in ("provider", "model", "service")]
)
"""Which calls: the dashboard's filters."""

FROM_CALLS = f"FROM calls AS c WHERE {CHOSEN}"
FROM_TOOLS = (
    "FROM tool_calls AS t JOIN calls AS c ON c.project = t.project AND c.request_id = t.request_id\n"
    f"WHERE t.status IN ('ok', 'error') AND {CHOSEN}"
)
"""Tool calls that ran. Where the caller ran the tool itself, the model's own call has it too, as `requested`."""

IS_FAILED = "c.status IN ('error', 'incomplete')"
ERROR_RATE = f"1.0 * count(CASE WHEN {IS_FAILED} THEN 1 END) / nullif(count(CASE WHEN c.status <> 'running' THEN 1 END), 0)"
# A poll for a video's state is quick and says nothing about the provider.
IS_TIMED = "c.duration_ms IS NOT NULL AND c.operation <> 'video_poll'"
IS_STREAMED = "c.time_to_first_chunk_ms IS NOT NULL AND c.operation <> 'video_poll'"
MODEL = f"coalesce(c.model, '{NONE}')"

VALUE = 'AS "Value"'
"""The figure of a series that comes as (time, metric, figure). Of this name Grafana shows the metric alone."""

SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def bucket(column: str = "c.order_ms") -> str:
    """The time of a point, in seconds: the beginning of the interval that Grafana chose."""
    return f"CAST({column} AS bigint) / $__interval_ms * $__interval_ms / 1000"


def started(column: str = "c.order_ms") -> str:
    """A moment for a table, in seconds."""
    return f"{column} / 1000.0 AS time"


def percentiles(
    measure: str, source: str, *, by: Mapping[str, str], shares: tuple[str, ...] = ("p50", "p95", "p99"), more: str = ""
) -> str:
    """
    A query for percentiles of a measure, a row for each combination of `by` (name -> expression).

    They are those of `hookline`'s own figures and of PostgreSQL's percentile_cont: with the values numbered from 0, percentile
    p lies at p times the last number, and its two neighbours count by their nearness.
    """
    names = ", ".join(by)
    partition = f"PARTITION BY {names} " if by else ""
    inner = ", ".join([*(f"{expression} AS {name}" for name, expression in by.items()), f"{measure} AS measured"])
    ranks = ", ".join(
        [
            *by,
            "measured",
            f"row_number() OVER ({partition}ORDER BY measured) - 1 AS place",
            f"count(*) OVER ({partition}) - 1 AS last_place",
        ]
    )
    picked = ", ".join([*by, *(f"{_percentile(SHARES[share])} AS {share}" for share in shares), *([more] if more else [])])
    grouping = f"\nGROUP BY {names}\nORDER BY {names}" if by else ""
    return f"SELECT {picked}\nFROM (SELECT {ranks}\n  FROM (SELECT {inner}\n    {source}) AS found) AS ranked{grouping}"


def _percentile(share: float) -> str:
    distance = f"abs(place - {share} * last_place)"
    return f"sum(CASE WHEN {distance} < 1 THEN measured * (1 - {distance}) ELSE 0.0 END)"
