"""
A user's SQL on PostgreSQL.

Flow: sql_reads -> **PostgresqlSql** -> psycopg.
"""

from sqlalchemy import Engine as Connections

from collector.errors import SqlRefused
from collector.storage.sql_types import SqlAnswer, SqlQuery


class PostgresqlSql:
    """Runs statements on one database."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def run(self, query: SqlQuery) -> SqlAnswer:
        """See `SqlReader.run_sql`."""
        raise SqlRefused("not on PostgreSQL yet")

    def close(self) -> None:
        """Let go of the connections."""
        self._connections.dispose()
