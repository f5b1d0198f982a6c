"""
Messages of 1 KiB or more are kept once per content, and rows refer to them (`reduced` has `refs`).

Revision 0012, after 0011. Released: never edited again; what changes is a new revision.
The view `messages` has them whole, for everybody's SQL. Older code would show and export such rows without their messages.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SQLITE = """json_set(payload, '$.messages', json((
    SELECT '[' || group_concat(coalesce(b.text, CASE WHEN m.type IN ('object', 'array') THEN m.value
        WHEN m.type IN ('true', 'false') THEN m.type ELSE json_quote(m.value) END), ',') || ']'
    FROM json_each(events.payload, '$.messages') AS m LEFT JOIN blobs AS b ON b.project = events.project
        AND b.sha256 = CASE WHEN m.type = 'object' AND length(m.value) < 200
                            THEN substr(json_extract(m.value, '$.ref'), 8) END)))"""
_POSTGRESQL = """replace(payload, (payload::json -> 'messages')::text, (
    SELECT '[' || string_agg(coalesce(b.text, m.value::text), ',' ORDER BY m.n) || ']'
    FROM json_array_elements(events.payload::json -> 'messages') WITH ORDINALITY AS m (value, n)
    LEFT JOIN blobs AS b ON b.project = events.project
        AND b.sha256 = CASE WHEN json_typeof(m.value) = 'object' AND length(m.value::text) < 200
                            THEN substr(m.value ->> 'ref', 8) END))"""


SQLITE_VIEW = """
CREATE VIEW messages AS
SELECT e.project, e.request_id, m.key AS n, CASE m.type WHEN 'object' THEN json_extract(m.value, '$.role') END AS role,
       coalesce(b.text, CASE WHEN m.type IN ('object', 'array') THEN m.value
                             WHEN m.type IN ('true', 'false') THEN m.type ELSE json_quote(m.value) END) AS message,
       e.timestamp, e.event_id
FROM events AS e JOIN json_each(
    e.payload, CASE json_type(e.payload, '$.messages') WHEN 'array' THEN '$.messages' ELSE '$.messages.none' END
) AS m LEFT JOIN blobs AS b ON b.project = e.project AND b.sha256 = CASE
    WHEN e.reduced LIKE '%"refs"%' AND m.type = 'object' AND length(m.value) < 200
    THEN substr(json_extract(m.value, '$.ref'), 8) END
WHERE e.type = 'text:request:started'
"""
POSTGRESQL_VIEW = """
CREATE VIEW messages AS
SELECT e.project, e.request_id, m.n - 1 AS n, CASE WHEN json_typeof(m.value) = 'object' THEN m.value ->> 'role' END AS role,
       coalesce(b.text, m.value::text) AS message, e.timestamp, e.event_id
FROM events AS e CROSS JOIN LATERAL json_array_elements(
    CASE WHEN json_typeof(e.payload::json -> 'messages') = 'array' THEN e.payload::json -> 'messages' END
) WITH ORDINALITY AS m (value, n) LEFT JOIN blobs AS b ON b.project = e.project AND b.sha256 = CASE
    WHEN e.reduced LIKE '%"refs"%' AND json_typeof(m.value) = 'object' AND length(m.value::text) < 200
    THEN substr(m.value ->> 'ref', 8) END
WHERE e.type = 'text:request:started'
"""


def upgrade() -> None:
    op.add_column("blobs", sa.Column("text", sa.Text()))
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    # Straight to the driver: a text() would read `::` as a parameter.
    op.get_bind().exec_driver_sql(SQLITE_VIEW if on_sqlite else POSTGRESQL_VIEW.replace("%", "%%"))


def downgrade() -> None:
    """Write the messages back into their rows; contents that nobody refers to any more go with retention."""
    bind = op.get_bind()
    whole = _SQLITE if bind.dialect.name == "sqlite" else _POSTGRESQL
    op.execute("DROP VIEW messages")
    bind.exec_driver_sql(
        "DELETE FROM blob_refs WHERE EXISTS (SELECT 1 FROM events AS e WHERE e.project = blob_refs.project"
        " AND e.timestamp = blob_refs.timestamp AND e.event_id = blob_refs.event_id AND e.type = 'text:request:started'"
        " AND e.reduced LIKE '%%\"refs\"%%' AND e.payload LIKE '%%\"ref\":\"sha256:' || blob_refs.sha256 || '\"%%')"
    )
    bind.exec_driver_sql(
        f"UPDATE events SET payload = {whole}, reduced = replace(replace(replace("  # noqa: S608  (nothing but our own names)
        "reduced, ',\"refs\"', ''), '\"refs\",', ''), '[\"refs\"]', '[]')"
        " WHERE type = 'text:request:started' AND reduced LIKE '%%\"refs\"%%'"
    )
    as_bytes = "CAST(text AS BLOB)" if bind.dialect.name == "sqlite" else "convert_to(text, 'UTF8')"
    bind.exec_driver_sql(f"UPDATE blobs SET content = {as_bytes} WHERE text IS NOT NULL")  # noqa: S608
    op.drop_column("blobs", "text")
