"""
Keys that end, that tell when they were last used, that have a rate, and that may stand in web pages; logins of the page.

Revision 0006, after 0005. Released: never edited again; what changes is a new revision.
Administering was implied by having all scopes of the project `default`, and is a scope of its own now: keys that had it keep it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = (
    ("expires_ms", sa.BigInteger()),
    ("last_used_ms", sa.BigInteger()),
    ("origins", sa.Text()),
    ("events_per_s", sa.Double()),
    ("bytes_per_s", sa.Double()),
)
KEYS = sa.table("api_keys", sa.column("project"), sa.column("scopes"))
OPERATORS = '["ingest", "read", "sql"]'
WITH_ADMIN = '["ingest", "read", "sql", "admin"]'


def upgrade() -> None:
    for name, kind in COLUMNS:
        op.add_column("api_keys", sa.Column(name, kind, nullable=True))
    op.execute(sa.update(KEYS).where(KEYS.c.project == "default", KEYS.c.scopes == OPERATORS).values(scopes=WITH_ADMIN))
    op.create_table(
        "page_sessions",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="page_sessions_pkey"),
    )
    op.create_index("page_sessions_by_end", "page_sessions", ["expires_ms"])


def downgrade() -> None:
    op.drop_index("page_sessions_by_end", "page_sessions")
    op.drop_table("page_sessions")
    op.execute(sa.update(KEYS).where(KEYS.c.scopes == WITH_ADMIN).values(scopes=OPERATORS))
    for name, _ in COLUMNS:
        op.drop_column("api_keys", name)
