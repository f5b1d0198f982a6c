"""
The PostgreSQL engine.

Flow: writer -> **PostgresqlEngine** -> psycopg. Comes next: until then opening it says so.
"""

from typing import Any

from collector.errors import WrongSettings


class PostgresqlEngine:
    """Not there yet."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        raise WrongSettings("HOOKLINE_DATABASE_URL: PostgreSQL is not supported yet")


def enter_schema(url: str, *, may_create: bool) -> Any:
    """Not there yet."""
    raise WrongSettings("HOOKLINE_DATABASE_URL: PostgreSQL is not supported yet")
