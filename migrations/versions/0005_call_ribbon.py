"""
When a call's chunks came, in a few characters, for lists that draw it without reading the chunks.

Revision 0005, after 0004. Released: never edited again; what changes is a new revision.
Calls that are assembled already have none until they are assembled anew (`hookline reassemble`).
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("calls", sa.Column("ribbon", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("calls", "ribbon")
