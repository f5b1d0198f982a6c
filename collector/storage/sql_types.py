"""
What a user's own SQL is given and gives back, and what an engine must hold to.

Flow: query.sql -> **SqlReader** -> sql_reads -> sql_sqlite | sql_postgresql.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

AT_ONCE: Final = 4
"""Statements that run at the same time: each may use a processor and a bound of memory."""

Value = str | int | float | bool | None
"""What a parameter may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlQuery:
    """A statement of a user, and how much it may cost."""

    project: str
    sql: str = field(repr=False)
    params: Mapping[str, Value] = field(default_factory=dict[str, Value], repr=False)
    """By name: `:name` in the statement."""
    max_rows: int = 1000
    max_bytes: int = 16 * 1024 * 1024
    """Of all rows together, as JSON."""
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlAnswer:
    """Rows of plain JSON values: numbers, text, true and false, NULL; bytes as `\\x` and hexadecimal digits."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]] = field(repr=False)
    truncated: bool
    """There was more than `max_rows` or `max_bytes` let through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlColumn:
    """A column as users see it."""

    name: str
    type: str
    """text, integer, number, boolean or json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlTable:
    """A name that users may read."""

    name: str
    columns: tuple[SqlColumn, ...]


class SqlReader(Protocol):
    """Somebody else's SQL, on a database that it cannot change and of which it sees one project."""

    def run_sql(self, query: SqlQuery) -> SqlAnswer:
        """
        Run one SELECT.

        MUST see the query's project only, in every table, view and catalog, also by errors that tell of other rows' values.
        MUST NOT write, whatever the statement says, nor reach files, settings, other connections or other databases.
        MUST end within the timeout and a little, and hold no more than `max_bytes` of rows and one row.
        Raises SqlRefused with the database's own words and position, SqlTimeout, RateLimited when too many run already.
        """
        ...

    def sql_tables(self) -> Sequence[SqlTable]:
        """What there is to read."""
        ...
