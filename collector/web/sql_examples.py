"""
Statements to begin with on the SQL view.

Flow: **here** -> the view -> POST /v1/sql. Tests run each on both engines.
"""

from typing import NamedTuple


class Example(NamedTuple):
    """A question and the statement that answers it."""

    question: str
    sql: str


EXAMPLES: tuple[Example, ...] = (
    Example(
        "What did each model cost, and how long did it take?",
        """SELECT model, count(*) AS calls, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
       round(avg(duration_ms)) AS mean_ms, sum(cost_usd) AS cost_usd
FROM calls
GROUP BY model
ORDER BY calls DESC;""",
    ),
    Example(
        "Which calls went wrong lately?",
        """SELECT request_id, operation, model, status, error_type, error_message, duration_ms
FROM calls
WHERE status IN ('error', 'aborted', 'incomplete')
ORDER BY start_ms DESC
LIMIT 20;""",
    ),
    Example(
        "Where did a stream stall?",
        """SELECT request_id, n, gap_ms, delta
FROM chunks
WHERE gap_ms IS NOT NULL
ORDER BY gap_ms DESC
LIMIT 20;""",
    ),
    Example(
        "Which tools are called, how slow are they, do they fail?",
        """SELECT tool_name, count(*) AS calls, sum(CASE WHEN status = 'error' THEN 1 ELSE 0 END) AS errors,
       max(duration_ms) AS slowest_ms
FROM tool_calls
GROUP BY tool_name
ORDER BY calls DESC;""",
    ),
    Example(
        "What is wrong with the record itself?",
        """SELECT c.operation, c.model, h.*
FROM trace_health h
JOIN calls c ON c.project = h.project AND c.request_id = h.request_id
WHERE h.missing_terminal OR h.missing_start OR h.missing_usage OR h.orphan_parent OR h.truncated OR h.sequence_gap;""",
    ),
    Example(
        "Calls, tokens and cost, hour by hour",
        """SELECT floor(start_ms / 3600000) * 3600000 AS hour_ms, count(*) AS calls, sum(output_tokens) AS output_tokens,
       sum(cost_usd) AS cost_usd, avg(duration_ms) AS mean_duration_ms
FROM calls
WHERE start_ms IS NOT NULL
GROUP BY 1
ORDER BY 1;""",
    ),
    Example(
        "Which senders are there?",
        "SELECT service, attributes FROM resources ORDER BY first_seen_ms;",
    ),
)

FIRST = """SELECT start_ms, operation, model, status, duration_ms, input_tokens, output_tokens, cost_usd, request_id
FROM calls
ORDER BY start_ms DESC
LIMIT 100;"""
"""What the editor has at first."""
