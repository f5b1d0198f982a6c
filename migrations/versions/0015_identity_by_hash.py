"""
On PostgreSQL what makes an event the only one of its kind holds a hash of its id instead of the id.

Revision 0015, after 0014. Released: never edited again; what changes is a new revision.
Ids are long and, where a sender gives none, random: the index was a fifth of all that a stream's events take. PostgreSQL reads
`events` once meanwhile. SQLite keeps its constraint, which would be another index beside the table there as well.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("ALTER TABLE events DROP CONSTRAINT events_identity")
    op.execute("CREATE UNIQUE INDEX events_identity ON events (project, timestamp, hashtextextended(event_id, 0))")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("DROP INDEX events_identity")
    op.execute("ALTER TABLE events ADD CONSTRAINT events_identity UNIQUE (project, timestamp, event_id)")
