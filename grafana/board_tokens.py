"""
What is used and what it costs: by model, by application, by user, and the most expensive calls.
"""

from grafana.boards import Board, Section
from grafana.panels import Series, Stat, Table
from grafana.queries import CHOSEN, FROM_CALLS, MODEL, NONE, VALUE, bucket, started

UNPRICED = "count(CASE WHEN c.cost_usd IS NULL AND c.usage_source = 'provider' THEN 1 END)"
USED = "(c.input_tokens IS NOT NULL OR c.output_tokens IS NOT NULL OR c.cost_usd IS NOT NULL)"
SUMS = f"""count(*) AS calls, sum(c.input_tokens) AS input_tokens, sum(c.cache_read_tokens) AS cache_read_tokens,
       sum(c.output_tokens) AS output_tokens, sum(c.cost_usd) AS cost_usd, {UNPRICED} AS unpriced"""

FIGURES = (
    Stat(
        title="Input tokens",
        why="All of them, cached ones included.",
        width=4,
        sql=f"SELECT sum(c.input_tokens) AS tokens {FROM_CALLS}",
    ),
    Stat(
        title="Output tokens",
        why="Reasoning included, which is paid for too.",
        width=4,
        sql=f"SELECT sum(c.output_tokens) AS tokens {FROM_CALLS}",
    ),
    Stat(
        title="From cache",
        why="The share of input tokens that the provider read from its cache, which is cheaper.",
        width=4,
        unit="percentunit",
        sql=f"SELECT 1.0 * coalesce(sum(c.cache_read_tokens), 0) / nullif(sum(c.input_tokens), 0) AS share {FROM_CALLS}",
    ),
    Stat(
        title="Cost",
        why="US dollars: told by the provider, else computed from list prices.",
        width=4,
        unit="currencyUSD",
        sql=f"SELECT sum(c.cost_usd) AS cost_usd {FROM_CALLS}",
    ),
    Stat(
        title="Cost of a call",
        why="The mean over the calls whose price is known.",
        width=4,
        unit="currencyUSD",
        sql=f"SELECT avg(c.cost_usd) AS cost_usd {FROM_CALLS}",
    ),
    Stat(
        title="Unpriced calls",
        why="Calls that used tokens and whose price is unknown: the cost shown lacks them.",
        width=4,
        steps=((1.0, "yellow"),),
        sql=f"SELECT {UNPRICED} AS calls {FROM_CALLS}",
    ),
)
COURSE = (
    Series(
        title="Tokens by kind",
        why="Five disjoint kinds: together they are all tokens, each counted once.",
        width=12,
        is_count=True,
        names={
            "fresh_input": "input",
            "cache_read": "input from cache",
            "cache_write": "input written to cache",
            "output": "output",
            "reasoning": "reasoning",
        },
        sql=f"""
SELECT {bucket()} AS time,
       sum(coalesce(c.input_tokens, 0) - coalesce(c.cache_read_tokens, 0) - coalesce(c.cache_write_tokens, 0)) AS fresh_input,
       sum(coalesce(c.cache_read_tokens, 0)) AS cache_read, sum(coalesce(c.cache_write_tokens, 0)) AS cache_write,
       sum(coalesce(c.output_tokens, 0) - coalesce(c.reasoning_tokens, 0)) AS output, sum(coalesce(c.reasoning_tokens, 0)) AS reasoning
{FROM_CALLS}
GROUP BY 1
ORDER BY 1""",
    ),
    Series(
        title="Cost by model",
        why="Which model the money goes to.",
        width=12,
        is_count=True,
        has_metric=True,
        unit="currencyUSD",
        sql=f"""
SELECT {bucket()} AS time, {MODEL} AS metric, sum(c.cost_usd) {VALUE}
{FROM_CALLS} AND c.cost_usd IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2""",
    ),
)
GROUPS = (
    Table(
        title="By model",
        why="What each model used.",
        width=24,
        height=8,
        sorted_by="cost_usd",
        columns=("provider", "model", "calls", "input_tokens", "cache_read_tokens", "output_tokens", "cost_usd", "unpriced"),
        sql=f"""
SELECT coalesce(c.provider, '{NONE}') AS provider, {MODEL} AS model, {SUMS}
{FROM_CALLS} AND {USED}
GROUP BY 1, 2
ORDER BY coalesce(sum(c.cost_usd), 0) DESC
LIMIT 50""",
    ),
    Table(
        title="By service and user",
        why="Who used it.",
        width=24,
        height=8,
        sorted_by="cost_usd",
        columns=("service", "user_id", "calls", "input_tokens", "cache_read_tokens", "output_tokens", "cost_usd", "unpriced"),
        sql=f"""
SELECT c.service, coalesce(c.user_id, '{NONE}') AS user_id, {SUMS}
{FROM_CALLS} AND {USED}
GROUP BY 1, 2
ORDER BY coalesce(sum(c.cost_usd), 0) DESC
LIMIT 50""",
    ),
)
DEAREST = Table(
    title="Most expensive calls",
    why="Fifty, with their traces.",
    width=24,
    height=10,
    columns=(
        "time",
        "request_id",
        "operation",
        "model",
        "service",
        "user_id",
        "input_tokens",
        "output_tokens",
        "cost_usd",
        "trace_id",
    ),
    sql=f"""
SELECT {started("c.order_ms")}, c.request_id, c.operation, coalesce(c.model, '{NONE}') AS model, c.service, c.user_id, c.input_tokens,
       c.output_tokens, c.cost_usd, c.trace_id
{FROM_CALLS} AND {USED}
ORDER BY coalesce(c.cost_usd, 0) DESC, coalesce(c.output_tokens, 0) DESC
LIMIT 50""",
)
WITHOUT_USAGE = Table(
    title="Calls without a usage",
    why="The provider did not say what they used, so no figure here has them. Streams that were left early, for the most part.",
    width=24,
    height=8,
    columns=("time", "request_id", "operation", "model", "service", "status", "trace_id"),
    sql=f"""
SELECT {started("c.order_ms")}, c.request_id, c.operation, coalesce(c.model, '{NONE}') AS model, c.service, c.status, c.trace_id
FROM calls AS c JOIN trace_health AS h ON h.project = c.project AND h.request_id = c.request_id
WHERE h.missing_usage AND {CHOSEN}
ORDER BY c.order_ms DESC
LIMIT 50""",
)

BOARD = Board(
    slug="tokens",
    title="Tokens and cost",
    why="What is used and what it costs. A call is counted once: an agent run has no tokens of its own.",
    since="now-24h",
    sections=(
        Section(title="In the time range", lines=(FIGURES, COURSE)),
        Section(title="Who and what", lines=tuple((table,) for table in GROUPS)),
        Section(title="Calls", lines=((DEAREST,), (WITHOUT_USAGE,))),
    ),
)
