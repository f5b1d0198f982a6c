"""
How long one waits: for the whole call, for the first piece of a stream, and for each token after it.
"""

from grafana.board_overview import SLOW_MS
from grafana.boards import Board, Section
from grafana.panels import Bars, Series, Stat, Table
from grafana.queries import FROM_CALLS, IS_STREAMED, IS_TIMED, MODEL, NONE, VALUE, bucket, percentiles, started

TIMED = f"{FROM_CALLS} AND {IS_TIMED}"
STREAMED = f"{FROM_CALLS} AND {IS_STREAMED}"
NAMES = {"p50": "median", "p95": "p95", "p99": "p99"}

# Upper bounds in seconds; a part of the buckets of OpenTelemetry's GenAI durations.
BOUNDS_S = (0.08, 0.32, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)


def _classes() -> str:
    whens = [f"WHEN c.duration_ms < {bound * 1000:.0f} THEN 'under {bound:g} s'" for bound in BOUNDS_S]
    return f"CASE {' '.join(whens)} ELSE 'longer' END"


FIGURES = (
    Stat(
        title="Duration",
        why="Of calls in the time range, polls for a video's state left out.",
        width=12,
        unit="ms",
        names=NAMES,
        steps=SLOW_MS,
        sql=percentiles("c.duration_ms", TIMED, by={}),
    ),
    Stat(
        title="Time to first chunk",
        why="Of streams: from the start of the call to the first piece.",
        width=12,
        unit="ms",
        names=NAMES,
        steps=((3_000.0, "yellow"), (10_000.0, "red")),
        sql=percentiles("c.time_to_first_chunk_ms", STREAMED, by={}),
    ),
)
COURSE = (
    Series(
        title="Duration",
        why="By the start of the call; polls for a video's state are left out.",
        width=12,
        unit="ms",
        names=NAMES,
        sql=percentiles("c.duration_ms", TIMED, by={"time": bucket()}),
    ),
    Series(
        title="Time to first chunk",
        why="By the start of the call; streams only.",
        width=12,
        unit="ms",
        names=NAMES,
        sql=percentiles("c.time_to_first_chunk_ms", STREAMED, by={"time": bucket()}),
    ),
)
MODELS = (
    Series(
        title="Duration by model, p95",
        why="Is it one model that is slow, or all of them?",
        width=12,
        unit="ms",
        has_metric=True,
        sql=f"SELECT time, metric, p95 {VALUE} FROM ("
        f"{percentiles('c.duration_ms', TIMED, by={'time': bucket(), 'metric': MODEL}, shares=('p95',))}"
        ") AS by_model ORDER BY time, metric",
    ),
    Series(
        title="Output speed by model",
        why="Output tokens a second after the first chunk, averaged over streams: how fast an answer grows.",
        width=12,
        unit="short",
        has_metric=True,
        sql=f"""
SELECT {bucket()} AS time, {MODEL} AS metric, avg(c.output_tokens * 1000.0 / (c.duration_ms - c.time_to_first_chunk_ms)) {VALUE}
{STREAMED} AND c.output_tokens > 0 AND c.duration_ms > c.time_to_first_chunk_ms
GROUP BY 1, 2
ORDER BY 1, 2""",
    ),
)
SPREAD = (
    Bars(
        title="How durations are spread",
        why="Two humps are two kinds of calls: look at them apart.",
        width=8,
        height=10,
        sql=f"""
SELECT class, calls
FROM (SELECT {_classes()} AS class, min(c.duration_ms) AS shortest, count(*) AS calls
    {TIMED}
    GROUP BY 1) AS classes
ORDER BY shortest""",
    ),
    Table(
        title="By operation and model",
        why="Where the time goes.",
        width=16,
        height=10,
        columns=("operation", "model", "calls", "p50", "p95", "p99", "slowest_ms"),
        sorted_by="p95",
        sql=percentiles(
            "c.duration_ms",
            TIMED,
            by={"operation": "c.operation", "model": MODEL},
            more="max(measured) AS slowest_ms, count(*) AS calls",
        ),
    ),
)
SLOWEST = Table(
    title="Slowest calls",
    why="Fifty, with their traces.",
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
        "output_tokens",
        "trace_id",
    ),
    sql=f"""
SELECT {started("c.order_ms")}, c.request_id, c.operation, coalesce(c.model, '{NONE}') AS model, c.service, c.status, c.duration_ms,
       c.time_to_first_chunk_ms, c.output_tokens, c.trace_id
{TIMED}
ORDER BY c.duration_ms DESC
LIMIT 50""",
)

BOARD = Board(
    slug="latency",
    title="Latency and time to first chunk",
    why="How long one waits for the whole call, for the first piece of a stream, and for each token after it.",
    sections=(
        Section(title="All calls", lines=(FIGURES, COURSE)),
        Section(title="Where the time goes", lines=(MODELS, SPREAD)),
        Section(title="Calls", lines=((SLOWEST,),)),
    ),
)
