"""
The use case of users' own SQL: check what was asked for, run it in their project.

Flow: POST /v1/sql, the page -> **here** -> storage (SqlReader). No SQL of ours is in here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from collector.errors import BadRequest
from collector.storage.sql_types import SqlAnswer, SqlQuery, SqlReader, SqlTable, Value

DEFAULT_ROWS: Final = 1_000
MAX_ROWS: Final = 100_000
MAX_BYTES: Final = 16 * 1024 * 1024
MAX_SQL_CHARACTERS: Final = 100_000
MAX_PARAMS: Final = 500
_INTEGERS: Final = range(-(2**63), 2**63)


def run_sql(
    reader: SqlReader,
    project: str,
    *,
    sql: str,
    params: Mapping[str, Any] | Sequence[Any] | None = None,
    limit: int = DEFAULT_ROWS,
    timeout_s: float = 10.0,
) -> SqlAnswer:
    """The rows of one SELECT, at most `limit` and MAX_BYTES of them. Raises BadRequest, SqlRefused, SqlTimeout, RateLimited."""
    if not sql.strip():
        raise BadRequest("sql: it is empty; send a SELECT")
    if len(sql) > MAX_SQL_CHARACTERS:
        raise BadRequest(f"sql: it is over {MAX_SQL_CHARACTERS} characters; send long lists as parameters or in parts")
    if "\0" in sql:
        raise BadRequest("sql: it has a NUL character; leave it out")
    if not 1 <= limit <= MAX_ROWS:
        raise BadRequest(f"limit: give a number from 1 to {MAX_ROWS}")
    query = SqlQuery(
        project=project,
        sql=_encodable("sql", sql),
        params=named(params),
        max_rows=limit,
        max_bytes=MAX_BYTES,
        timeout_s=timeout_s,
    )
    return reader.run_sql(query)


def describe(reader: SqlReader) -> Sequence[SqlTable]:
    """The tables and columns that can be asked for."""
    return reader.sql_tables()


def named(params: Mapping[str, Any] | Sequence[Any] | None) -> dict[str, Value]:
    """The parameters by name: those of a list are named 1, 2, 3. Raises BadRequest."""
    pairs = dict(params) if isinstance(params, Mapping) else {str(n): value for n, value in enumerate(params or (), start=1)}
    if len(pairs) > MAX_PARAMS:
        raise BadRequest(f"params: over {MAX_PARAMS}; send fewer")
    for name, value in pairs.items():
        if not (name.isascii() and name.replace("_", "a").isalnum()):
            raise BadRequest("params: a name may have letters, digits and `_` only")
        _check(name, value)
    return pairs


def _check(name: str, value: object) -> None:
    if not isinstance(value, str | int | float | bool | None):
        raise BadRequest(f"params: `{name}` is a list or an object; give text, a number, true, false or null")
    if isinstance(value, str):
        _encodable(f"params: `{name}`", value)
        if "\0" in value:
            raise BadRequest(f"params: `{name}` has a NUL character, which nothing stored has; leave it out")
    if isinstance(value, int) and value not in _INTEGERS:
        raise BadRequest(f"params: `{name}` has more than 64 bits; send it as text")


def _encodable(what: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRequest(f"{what}: it has half a surrogate pair, which no text has; leave it out") from None
    return text
