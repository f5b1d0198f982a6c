"""
Tells SQLite's planner which columns tell rows apart.

Revision 0003, after 0002. Released: never edited again; what changes is a new revision.
Without statistics SQLite takes `project = …` for as selective as `request_id = …` and may read a whole project to find one call,
in our reads as in those of a user's own sqlite3. These figures stand for a large database; `ANALYZE` replaces them by real ones.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Index -> rows, then how many of them share the first column, the first two, and so on.
STATISTICS = {
    "events": {
        "sqlite_autoindex_events_1": "1000000 1000000 3 1",
        "events_by_call": "1000000 10 10",
        "events_by_run": "10000 10000 10",
    },
    "calls": {
        "sqlite_autoindex_calls_1": "100000 100000 1",
        "calls_by_start": "100000 100000 2 1",
        "calls_by_update": "100000 100000 5",
        "calls_by_trace": "100000 100000 3",
        "calls_by_run": "100000 100000 3",
    },
    "spans": {"sqlite_autoindex_spans_1": "200000 200000 2 1", "spans_by_trace": "200000 200000 5"},
    "tool_calls": {"sqlite_autoindex_tool_calls_1": "100000 100000 2 1", "tool_calls_by_id": "100000 100000 2"},
    "token_usage": {"sqlite_autoindex_token_usage_1": "100000 100000 2 1"},
    "call_health": {"sqlite_autoindex_call_health_1": "100000 100000 1"},
    "exports": {
        "sqlite_autoindex_exports_1": "200000 200000 3 2 1",
        "exports_by_call": "200000 200000 2",
        "exports_by_state": "200000 200000 70000 5 1",
        "exports_pending": "10000 10",
    },
}


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    connection.exec_driver_sql("ANALYZE sqlite_schema")
    for table, indexes in STATISTICS.items():
        for index, figures in indexes.items():
            connection.exec_driver_sql("DELETE FROM sqlite_stat1 WHERE tbl = ? AND idx = ?", (table, index))
            connection.exec_driver_sql("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", (table, index, figures))


def downgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("DELETE FROM sqlite_stat1")
