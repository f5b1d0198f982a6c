"""
Rows of many keys by one prepared statement, planned once.

Flow: loading -> **fetch** -> psycopg.
With a list of keys in the text PostgreSQL plans anew each time, for every partition of events and every key; 64 calls over 64
partitions took 100 ms to plan. As an array in a prepared statement they take none, and the index of each partition is certain.
"""

from collections.abc import Iterable
from typing import Any

import psycopg
from sqlalchemy import Connection

from collector.errors import StoreUnavailable
from collector.storage.postgresql_connections import driver_of


def fetch(connection: Connection, statement: str, *lists: Iterable[str]) -> list[tuple[Any, ...]]:
    """The rows of a statement whose parameters are `%s::text[]`, in the connection's transaction."""
    driver = driver_of(connection)
    try:
        driver.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        return driver.execute(statement.encode(), [list(one) for one in lists], prepare=True).fetchall()
    except psycopg.Error as exc:
        # SQLAlchemy saw none of it: the pool must not give this connection out again.
        connection.invalidate()
        raise StoreUnavailable(f"the database could not be read ({type(exc).__name__}): try again") from exc
