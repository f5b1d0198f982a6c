"""
The views: `chunks` takes packed chunks apart, `trace_health` looks for missing parents.

Revision 0002, after 0001. Released: never edited again; what changes is a new revision.
Both engines give the same rows. The window is partitioned by (project, request_id), so that a condition on either
reaches the index; only JSON is read differently.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What a chunk event's type says of its text; other dialects keep their own type names.
KINDS = {
    "text:chunk:content": "content",
    "text:chunk:thinking": "thinking",
    "text:chunk:tool-call": "tool_call",
    "text:chunk:tool-result": "tool_result",
    "response.output_text.delta": "content",
    "response.refusal.delta": "content",
    "response.reasoning_text.delta": "thinking",
    "response.reasoning_summary_text.delta": "thinking",
    "response.audio.transcript.delta": "content",
    "response.function_call_arguments.delta": "tool_call",
    "response.custom_tool_call_input.delta": "tool_call",
    "response.mcp_call_arguments.delta": "tool_call",
    "response.code_interpreter_call_code.delta": "tool_call",
    "output_text_delta": "content",
    "OutputText": "content",
}
# The members that hold one piece of text, the first that is there: a delta, a piece of arguments, a tool's result.
PIECES = ("delta", "arguments", "result")
# An offset beyond thirty years is none: two of them would be farther apart than a double can tell, an error on PostgreSQL.
FARTHEST_OFFSET_MS = "1e12"
# aisbreaker's text, which is a piece only where it says so.
SQLITE_OUTPUT_TEXT = """
    CASE WHEN e.type = 'OutputText' AND json_type(e.payload, '$.isDelta') = 'true' THEN json_extract(e.payload, '$.content') END
"""
POSTGRESQL_OUTPUT_TEXT = """
    CASE WHEN e.type = 'OutputText' AND e.payload::json ->> 'isDelta' = 'true' THEN e.payload::json ->> 'content' END
"""

CHUNKS = """
CREATE VIEW chunks AS
SELECT project, request_id, n, at_ms,
       at_ms - lag(at_ms) OVER (PARTITION BY project, request_id ORDER BY n) AS gap_ms,
       kind, delta, message_id, tool_call_id
FROM (
    SELECT project, request_id,
           row_number() OVER (PARTITION BY project, request_id
                              ORDER BY event_ms, event_sequence, arrival, place) AS n,
           at_ms, kind, delta, message_id, tool_call_id
    FROM ({pieces}) AS pieces
    WHERE delta IS NOT NULL
) AS numbered
"""

SQLITE_PIECES = """
    SELECT e.project, e.request_id, e.arrival, e.message_id, e.tool_call_id,
           e.timestamp + coalesce(e.fraction, 0) AS event_ms,
           coalesce(e.sequence, 0) AS event_sequence,
           coalesce(c.key, 0) AS place,
           e.timestamp + coalesce(e.fraction, 0) + CASE WHEN json_type(c.value, '$.offsetMs') IN ('integer', 'real')
                AND abs(json_extract(c.value, '$.offsetMs')) <= {farthest}
               THEN json_extract(c.value, '$.offsetMs') ELSE 0 END AS at_ms,
           CASE e.type {kinds} END AS kind,
           CASE WHEN c.value IS NULL THEN coalesce({single}) ELSE json_extract(c.value, '$.delta') END AS delta
    FROM events AS e LEFT JOIN json_each(
        e.payload, CASE json_type(e.payload, '$.chunks') WHEN 'array' THEN '$.chunks' ELSE '$.chunks.none' END
    ) AS c ON c.type = 'object'
    WHERE e.request_id IS NOT NULL AND e.type IN ({types})
"""

POSTGRESQL_PIECES = """
    SELECT e.project, e.request_id, e.arrival, e.message_id, e.tool_call_id,
           e.timestamp + coalesce(e.fraction, 0) AS event_ms,
           coalesce(e.sequence, 0) AS event_sequence,
           coalesce(c.place, 0) AS place,
           e.timestamp + coalesce(e.fraction, 0) + CASE WHEN json_typeof(c.value -> 'offsetMs') = 'number'
               THEN CASE WHEN abs((c.value ->> 'offsetMs')::numeric) <= {farthest}
                         THEN (c.value ->> 'offsetMs')::double precision ELSE 0 END
               ELSE 0 END AS at_ms,
           CASE e.type {kinds} END AS kind,
           CASE WHEN c.value IS NULL THEN coalesce({single}) ELSE c.value ->> 'delta' END AS delta
    FROM events AS e LEFT JOIN LATERAL json_array_elements(
        CASE WHEN json_typeof(e.payload::json -> 'chunks') = 'array' THEN e.payload::json -> 'chunks' END
    ) WITH ORDINALITY AS c (value, place) ON json_typeof(c.value) = 'object'
    WHERE e.request_id IS NOT NULL AND e.type IN ({types})
"""

TRACE_HEALTH = """
CREATE VIEW trace_health AS
SELECT h.project, h.request_id, c.trace_id,
       h.missing_terminal, h.missing_start, h.missing_usage, h.late, h.skew_ms,
       (c.parent_request_id IS NOT NULL AND NOT EXISTS (
           SELECT 1 FROM calls AS p WHERE p.project = c.project AND p.request_id = c.parent_request_id
       )) AS orphan_parent,
       h.truncated, h.sequence_gap
FROM call_health AS h JOIN calls AS c ON c.project = h.project AND c.request_id = h.request_id
"""


def upgrade() -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    single = "json_extract(e.payload, '$.{}')" if on_sqlite else "e.payload::json ->> '{}'"
    output_text = SQLITE_OUTPUT_TEXT if on_sqlite else POSTGRESQL_OUTPUT_TEXT
    pieces = (SQLITE_PIECES if on_sqlite else POSTGRESQL_PIECES).format(
        kinds=" ".join(f"WHEN '{type_}' THEN '{kind}'" for type_, kind in KINDS.items()),
        types=", ".join(f"'{type_}'" for type_ in KINDS),
        farthest=FARTHEST_OFFSET_MS,
        single=", ".join([*(single.format(piece) for piece in PIECES), output_text]),
    )
    connection = op.get_bind()
    # Straight to the driver: a text() would read `::` and `:word` as parameters.
    connection.exec_driver_sql(CHUNKS.format(pieces=pieces))
    connection.exec_driver_sql(TRACE_HEALTH)


def downgrade() -> None:
    op.execute("DROP VIEW trace_health")
    op.execute("DROP VIEW chunks")
