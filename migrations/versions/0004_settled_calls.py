"""
Remembers when a call settled for the first time: then it is counted in the metrics, and only then.

Revision 0004, after 0003. Released: never edited again; what changes is a new revision.
Calls that nothing is due for have settled before; they must not be counted when something of theirs comes late.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("calls", sa.Column("settled_ms", sa.BigInteger(), nullable=True))
    calls, work = (
        sa.table("calls", *map(sa.column, ("project", "request_id", "updated_ms", "settled_ms"))),
        sa.table("call_work", sa.column("project"), sa.column("request_id")),
    )
    is_due = sa.exists().where(work.c.project == calls.c.project, work.c.request_id == calls.c.request_id)
    op.execute(sa.update(calls).where(~is_due).values(settled_ms=calls.c.updated_ms))


def downgrade() -> None:
    op.drop_column("calls", "settled_ms")
