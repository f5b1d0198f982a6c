"""
The view `chunks` puts pieces of one millisecond in the order of the text so far, where their sender tells no other.

Revision 0014, after 0013. Released: never edited again; what changes is a new revision.
TanStack AI's chunks have the length of the text so far, and on its bus no ids: those that came shuffled were joined as they came.
No table changes. On PostgreSQL the view is replaced where it stands, so that rights and views on it stay.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# As in 0002.
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
PIECES = ("delta", "arguments", "result")
FARTHEST_OFFSET_MS = "1e12"
SQLITE_OUTPUT_TEXT = """
    CASE WHEN e.type = 'OutputText' AND json_type(e.payload, '$.isDelta') = 'true' THEN json_extract(e.payload, '$.content') END
"""
NUMBERED = """
SELECT project, request_id, n, at_ms,
       at_ms - lag(at_ms) OVER (PARTITION BY project, request_id ORDER BY n) AS gap_ms,
       kind, delta, message_id, tool_call_id
FROM (
    SELECT project, request_id,
           row_number() OVER (PARTITION BY project, request_id ORDER BY event_ms, event_sequence, {order}arrival, place) AS n,
           at_ms, kind, delta, message_id, tool_call_id
    FROM ({pieces}) AS pieces
    WHERE delta IS NOT NULL
) AS numbered
"""
# Of one millisecond: each text stands where its first piece came, and its pieces by their length; others stay where they came.
BY_LENGTH = "lead, told_chars, "
LED = """
    SELECT project, request_id, event_ms, event_sequence, arrival, place, at_ms, kind, delta, message_id, tool_call_id,
           told_chars, CASE WHEN told_chars IS NULL THEN arrival ELSE min(CASE WHEN told_chars IS NOT NULL THEN arrival END)
               OVER (PARTITION BY project, request_id, event_ms, event_sequence, kind, message_id) END AS lead
    FROM ({pieces}) AS told
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
           {told}CASE WHEN c.value IS NULL THEN coalesce({single}) ELSE json_extract(c.value, '$.delta') END AS delta
    FROM events AS e LEFT JOIN json_each(
        e.payload, CASE json_type(e.payload, '$.chunks') WHEN 'array' THEN '$.chunks' ELSE '$.chunks.none' END
    ) AS c ON c.type = 'object'
    WHERE e.request_id IS NOT NULL AND e.type IN ({types})
"""
SQLITE_TOLD = """CASE WHEN e.type IN ('text:chunk:content', 'text:chunk:thinking') THEN CASE json_type(e.payload, '$.content')
               WHEN 'integer' THEN CASE WHEN json_extract(e.payload, '$.content') BETWEEN 0 AND 999999999999999
                                        THEN json_extract(e.payload, '$.content') END
               WHEN 'text' THEN length(json_extract(e.payload, '$.content')) END END AS told_chars,
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
           {told}CASE WHEN c.value IS NULL THEN {single} ELSE c.value ->> 'delta' END AS delta
    FROM events AS e {read}LEFT JOIN LATERAL json_array_elements({chunks})
        WITH ORDINALITY AS c (value, place) ON json_typeof(c.value) = 'object'
    WHERE e.request_id IS NOT NULL AND e.type IN ({types})
"""
POSTGRESQL_SINGLE = """coalesce({body} ->> 'delta', {body} ->> 'arguments', {body} ->> 'result',
    CASE WHEN e.type = 'OutputText' AND {body} ->> 'isDelta' = 'true' THEN {body} ->> 'content' END)"""
POSTGRESQL_CHUNKS = "CASE WHEN json_typeof(e.payload::json -> 'chunks') = 'array' THEN e.payload::json -> 'chunks' END"
# The OFFSETs keep the planner from reading a payload anew wherever something of it is used.
# A number may be any, and only one that is a length is cast.
POSTGRESQL_READ = """CROSS JOIN LATERAL (
        SELECT CASE WHEN json_typeof(listed) = 'array' THEN listed END AS chunks,
               CASE WHEN json_typeof(listed -> 0) = 'object' THEN NULL ELSE {single} END AS single,
               CASE json_typeof(content)
                   WHEN 'number' THEN CASE WHEN content::text ~ '^[0-9]{{1,15}}$' THEN content::text::bigint END
                   WHEN 'string' THEN length(content #>> '{{}}') END AS told_chars
        FROM (
            SELECT body, body -> 'chunks' AS listed,
                   CASE WHEN e.type IN ('text:chunk:content', 'text:chunk:thinking') THEN body -> 'content' END AS content
            FROM (SELECT e.payload::json AS body OFFSET 0) AS parsed OFFSET 0
        ) AS members OFFSET 0
    ) AS p """


def upgrade() -> None:
    _show(by_length=True)


def downgrade() -> None:
    """As 0002 has it."""
    _show(by_length=False)


def _show(*, by_length: bool) -> None:
    connection = op.get_bind()
    on_sqlite = connection.dialect.name == "sqlite"
    pieces = _of_sqlite(by_length=by_length) if on_sqlite else _of_postgresql(by_length=by_length)
    view = NUMBERED.format(order=BY_LENGTH if by_length else "", pieces=LED.format(pieces=pieces) if by_length else pieces)
    if on_sqlite:
        connection.exec_driver_sql("DROP VIEW chunks")
    # Straight to the driver: a text() would read `::` and `:word` as parameters.
    connection.exec_driver_sql(f"{'CREATE' if on_sqlite else 'CREATE OR REPLACE'} VIEW chunks AS {view}")


def _of_sqlite(*, by_length: bool) -> str:
    single = ", ".join([*(f"json_extract(e.payload, '$.{piece}')" for piece in PIECES), SQLITE_OUTPUT_TEXT])
    return _filled(SQLITE_PIECES, single=single, told=SQLITE_TOLD if by_length else "")


def _of_postgresql(*, by_length: bool) -> str:
    if not by_length:
        single = POSTGRESQL_SINGLE.format(body="e.payload::json")
        return _filled(POSTGRESQL_PIECES, single=single, chunks=POSTGRESQL_CHUNKS, told="", read="")
    read = POSTGRESQL_READ.format(single=POSTGRESQL_SINGLE.format(body="body"))
    return _filled(POSTGRESQL_PIECES, single="p.single", chunks="p.chunks", told="p.told_chars, ", read=read)


def _filled(pieces: str, **parts: str) -> str:
    kinds = " ".join(f"WHEN '{type_}' THEN '{kind}'" for type_, kind in KINDS.items())
    types = ", ".join(f"'{type_}'" for type_ in KINDS)
    return pieces.format(kinds=kinds, types=types, farthest=FARTHEST_OFFSET_MS, **parts)
