"""
What makes a span to send the only one of its kind begins with its call.

Revision 0013, after 0012. Released: never edited again; what changes is a new revision.
Ids of spans are random: an index that begins with them has a page of its own to write for nearly every span, and the more there
are the fewer pages are still at hand. One that begins with the call also finds a call's spans, so that an index less is kept.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BY_CALL = ("project", "request_id", "span", "destination", "is_final")
BY_SPAN = ("project", "span", "destination", "is_final")
# As in 0003: making the table anew lost what the planner knew of it.
STATISTICS = {
    "exports_by_state": "200000 200000 70000 5 1",
    "exports_pending": "10000 10",
}


def upgrade() -> None:
    op.drop_index("exports_by_call", "exports")
    _be_unique(BY_CALL)
    _tell_planner(STATISTICS | {"sqlite_autoindex_exports_1": "200000 200000 2 2 1 1"})


def downgrade() -> None:
    _be_unique(BY_SPAN)
    op.create_index("exports_by_call", "exports", ["project", "request_id"], unique=False)
    older = {"sqlite_autoindex_exports_1": "200000 200000 3 2 1", "exports_by_call": "200000 200000 2"}
    _tell_planner(STATISTICS | older)


def _be_unique(columns: tuple[str, ...]) -> None:
    """On SQLite the table is made anew, since a constraint of it can't be changed."""
    with op.batch_alter_table("exports") as table:
        table.drop_constraint("exports_identity", type_="unique")
        table.create_unique_constraint("exports_identity", list(columns))


def _tell_planner(statistics: dict[str, str]) -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    for index, figures in statistics.items():
        connection.exec_driver_sql("DELETE FROM sqlite_stat1 WHERE tbl = 'exports' AND idx = ?", (index,))
        connection.exec_driver_sql("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('exports', ?, ?)", (index, figures))
