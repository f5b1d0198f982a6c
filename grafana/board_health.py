"""
Is the collector itself well: do events come in, are calls assembled, do spans get out, is the record whole.
"""

from grafana.boards import Board, Section
from grafana.engines import NOW_MS
from grafana.panels import Metric, Series, Stat, Table
from grafana.queries import IN_PROJECT, VALUE, bucket

FLAWS = {
    "missing_terminal": "its end never came",
    "missing_start": "its start never came",
    "missing_usage": "no token usage",
    "late": "events came after it was settled",
    "orphan_parent": "its parent call is not here",
    "truncated": "messages were cut",
    "sequence_gap": "events were lost",
}
EVENTS = f"FROM events AS e WHERE e.{IN_PROJECT} AND e.timestamp BETWEEN $__from AND $__to"
HEALTH = f"""FROM trace_health AS h JOIN calls AS c ON c.project = h.project AND c.request_id = h.request_id
WHERE c.{IN_PROJECT} AND c.order_ms BETWEEN $__from AND $__to"""
HAS_FLAW = f"({' OR '.join(f'h.{flaw}' for flaw in FLAWS)} OR h.skew_ms IS NOT NULL)"


def _flaw_counts() -> str:
    """A row for each flaw, from one look at the calls."""
    is_there = {text: f"h.{flaw}" for flaw, text in FLAWS.items()} | {"start and duration disagree": "h.skew_ms IS NOT NULL"}
    sums = ", ".join(f"count(CASE WHEN {condition} THEN 1 END) AS n{n}" for n, condition in enumerate(is_there.values()))
    names = " UNION ALL ".join(f"SELECT {n} AS n, '{text}' AS flaw" for n, text in enumerate(is_there))
    picked = " ".join(f"WHEN {n} THEN s.n{n}" for n in range(len(is_there)))
    return f"""
SELECT f.flaw, CASE f.n {picked} END AS calls
FROM (SELECT {sums}
    {HEALTH}) AS s
CROSS JOIN ({names}) AS f
ORDER BY calls DESC, f.flaw"""


def _flaws_of_a_call() -> str:
    cases = [f"CASE WHEN h.{flaw} THEN '{text}; ' ELSE '' END" for flaw, text in FLAWS.items()]
    return " || ".join([*cases, "CASE WHEN h.skew_ms IS NOT NULL THEN 'start and duration disagree; ' ELSE '' END"])


def _spans(state: str) -> str:
    return f"SELECT count(*) AS spans FROM exports WHERE {IN_PROJECT} AND state = '{state}'"


FIGURES = (
    Stat(
        title="Newest event",
        why="How long ago the newest event came in, whatever the time range.",
        width=5,
        unit="s",
        sql=f"SELECT ({NOW_MS} - received_at) / 1000.0 AS age_s FROM events ORDER BY arrival DESC LIMIT 1",
    ),
    Stat(
        title="Open calls",
        why="Calls that are not settled yet: they run, or their last events are a moment old.",
        width=5,
        sql=f"SELECT count(*) AS calls FROM call_work WHERE {IN_PROJECT}",
    ),
    Stat(
        title="Assembly behind",
        why="How long the oldest call that is due waits to be assembled. Seconds are normal, minutes are not.",
        width=5,
        unit="s",
        steps=((30.0, "yellow"), (300.0, "red")),
        sql=f"SELECT coalesce(max(CASE WHEN due_ms < {NOW_MS} THEN {NOW_MS} - due_ms ELSE 0 END), 0) / 1000.0 AS late_s FROM call_work",
    ),
    Stat(
        title="Spans waiting",
        why="To be sent to the trace backend. They wait here while it is away; none is lost.",
        width=5,
        steps=((1_000.0, "yellow"), (100_000.0, "red")),
        sql=_spans("pending"),
    ),
    Stat(
        title="Dead letters",
        why="Spans that the trace backend refused for good. See the reasons below.",
        width=4,
        steps=((1.0, "red"),),
        sql=_spans("dead"),
    ),
)
COURSE = (
    Series(
        title="Events by service",
        why="Who sends, and who stopped.",
        width=12,
        is_count=True,
        has_metric=True,
        sql=f"SELECT {bucket('e.timestamp')} AS time, e.service AS metric, count(*) {VALUE}\n{EVENTS}\nGROUP BY 1, 2\nORDER BY 1, 2",
    ),
    Series(
        title="From event to receipt",
        why="How long events are on their way, by their sender's clock: a growing delay is a sender that "
        "cannot deliver, a constant or negative one a clock that is wrong.",
        width=12,
        unit="ms",
        names={"mean_ms": "mean", "longest_ms": "longest"},
        sql=f"""
SELECT {bucket("e.timestamp")} AS time, avg(e.received_at - e.timestamp) AS mean_ms, 1.0 * max(e.received_at - e.timestamp) AS longest_ms
{EVENTS}
GROUP BY 1
ORDER BY 1""",
    ),
)
PROCESS = (
    Metric(
        title="Events a second",
        why="What the collector took in, and what it did with it. Rejections are the sender's mistake.",
        width=8,
        unit="cps",
        series=(
            ("sum(rate(hookline_events_accepted_total[$__rate_interval]))", "stored"),
            ("sum(rate(hookline_events_duplicates_total[$__rate_interval]))", "sent twice"),
            ("sum by (code) (rate(hookline_events_rejected_total[$__rate_interval]))", "rejected: {{code}}"),
        ),
    ),
    Metric(
        title="Waiting for a commit",
        why="Events in the queue. At its limit new ones are turned away until the database is back.",
        width=8,
        series=(("sum(hookline_queue_events)", "events"),),
    ),
    Metric(
        title="Behind",
        why="Since the last commit while something waits, and the wait of the oldest due call. More than 15 s without a "
        "commit makes /readyz fail.",
        width=8,
        unit="s",
        series=(("max(hookline_commit_age_seconds)", "commit"), ("max(hookline_oldest_due_work_seconds)", "assembly")),
    ),
)
EXPORTS = (
    Table(
        title="Spans by destination",
        why="What has reached the trace backend, whatever the time range.",
        width=24,
        height=7,
        columns=("destination", "state", "spans", "attempts", "reason"),
        sql=f"""
SELECT destination, state, count(*) AS spans, max(attempts) AS attempts, max(reason) AS reason
FROM exports
WHERE {IN_PROJECT}
GROUP BY destination, state
ORDER BY destination, state""",
    ),
    Table(
        title="Dead letters",
        why="The fifty newest spans that were refused for good. `hookline export --retry-dead` sends them again, "
        "when what the reason says is mended.",
        width=24,
        height=7,
        columns=("destination", "attempts", "reason", "request_id", "trace_id"),
        sql=f"""
SELECT destination, attempts, reason, request_id, trace_id
FROM exports
WHERE {IN_PROJECT} AND state = 'dead'
ORDER BY export_id DESC
LIMIT 50""",
    ),
)
RECORD = (
    Table(
        title="What the record lacks",
        why="Calls whose record is not whole, by flaw. A call may have several.",
        width=8,
        height=10,
        columns=("flaw", "calls"),
        sql=_flaw_counts(),
    ),
    Table(
        title="Calls whose record is not whole",
        why="The fifty newest, with their traces.",
        width=16,
        height=10,
        columns=("time", "request_id", "flaws", "trace_id"),
        sql=f"""
SELECT c.order_ms / 1000.0 AS time, c.request_id, {_flaws_of_a_call()} AS flaws, c.trace_id
{HEALTH} AND {HAS_FLAW}
ORDER BY c.order_ms DESC
LIMIT 50""",
    ),
)
SENDERS = Table(
    title="Senders",
    why="Every application that ever sent, the newest first.",
    width=24,
    columns=("service", "environment", "sdk", "host", "first_seen_ms"),
    sql=f"""
SELECT service, :attribute(deployment.environment.name) AS environment, :attribute(telemetry.sdk.name) AS sdk,
       :attribute(host.name) AS host, first_seen_ms
FROM resources
WHERE {IN_PROJECT}
ORDER BY first_seen_ms DESC
LIMIT 100""",
)

BOARD = Board(
    slug="health",
    title="Collector health",
    why="Do events come in, are calls assembled, do spans get out, is the record whole.",
    has_call_filters=False,
    sections=(
        Section(title="Now", lines=(FIGURES,)),
        Section(title="Events in", lines=(COURSE,)),
        Section(title="The process, from Prometheus", lines=(PROCESS,)),
        Section(title="Spans out", lines=tuple((table,) for table in EXPORTS)),
        Section(title="The record", lines=(RECORD, (SENDERS,))),
    ),
)
