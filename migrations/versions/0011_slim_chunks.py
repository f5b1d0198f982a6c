"""
Payloads of chunks may lack what their columns hold (`reduced` has `columns`, `id`).

Revision 0011, after 0010. Released: never edited again; what changes is a new revision.
No table changes: this keeps older code, which would take such payloads for whole, away from the database.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

LEFT = {
    "columns": {
        "type": "type", "timestamp": "timestamp", "requestId": "request_id", "parentRequestId": "parent_request_id",
        "streamId": "stream_id", "messageId": "message_id", "clientId": "client_id", "threadId": "thread_id", "runId": "run_id",
        "toolCallId": "tool_call_id", "sessionId": "session_id", "userId": "user_id", "source": "source",
        "provider": "provider", "model": "model", "messageCount": "message_count", "hasTools": "has_tools",
        "streaming": "streaming",
    },
    "id": {"eventId": "event_id", "sequence": "sequence"},
}  # fmt: skip
FLAGS = frozenset({"has_tools", "streaming"})


def upgrade() -> None:
    pass


def downgrade() -> None:
    """Write such payloads out, one name of `reduced` after the other."""
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for name, fields in LEFT.items():
        before = " || ".join(
            f"CASE WHEN {column} IS NULL THEN '' ELSE '\"{field}\":' || {_as_json(column, on_sqlite=on_sqlite)} || ',' END"
            for field, column in fields.items()
        )
        # Straight to the driver: a text() would read `::` and `:word` as parameters.
        op.get_bind().exec_driver_sql(
            "UPDATE events SET payload = CASE payload"  # noqa: S608  (nothing but our own names)
            f" WHEN '{{}}' THEN '{{' || rtrim({before}, ',') || '}}' ELSE '{{' || {before} || substr(payload, 2) END,"
            f" reduced = replace(replace(replace(reduced, ',\"{name}\"', ''), '\"{name}\",', ''), '[\"{name}\"]', '[]')"
            f" WHERE type LIKE 'text:chunk:%%' AND reduced LIKE '%%\"{name}\"%%'"
        )


def _as_json(column: str, *, on_sqlite: bool) -> str:
    if not on_sqlite:
        return f"to_json({column})::text"
    return f"CASE WHEN {column} THEN 'true' ELSE 'false' END" if column in FLAGS else f"json_quote({column})"
