"""
The tools that models call: how often they run, how long they take, how they fail, and which never ran.
"""

from grafana.boards import Board, Section
from grafana.panels import Series, Stat, Table
from grafana.queries import CHOSEN, FROM_TOOLS, MODEL, VALUE, bucket, percentiles, started

FAILURE_RATE = "1.0 * count(CASE WHEN t.status = 'error' THEN 1 END) / nullif(count(*), 0)"
TIMED = f"{FROM_TOOLS} AND t.duration_ms IS NOT NULL"
TOOL = "coalesce(t.tool_name, '(none)')"
NOT_RUN = f"""FROM tool_calls AS t JOIN calls AS c ON c.project = t.project AND c.request_id = t.request_id
WHERE t.status IN ('requested', 'waiting') AND {CHOSEN}
  AND NOT EXISTS (SELECT 1 FROM tool_calls AS o WHERE o.project = t.project AND o.tool_call_id = t.tool_call_id
      AND o.status IN ('ok', 'error'))"""
RUNS = ("time", "tool_name", "status", "duration_ms", "error", "request_id", "model", "service", "trace_id")
ASKED = tuple(name for name in RUNS if name not in {"duration_ms", "error"})


def _rows(columns: tuple[str, ...]) -> str:
    """What is told of a tool call."""
    told = {
        "time": started("coalesce(t.start_ms, c.order_ms)"),
        "tool_name": f"{TOOL} AS tool_name",
        "model": f"{MODEL} AS model",
        "service": "c.service",
        "trace_id": "c.trace_id",
    }
    return ", ".join(told.get(name, f"t.{name}") for name in columns)


FIGURES = (
    Stat(
        title="Tool runs", why="Tools that were seen to run, well or badly.", width=6, sql=f"SELECT count(*) AS runs {FROM_TOOLS}"
    ),
    Stat(
        title="Failure rate",
        why="Runs that ended in an error.",
        width=6,
        unit="percentunit",
        steps=((0.05, "yellow"), (0.2, "red")),
        sql=f"SELECT {FAILURE_RATE} AS failure_rate {FROM_TOOLS}",
    ),
    Stat(
        title="Duration, p95",
        why="19 of 20 runs took less.",
        width=6,
        unit="ms",
        steps=((5_000.0, "yellow"), (20_000.0, "red")),
        sql=percentiles("t.duration_ms", TIMED, by={}, shares=("p95",)),
    ),
    Stat(
        title="Not seen to run",
        why="The model asked for a tool and nobody told what came of it: it waits for a client or a person, it was "
        "dropped, or the application runs tools without telling.",
        width=6,
        sql=f"SELECT count(*) AS calls {NOT_RUN}",
    ),
)
COURSE = (
    Series(
        title="Runs by tool",
        why="What the models use, and how often.",
        width=12,
        is_count=True,
        has_metric=True,
        sql=f"SELECT {bucket()} AS time, {TOOL} AS metric, count(*) {VALUE}\n{FROM_TOOLS}\nGROUP BY 1, 2\nORDER BY 1, 2",
    ),
    Series(
        title="Duration by tool, p95",
        why="Which tool makes answers slow.",
        width=12,
        unit="ms",
        has_metric=True,
        sql=f"SELECT time, metric, p95 {VALUE} FROM ("
        f"{percentiles('t.duration_ms', TIMED, by={'time': bucket(), 'metric': TOOL}, shares=('p95',))}"
        ") AS by_tool ORDER BY time, metric",
    ),
)
TOOLS = Table(
    title="By tool",
    why="How each tool does.",
    width=24,
    columns=("tool_name", "runs", "errors", "error_rate", "p50", "p95", "slowest_ms"),
    sorted_by="runs",
    sql=f"""
SELECT counted.*, timed.p50, timed.p95, timed.slowest_ms
FROM (SELECT {TOOL} AS tool_name, count(*) AS runs, count(CASE WHEN t.status = 'error' THEN 1 END) AS errors,
        {FAILURE_RATE} AS error_rate
    {FROM_TOOLS}
    GROUP BY {TOOL}) AS counted
LEFT JOIN ({percentiles("t.duration_ms", TIMED, by={"timed_tool": TOOL}, shares=("p50", "p95"), more="max(measured) AS slowest_ms")})
    AS timed ON timed.timed_tool = counted.tool_name
ORDER BY counted.runs DESC
LIMIT 50""",
)
FAILED = Table(
    title="Failed runs",
    why="The fifty newest, with their traces. A failed tool does not make its call fail.",
    width=24,
    columns=RUNS,
    sql=f"SELECT {_rows(RUNS)}\n{FROM_TOOLS} AND t.status = 'error'\nORDER BY 1 DESC\nLIMIT 50",
)
SLOWEST = Table(
    title="Slowest runs",
    why="Fifty, with their traces.",
    width=24,
    columns=RUNS,
    sql=f"SELECT {_rows(RUNS)}\n{TIMED}\nORDER BY t.duration_ms DESC\nLIMIT 50",
)
PENDING = Table(
    title="Not seen to run",
    why="The fifty newest that the model asked for and that nobody told the end of.",
    width=24,
    columns=ASKED,
    sql=f"SELECT {_rows(ASKED)}\n{NOT_RUN}\nORDER BY 1 DESC\nLIMIT 50",
)

BOARD = Board(
    slug="tools",
    title="Tools",
    why="The tools that models call: how often they run, how long they take, how they fail. Filters are those of the call they belong to.",
    sections=(
        Section(title="In the time range", lines=(FIGURES, COURSE, (TOOLS,))),
        Section(title="Runs", lines=((FAILED,), (SLOWEST,), (PENDING,))),
    ),
)
