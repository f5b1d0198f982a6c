"""
Savepoints by the driver: SQLAlchemy's own take longer than what they guard.

Flow: writer -> **savepoint** -> a job.
"""

import contextlib
from collections.abc import Generator
from typing import Any

from sqlalchemy import Connection


@contextlib.contextmanager
def savepoint(connection: Connection, name: str) -> Generator[None]:
    """What fails inside is undone, and nothing else of the transaction."""
    driver: Any = connection.connection.driver_connection
    driver.execute(f"SAVEPOINT {name}")
    try:
        yield
    except BaseException:
        # A full disk ends SQLite's whole transaction, a cut line PostgreSQL's: what happened is told by the first error.
        with contextlib.suppress(Exception):
            driver.execute(f"ROLLBACK TO SAVEPOINT {name}")
            driver.execute(f"RELEASE SAVEPOINT {name}")
        raise
    driver.execute(f"RELEASE SAVEPOINT {name}")
