"""
Events in partitions by time, on PostgreSQL: old ones go by dropping a table instead of row by row.

Revision 0010, after 0009. Released: never edited again; what changes is a new revision.
The table as it was becomes the first partition without being rewritten; only rows from the future, which a wrong clock sent, are
moved to the default partition. PostgreSQL reads it twice meanwhile. Each partition has its own key over `arrival`: the parent
can't, because a key of the parent must hold the time. Views, triggers, further indexes, rights and the owner go over.
"""

import time
from collections.abc import Callable
from typing import Any

from alembic import op
from sqlalchemy import Connection

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

DAY_MS = 86_400_000
UNIQUE = "CONSTRAINT events_identity UNIQUE (project, timestamp, event_id)"

INDEXES = """
    SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    WHERE i.indrelid = 'events'::regclass AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = c.oid)
"""
TRIGGERS = "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'events'::regclass AND NOT tgisinternal"
READERS = """
    SELECT DISTINCT c.oid::regclass::text, c.relkind::text, pg_get_viewdef(c.oid), array_to_string(c.reloptions, ', ')
    FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid JOIN pg_class AS c ON c.oid = r.ev_class
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = 'events'::regclass
      AND c.oid <> d.refobjid
"""
RIGHTS = """
    SELECT a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, a.is_grantable
    FROM pg_class AS c, aclexplode(c.relacl) AS a WHERE c.oid = 'events'::regclass AND a.grantee <> c.relowner
"""
OWNER = "SELECT quote_ident(pg_get_userbyid(relowner)) FROM pg_class WHERE oid = 'events'::regclass"


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    _replace(connection, "PARTITION BY RANGE (timestamp)", _as_partitions)


def downgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    _replace(connection, "", _as_rows)


def _as_partitions(connection: Connection) -> None:
    run = connection.exec_driver_sql
    run("CREATE TABLE events_default PARTITION OF events (CONSTRAINT events_default_pkey PRIMARY KEY (arrival)) DEFAULT")
    if not run("SELECT EXISTS (SELECT 1 FROM events_before)").scalar():
        run("DROP TABLE events_before")
        return
    # A day's room: events come in meanwhile, and new partitions are made by whoever works, once that starts again.
    until_ms = (time.time_ns() // 1_000_000 // DAY_MS + 2) * DAY_MS
    moved = f"DELETE FROM events_before WHERE timestamp >= {until_ms} RETURNING *"  # noqa: S608
    run(f"WITH moved AS ({moved}) INSERT INTO events_default SELECT * FROM moved")  # noqa: S608
    run(f"ALTER TABLE events ATTACH PARTITION events_before FOR VALUES FROM (MINVALUE) TO ({until_ms})")


def _as_rows(connection: Connection) -> None:
    run = connection.exec_driver_sql
    run("INSERT INTO events SELECT * FROM events_before ORDER BY arrival")
    run("DROP TABLE events_before")
    run("ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (arrival)")


def _replace(connection: Connection, partitioning: str, fill: Callable[[Connection], None]) -> None:
    """A new table `events` in place of the present one, which is `events_before` while `fill` runs."""
    run = connection.exec_driver_sql
    run("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
    indexes, triggers, readers, rights = (run(question).all() for question in (INDEXES, TRIGGERS, READERS, RIGHTS))
    owner = run(OWNER).scalar_one()
    kept = [name for name, kind, _, _ in readers if kind == "m"]
    if kept:
        raise RuntimeError(f"materialized views read events: drop {', '.join(kept)}, upgrade, and make them again")
    _put_aside(run, [name for name, _ in indexes], [name for name, _ in triggers])
    run(f"CREATE TABLE events (LIKE events_before INCLUDING DEFAULTS, {UNIQUE}) {partitioning}")
    run(f"ALTER TABLE events OWNER TO {owner}")
    run("ALTER SEQUENCE events_arrival_seq OWNED BY events.arrival")
    for _, definition in (*indexes, *triggers):
        run(definition.replace("%", "%%"))
    for name, _, definition, options in readers:
        # In place, so that what depends on the view, and who may read it, stays.
        run(f"CREATE OR REPLACE VIEW {name} {f'WITH ({options})' if options else ''} AS {definition}".replace("%", "%%"))
    for right, grantee, is_grantable in rights:
        run(f"GRANT {right} ON events TO {grantee} {'WITH GRANT OPTION' if is_grantable else ''}")
    fill(connection)


def _put_aside(run: Callable[[str], Any], indexes: list[str], triggers: list[str]) -> None:
    """Free the names. A trigger of the new table comes to its partitions by itself."""
    for name in triggers:
        run(f'DROP TRIGGER "{name}" ON events')
    run("ALTER TABLE events RENAME TO events_before")
    for name in (*indexes, "events_identity", "events_pkey"):
        run(f'ALTER INDEX IF EXISTS "{name}" RENAME TO "{name[:55]}_before"')
