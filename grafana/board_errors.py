"""
What went wrong: how often, which errors, of which model, and the calls themselves.
"""

from grafana.board_overview import ERROR_STEPS
from grafana.boards import Board, Section
from grafana.panels import Series, Stat, Table
from grafana.queries import ERROR_RATE, FROM_CALLS, IS_FAILED, MODEL, NONE, VALUE, bucket, started

ERROR = "coalesce(c.error_type, c.status)"


def _count(title: str, status: str, why: str, color: str) -> Stat:
    return Stat(
        title=title,
        why=why,
        width=6,
        steps=((1.0, color),),
        sql=f"SELECT count(*) AS calls {FROM_CALLS} AND c.status = '{status}'",
    )


FIGURES = (
    Stat(
        title="Error rate",
        why="Calls that ended as error or incomplete, among those that ended.",
        width=6,
        unit="percentunit",
        steps=ERROR_STEPS,
        sql=f"SELECT {ERROR_RATE} AS error_rate {FROM_CALLS}",
    ),
    _count("Errors", "error", "The provider refused or failed, or the SDK raised.", "red"),
    _count("Incomplete", "incomplete", "Calls whose end never came: the application died, or its events were lost.", "orange"),
    _count("Aborted", "aborted", "Streams that the application left early. Not errors, but tokens were paid for.", "yellow"),
)
COURSE = (
    Series(
        title="Failed calls by error",
        why="What began to fail, and when.",
        width=12,
        is_count=True,
        has_metric=True,
        sql=f"""
SELECT {bucket()} AS time, {ERROR} AS metric, count(*) {VALUE}
{FROM_CALLS} AND {IS_FAILED}
GROUP BY 1, 2
ORDER BY 1, 2""",
    ),
    Series(
        title="Error rate by provider",
        why="Is it one provider, or us?",
        width=12,
        unit="percentunit",
        has_metric=True,
        sql=f"""
SELECT {bucket()} AS time, coalesce(c.provider, '{NONE}') AS metric, {ERROR_RATE} {VALUE}
{FROM_CALLS} AND c.status <> 'running'
GROUP BY 1, 2
ORDER BY 1, 2""",
    ),
)
KINDS = Table(
    title="Kinds of errors",
    why="The most frequent first, with one of their messages.",
    width=24,
    sorted_by="calls",
    columns=("error_type", "provider", "model", "calls", "last_ms", "error_message"),
    sql=f"""
SELECT {ERROR} AS error_type, coalesce(c.provider, '{NONE}') AS provider, {MODEL} AS model, count(*) AS calls,
       max(c.order_ms) AS last_ms, max(c.error_message) AS error_message
{FROM_CALLS} AND {IS_FAILED}
GROUP BY 1, 2, 3
ORDER BY calls DESC
LIMIT 50""",
)
CALLS = Table(
    title="Calls that failed or were left early",
    why="The hundred newest, with their traces.",
    width=24,
    height=12,
    columns=(
        "time",
        "request_id",
        "model",
        "service",
        "status",
        "error_type",
        "error_message",
        "duration_ms",
        "trace_id",
    ),
    sql=f"""
SELECT {started("c.order_ms")}, c.request_id, coalesce(c.model, '{NONE}') AS model, c.service, c.status,
       c.error_type, c.error_message, c.duration_ms, c.trace_id
{FROM_CALLS} AND c.status IN ('error', 'incomplete', 'aborted')
ORDER BY c.order_ms DESC
LIMIT 100""",
)

BOARD = Board(
    slug="errors",
    title="Errors",
    why="What went wrong: how often, which errors, of which model, and the calls themselves. Failed tools: the dashboard on tools.",
    sections=(
        Section(title="In the time range", lines=(FIGURES, COURSE)),
        Section(title="Which", lines=((KINDS,), (CALLS,))),
    ),
)
