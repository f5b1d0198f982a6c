"""
A user's SQL on PostgreSQL: the statement becomes a temporary view, the view is reviewed, read and rolled back.

Flow: sql_reads -> **PostgresqlSql** -> sql_review, psycopg.
As a view it can be a SELECT only, says PostgreSQL itself. The names in it are temporary views too, of one project; they are
security barriers, so no condition of a user is evaluated on rows of another project. See docs/adr for what else was thought of.
"""

import contextlib
import re
from collections.abc import Generator, Iterator
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.pq import DiagnosticField, ExecStatus
from sqlalchemy import Engine as Connections
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from collector.errors import SqlRefused, SqlTimeout, StoreUnavailable
from collector.storage.postgresql_connections import Driver, driver_of
from collector.storage.sql_names import STORED, VIEWS, columns_of
from collector.storage.sql_parameters import Inlined, inlined
from collector.storage.sql_review import review
from collector.storage.sql_types import SqlAnswer, SqlQuery, Value

_OWN: Final = "hookline_statement"
_NAMES: Final = {table.name: columns_of(table) for table in (*STORED, *VIEWS)}
_NUMERIC: Final = 1700
# bool, int8, int2, int4, float4, float8: these have a size, and JSON has them.
_SIMPLE: Final = frozenset({16, 20, 21, 23, 700, 701})
_AWAY: Final = re.compile(r"08...|57P..|53300")
_SETUP: Final = (
    "SET LOCAL statement_timeout = {timeout}; SET LOCAL lock_timeout = {timeout}; SET LOCAL standard_conforming_strings = on; "
    "SET LOCAL bytea_output = hex; SET LOCAL IntervalStyle = postgres; SET LOCAL DateStyle = 'ISO, YMD'"
)


class PostgresqlSql:
    """Runs statements on one database, under `role` where one is given."""

    def __init__(self, connections: Connections, *, role: str | None = None) -> None:
        self._connections = connections
        self._role = role

    def run(self, query: SqlQuery) -> SqlAnswer:
        """See `SqlReader.run_sql`."""
        try:
            with self._connections.connect() as connection:
                driver = driver_of(connection)
                try:
                    return _answer(driver, query, self._role)
                finally:
                    # A connection that can't go back is found out, and closed, by the pool.
                    with contextlib.suppress(psycopg.Error):
                        driver.rollback()
        except psycopg.Error as exc:
            raise _told(exc, query) from None
        except (DBAPIError, PoolTimeout) as exc:
            raise StoreUnavailable(f"the database could not be read ({type(exc).__name__}): try again") from exc

    def close(self) -> None:
        """Let go of the connections."""
        self._connections.dispose()


def _answer(driver: Driver, query: SqlQuery, role: str | None) -> SqlAnswer:
    # A prepared statement of ours would keep the numbers of views that were rolled back.
    driver.prepare_threshold = None
    statement = inlined(query.sql, query.params, lambda value: _literal(value, driver))
    allowed = _enter(driver, query, role)
    names, types = _analysed(driver, statement)
    columns = [f"c{number}" for number in range(1, len(names) + 1)]
    view = _made(driver, statement, columns)
    review(driver, view, allowed)
    driver.execute("SET TRANSACTION READ ONLY")
    # Left open, as an error's traceback would leave it, the stream would keep the connection's lock.
    with contextlib.closing(_stream(driver, columns, types, query)) as stream:
        rows, truncated = _collected(stream, query)
    return SqlAnswer(columns=names, rows=[_plain(row, types) for row in rows], truncated=truncated)


def _enter(driver: Driver, query: SqlQuery, role: str | None) -> list[int]:
    """Make the project's views of the names that occur in the statement, and go where there is nothing else; the views."""
    lowered = query.sql.lower()
    wanted = [name for name in _NAMES if name in lowered]
    timeout = sql.Literal(f"{query.timeout_s * 1000:.0f}ms")
    steps: list[sql.Composable] = [sql.SQL(_SETUP).format(timeout=timeout)]
    steps += [
        sql.SQL(
            "CREATE TEMPORARY VIEW {name} WITH (security_barrier) AS SELECT {columns} FROM {name} WHERE project = {project}"
        ).format(
            name=sql.Identifier(name),
            columns=sql.SQL(", ").join(map(sql.Identifier, _NAMES[name])),
            project=sql.Literal(query.project),
        )
        for name in wanted
    ]
    if role is not None:
        steps += [sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(name), sql.Identifier(role)) for name in wanted]
        steps.append(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
    steps.append(sql.SQL("SET LOCAL search_path = pg_catalog, pg_temp"))
    # Ours alone, so several in one message are fine here.
    driver.execute(sql.SQL("; ").join(steps))
    return _views(driver, wanted)


def _literal(value: Value, driver: Driver) -> str:
    text = sql.Literal(value).as_string(driver)
    return f"({text})" if isinstance(value, int | float) and not isinstance(value, bool) else f" {text}"


def _analysed(driver: Driver, statement: Inlined) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The statement's columns and their types; not run. In a message that holds one statement only, whatever the text."""
    prepared = driver.pgconn.prepare(b"", statement.sql.encode())
    if prepared.status != ExecStatus.COMMAND_OK:
        raise _refused(prepared, statement, before=0)
    described = driver.pgconn.describe_prepared(b"")
    count = described.nfields
    if count == 0:
        raise SqlRefused("not allowed: only SELECT can be run here, with a column at least")
    names = ((described.fname(number) or b"").decode() for number in range(count))
    return tuple(names), tuple(described.ftype(number) for number in range(count))


def _made(driver: Driver, statement: Inlined, columns: list[str]) -> int:
    """The view of the statement. Columns get names of ours: a statement may have one name twice, a view may not."""
    begin = f"CREATE TEMPORARY VIEW {_OWN} ({', '.join(columns)}) AS "
    made = driver.pgconn.exec_params((begin + statement.sql).encode(), None)
    if made.status != ExecStatus.COMMAND_OK:
        raise _refused(made, statement, before=len(begin))
    (view,) = _views(driver, [_OWN])
    return view


def _views(driver: Driver, names: list[str]) -> list[int]:
    found = driver.execute(
        "SELECT oid::bigint FROM pg_catalog.pg_class WHERE relnamespace = pg_catalog.pg_my_temp_schema() AND relname = ANY (%s)",
        (names,),
    )
    return [oid for (oid,) in found.fetchall()]


def _stream(driver: Driver, columns: list[str], types: tuple[int, ...], query: SqlQuery) -> Generator[tuple[Any, ...]]:
    """Rows one by one, behind the size of each. What is no simple type comes as text, and not at all where it is too long."""
    pairs = list(zip(columns, types, strict=True))
    texts = [name for name, kind in pairs if kind not in _SIMPLE]
    size = " + ".join(["0", *(f"coalesce(octet_length({name}::text), 0)::bigint" for name in texts)])
    shown = [name if kind in _SIMPLE else f"CASE WHEN size <= {query.max_bytes} THEN {name}::text END" for name, kind in pairs]
    inner = f"SELECT *, {size} AS size FROM pg_temp.{_OWN} OFFSET 0"  # noqa: S608
    statement = f"SELECT size, {', '.join(shown)} FROM ({inner}) AS measured LIMIT {query.max_rows + 1}"  # noqa: S608
    with driver.cursor() as cursor:
        yield from cursor.stream(statement.encode())


def _collected(rows: Iterator[tuple[Any, ...]], query: SqlQuery) -> tuple[list[tuple[Any, ...]], bool]:
    kept: list[tuple[Any, ...]] = []
    kept_bytes = 0
    for size, *values in rows:
        kept_bytes += size + 8 * len(values)
        if not kept and kept_bytes > query.max_bytes:
            raise SqlRefused(f"the first row alone is over {query.max_bytes} bytes: select less of it, by substr()")
        if len(kept) == query.max_rows or kept_bytes > query.max_bytes:
            return kept, True
        kept.append(tuple(values))
    return kept, False


def _plain(row: tuple[Any, ...], types: tuple[int, ...]) -> list[Any]:
    return [_number(value) if kind == _NUMERIC else _finite(value) for value, kind in zip(row, types, strict=True)]


def _number(text: str | None) -> int | float | str | None:
    if text is None or text in {"NaN", "Infinity", "-Infinity"}:
        return text
    return float(text) if "." in text else int(text)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return value


def _refused(result: Any, statement: Inlined, *, before: int) -> SqlRefused | SqlTimeout:
    def field(name: DiagnosticField) -> str:
        return (result.error_field(name) or b"").decode("utf-8", "replace")

    position = field(DiagnosticField.STATEMENT_POSITION)
    hint = field(DiagnosticField.MESSAGE_HINT)
    message = field(DiagnosticField.MESSAGE_PRIMARY) + (f" ({hint})" if hint else "")
    place = statement.position_before(int(position) - before) if position.isdecimal() and int(position) > before else None
    return SqlRefused(f"PostgreSQL: {message}", position=place)


def _told(exc: psycopg.Error, query: SqlQuery) -> Exception:
    if isinstance(exc, psycopg.errors.QueryCanceled):
        return SqlTimeout(
            f"the statement took longer than {query.timeout_s:g} s: ask for less, for instance a shorter time range"
        )
    if exc.sqlstate is None or _AWAY.fullmatch(exc.sqlstate):
        return StoreUnavailable(f"the database could not be read ({type(exc).__name__}): try again")
    hint = f" ({exc.diag.message_hint})" if exc.diag.message_hint else ""
    return SqlRefused(f"PostgreSQL: {exc.diag.message_primary}{hint}")
