"""
What somebody should be woken for, as SQL that gives one figure, and from where on it is too much.

Flow: **ALERTS** -> provisioning -> Grafana's alerting, for each engine. Prometheus has its own rules: prometheus/alerts.yaml.
The queries look at the present by the database's clock and need no filter of a dashboard: they are for all projects together.
"""

from dataclasses import dataclass

from grafana.engines import NOW_MS
from grafana.queries import ERROR_RATE, IS_TIMED, percentiles

WINDOW_MS = 15 * 60_000
FEWEST_CALLS = 10
"""One failure among three calls is no alert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Fires when the query's only figure is above the threshold for `lasts`."""

    uid: str
    title: str
    summary: str
    description: str
    sql: str
    threshold: float
    lasts: str
    severity: str


_RECENT = f"FROM calls AS c WHERE c.order_ms > {NOW_MS} - {WINDOW_MS}"
# No figure where there are too few calls would be "no data"; nought is the truth: nothing is wrong that one could tell.
_ENOUGH = f"(SELECT count(*) {_RECENT} AND c.status <> 'running') >= {FEWEST_CALLS}"

ALERTS = (
    Alert(
        uid="hookline-error-rate",
        title="Calls fail",
        summary="More than a tenth of the calls of the last 15 minutes failed.",
        description="Look at the dashboard Errors: is it one provider, one model, one application?",
        sql=f"SELECT CASE WHEN {_ENOUGH} THEN coalesce((SELECT {ERROR_RATE} {_RECENT}), 0.0) ELSE 0.0 END AS error_rate",
        threshold=0.1,
        lasts="5m",
        severity="critical",
    ),
    Alert(
        uid="hookline-p95",
        title="Calls are slow",
        summary="One of twenty calls of the last 15 minutes took more than 30 seconds.",
        description="Look at the dashboard Latency: is it one model? Set the threshold to what is slow for you.",
        sql=f"SELECT CASE WHEN {_ENOUGH} THEN coalesce(("
        f"{percentiles('c.duration_ms', f'{_RECENT} AND {IS_TIMED}', by={}, shares=('p95',))}), 0.0) ELSE 0.0 END AS p95_ms",
        threshold=30_000,
        lasts="5m",
        severity="warning",
    ),
    Alert(
        uid="hookline-ingest-stalled",
        title="No events come in",
        summary="Events came in during the last two hours, but none for 15 minutes.",
        description="Are the applications up, and do they reach the collector? `hookline doctor` tells. After two silent hours this "
        "is taken for a quiet time and the alert ends. Where nobody calls for a quarter of an hour, raise the threshold.",
        sql=f"""SELECT coalesce(max(CASE WHEN age_s < 7200.0 THEN age_s ELSE 0.0 END), 0.0) AS silent_s
FROM (SELECT ({NOW_MS} - received_at) / 1000.0 AS age_s FROM events ORDER BY arrival DESC LIMIT 1) AS newest""",
        threshold=900,
        lasts="1m",
        severity="critical",
    ),
    Alert(
        uid="hookline-assembly-stalled",
        title="Calls are not assembled",
        summary="A call has been due for more than five minutes.",
        description="Events are stored, but calls and spans are not made of them. Is the collector up? Look at its log.",
        sql=f"""SELECT coalesce(max(CASE WHEN due_ms < {NOW_MS} THEN {NOW_MS} - due_ms ELSE 0 END), 0) / 1000.0 AS late_s
FROM call_work""",
        threshold=300,
        lasts="1m",
        severity="critical",
    ),
    Alert(
        uid="hookline-dead-letters",
        title="The trace backend refuses spans",
        summary="Spans were refused for good within the last hour.",
        description="The calls are safe in SQL. The dashboard Collector health has the reasons.",
        sql=f"SELECT count(*) AS spans FROM exports WHERE state = 'dead' AND next_at > {NOW_MS} - 3600000",
        threshold=0,
        lasts="0s",
        severity="warning",
    ),
)
