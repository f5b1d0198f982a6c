"""
For keeping: which event refers to which media, rules of projects, and how much each project holds.

Revision 0009, after 0008. Released: never edited again; what changes is a new revision.
Media that are there already get their references by a look at every event; without media there is nothing to look for.
"""

import re
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BLOB_MARK = re.compile(r'"\$blob": ?"sha256:([0-9a-f]{64})"')
AT_ONCE = 1_000


def upgrade() -> None:
    op.create_table(
        "blob_refs",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("project", "sha256", "timestamp", "event_id", name="blob_refs_pkey"),
    )
    op.create_index("blob_refs_by_event", "blob_refs", ["project", "timestamp", "event_id"])
    op.create_table(
        "retention_rules",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=True),
        sa.Column("max_bytes", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("project", name="retention_rules_pkey"),
    )
    op.create_table(
        "kept_sizes",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("counted_to", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", name="kept_sizes_pkey"),
    )
    _refer_to_media_there()


def _refer_to_media_there() -> None:
    connection = op.get_bind()
    if connection.execute(sa.text("SELECT 1 FROM blobs LIMIT 1")).first() is None:
        return
    refs = sa.table("blob_refs", *map(sa.column, ("project", "sha256", "timestamp", "event_id")))
    rows: list[dict[str, object]] = []
    for row in _events_with_media(connection):
        found = set(BLOB_MARK.findall(row.payload))
        rows += [
            {"project": row.project, "sha256": sha256, "timestamp": row.timestamp, "event_id": row.event_id} for sha256 in found
        ]
        if len(rows) >= AT_ONCE:
            connection.execute(sa.insert(refs), rows)
            rows = []
    if rows:
        connection.execute(sa.insert(refs), rows)


def _events_with_media(connection: sa.Connection) -> Iterator[sa.Row]:
    """A page at a time: neither the rows of all events nor an open cursor are held while others are written."""
    page = sa.text(
        "SELECT project, timestamp, event_id, arrival, payload FROM events "
        "WHERE arrival > :after AND payload LIKE '%\"$blob\"%' ORDER BY arrival LIMIT 100"
    )
    after = 0
    while rows := connection.execute(page, {"after": after}).all():
        yield from rows
        after = rows[-1].arrival


def downgrade() -> None:
    op.drop_table("kept_sizes")
    op.drop_table("retention_rules")
    op.drop_table("blob_refs")
