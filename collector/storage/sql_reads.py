"""
Users' own SQL, a few statements at a time.

Flow: query.sql -> **SqlReads** -> the engine's way: sql_sqlite | sql_postgresql.
"""

import threading
from collections.abc import Sequence
from typing import Any, Final

from collector.errors import RateLimited
from collector.storage.database import StorePart
from collector.storage.sql_names import described
from collector.storage.sql_types import AT_ONCE, SqlAnswer, SqlQuery, SqlTable

_WAIT_S: Final = 2.0


class SqlReads(StorePart):
    """The share of `SqlReader`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    def run_sql(self, query: SqlQuery) -> SqlAnswer:
        """See `SqlReader.run_sql`."""
        if not self._turns.acquire(timeout=_WAIT_S):
            raise RateLimited(f"{AT_ONCE} statements run already: try again in a moment")
        try:
            return self._database.engine.sql.run(query)
        finally:
            self._turns.release()

    def sql_tables(self) -> Sequence[SqlTable]:
        """See `SqlReader.sql_tables`."""
        return described()
