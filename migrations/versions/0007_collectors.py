"""
Who of several collectors lives, what each of them sends, and when a repeated request was first received.

Revision 0007, after 0006. Released: never edited again; what changes is a new revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "collectors",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("lock_key", sa.BigInteger(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", name="collectors_pkey"),
    )
    op.create_table(
        "receipts",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("first_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "idempotency_key", name="receipts_pkey"),
    )
    op.add_column("exports", sa.Column("lease_owner", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("exports", "lease_owner")
    op.drop_table("receipts")
    op.drop_table("collectors")
