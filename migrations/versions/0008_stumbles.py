"""
Counts the attempts that failed because of a span itself, apart from those for which its destination was away.

Revision 0008, after 0007. Released: never edited again; what changes is a new revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("exports", sa.Column("stumbles", sa.Integer(), nullable=False, server_default=sa.text("0")))


def downgrade() -> None:
    op.drop_column("exports", "stumbles")
