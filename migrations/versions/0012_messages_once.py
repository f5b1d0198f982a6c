"""
Messages of 1 KiB or more are kept once per content, and rows refer to them (`reduced` has `refs`).

Revision 0012, after 0011. Released: never edited again; what changes is a new revision.
No table changes: this keeps older code, which would show and export such rows without their messages, away from the database.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SQLITE = """json_set(payload, '$.messages', json((
    SELECT '[' || group_concat(coalesce(CAST(b.content AS TEXT), CASE WHEN m.type IN ('object', 'array') THEN m.value
        WHEN m.type IN ('true', 'false') THEN m.type ELSE json_quote(m.value) END), ',') || ']'
    FROM json_each(events.payload, '$.messages') AS m LEFT JOIN blobs AS b ON b.project = events.project
        AND b.sha256 = CASE WHEN m.type = 'object' AND length(m.value) < 200 THEN substr(json_extract(m.value, '$.ref'), 8) END)))"""
_POSTGRESQL = """replace(payload, (payload::json -> 'messages')::text, (
    SELECT '[' || string_agg(coalesce(convert_from(b.content, 'UTF8'), m.value::text), ',' ORDER BY m.n) || ']'
    FROM json_array_elements(events.payload::json -> 'messages') WITH ORDINALITY AS m (value, n)
    LEFT JOIN blobs AS b ON b.project = events.project
        AND b.sha256 = CASE WHEN json_typeof(m.value) = 'object' AND length(m.value::text) < 200
                            THEN substr(m.value ->> 'ref', 8) END))"""


def upgrade() -> None:
    pass


def downgrade() -> None:
    """Write the messages back into their rows; contents that nobody refers to any more go with retention."""
    bind = op.get_bind()
    whole = _SQLITE if bind.dialect.name == "sqlite" else _POSTGRESQL
    marked = "type = 'text:request:started' AND reduced LIKE '%%\"refs\"%%'"
    bind.exec_driver_sql(
        "DELETE FROM blob_refs WHERE sha256 IN (SELECT sha256 FROM blobs WHERE media_type = 'application/json' AND"  # noqa: S608
        " blobs.project = blob_refs.project) AND EXISTS (SELECT 1 FROM events AS e WHERE e.project = blob_refs.project"
        f" AND e.timestamp = blob_refs.timestamp AND e.event_id = blob_refs.event_id AND e.{marked.replace('reduced', 'e.reduced')})"
    )
    bind.exec_driver_sql(
        f"UPDATE events SET payload = {whole}, reduced = replace(replace(replace("  # noqa: S608  (nothing but our own names)
        "reduced, ',\"refs\"', ''), '\"refs\",', ''), '[\"refs\"]', '[]') WHERE " + marked
    )
