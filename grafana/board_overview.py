"""
The first dashboard: is it used, does it work, how fast is it, what does it cost; and the newest calls.
"""

from grafana.boards import Board, Section
from grafana.panels import Series, Stat, Table
from grafana.queries import ERROR_RATE, FROM_CALLS, IS_STREAMED, IS_TIMED, MODEL, NONE, VALUE, bucket, percentiles, started

STATUS_COLORS = {"ok": "green", "error": "red", "aborted": "yellow", "incomplete": "orange", "running": "blue"}
SLOW_MS = ((10_000.0, "yellow"), (30_000.0, "red"))
ERROR_STEPS = ((0.02, "yellow"), (0.1, "red"))


def by_group(expression: str, name: str) -> str:
    """A table of calls by one property: how many, how well, how fast, how expensive."""
    source = f"{FROM_CALLS} AND {IS_TIMED}"
    return f"""
SELECT counted.*, timed.p95
FROM (SELECT {expression} AS {name}, count(*) AS calls, {ERROR_RATE} AS error_rate,
        sum(c.output_tokens) AS output_tokens, sum(c.cost_usd) AS cost_usd
    {FROM_CALLS}
    GROUP BY {expression}) AS counted
LEFT JOIN ({percentiles("c.duration_ms", source, by={f"timed_{name}": expression}, shares=("p95",))}) AS timed
    ON timed.timed_{name} = counted.{name}
ORDER BY counted.calls DESC
LIMIT 50"""


FIGURES = (
    Stat(
        title="Calls",
        why="Calls that began in the time range, of every status; agent runs are calls.",
        width=4,
        sql=f"SELECT count(*) AS calls {FROM_CALLS}",
    ),
    Stat(
        title="Error rate",
        why="Calls that ended as error or incomplete, among those that ended.",
        width=4,
        unit="percentunit",
        steps=ERROR_STEPS,
        sql=f"SELECT {ERROR_RATE} AS error_rate {FROM_CALLS}",
    ),
    Stat(
        title="Duration, p95",
        why="19 of 20 calls took less. Polls for a video's state are left out.",
        width=4,
        unit="ms",
        steps=SLOW_MS,
        sql=percentiles("c.duration_ms", f"{FROM_CALLS} AND {IS_TIMED}", by={}, shares=("p95",)),
    ),
    Stat(
        title="First chunk, p95",
        why="19 of 20 streams had their first piece sooner.",
        width=4,
        unit="ms",
        steps=((3_000.0, "yellow"), (10_000.0, "red")),
        sql=percentiles("c.time_to_first_chunk_ms", f"{FROM_CALLS} AND {IS_STREAMED}", by={}, shares=("p95",)),
    ),
    Stat(
        title="Tokens",
        why="Input and output tokens as the providers counted them; calls without a usage count nothing.",
        width=4,
        sql=f"SELECT sum(coalesce(c.input_tokens, 0) + coalesce(c.output_tokens, 0)) AS tokens {FROM_CALLS}",
    ),
    Stat(
        title="Cost",
        why="US dollars: told by the provider, else computed from list prices. Calls whose price is unknown count nothing.",
        width=4,
        unit="currencyUSD",
        sql=f"SELECT sum(c.cost_usd) AS cost_usd {FROM_CALLS}",
    ),
)

COURSE = (
    Series(
        title="Calls by status",
        why="When traffic came, and when it began to fail.",
        width=12,
        is_count=True,
        has_metric=True,
        colors=STATUS_COLORS,
        sql=f"""
SELECT {bucket()} AS time, c.status AS metric, count(*) {VALUE}
{FROM_CALLS}
GROUP BY 1, 2
ORDER BY 1, 2""",
    ),
    Series(
        title="Duration",
        why="How long calls took, by their start; polls for a video's state are left out.",
        width=12,
        unit="ms",
        names={"p50": "median", "p95": "p95", "p99": "p99"},
        sql=percentiles("c.duration_ms", f"{FROM_CALLS} AND {IS_TIMED}", by={"time": bucket()}),
    ),
)

GROUPS = (
    Table(
        title="By model",
        why="Which models are used, and how they do.",
        width=12,
        height=9,
        sql=by_group(MODEL, "model"),
        columns=("model", "calls", "error_rate", "p95", "output_tokens", "cost_usd"),
    ),
    Table(
        title="By service",
        why="Which applications call, and how they do.",
        width=12,
        height=9,
        sql=by_group("c.service", "service"),
        columns=("service", "calls", "error_rate", "p95", "output_tokens", "cost_usd"),
    ),
)

NEWEST = Table(
    title="Newest calls",
    why="The hundred newest, with their traces.",
    width=24,
    height=12,
    columns=(
        "time",
        "request_id",
        "operation",
        "model",
        "service",
        "status",
        "duration_ms",
        "time_to_first_chunk_ms",
        "input_tokens",
        "output_tokens",
        "cost_usd",
        "trace_id",
    ),
    sql=f"""
SELECT {started("c.order_ms")}, c.request_id, c.operation, coalesce(c.model, '{NONE}') AS model, c.service, c.status, c.duration_ms,
       c.time_to_first_chunk_ms, c.input_tokens, c.output_tokens, c.cost_usd, c.trace_id
{FROM_CALLS}
ORDER BY c.order_ms DESC
LIMIT 100""",
)

BOARD = Board(
    slug="overview",
    title="Overview",
    why="Is it used, does it work, how fast is it, what does it cost.",
    sections=(
        Section(title="In the time range", lines=(FIGURES, COURSE)),
        Section(title="Who and what", lines=(GROUPS,)),
        Section(title="Calls", lines=((NEWEST,),)),
    ),
)
