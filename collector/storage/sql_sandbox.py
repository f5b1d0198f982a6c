"""
One statement of a user on an SQLite file, in a process that can do nothing else and ends with it.

Flow: sql_sqlite -> **this file, as a program of its own** -> JSON lines on standard output.
Imports nothing of ours, and little else: that is most of what a statement costs. A process of its own, because inside one
opcode (`instr` of a long text in a long text) SQLite looks at no clock and can't be stopped, and because only a process has a
limit on its memory.
"""

from __future__ import annotations

import json
import math
import re
import resource
import sqlite3
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MEMORY_BYTES = 640 * 1024 * 1024
TEMPORARY_FILE_BYTES = 512 * 1024 * 1024
# A value's length: above the largest event. The others: far above what a person writes, far below what hurts.
LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 16 * 1024 * 1024,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 200_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 500,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 250_000,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 100,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1000,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 1000,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
STEPS_BETWEEN_LOOKS_AT_THE_CLOCK = 20_000

# What computes from its arguments alone.
FUNCTION_NAMES = (
    "-> ->> abs acos acosh asin asinh atan atan2 atanh avg ceil ceiling char coalesce concat concat_ws cos cosh count cume_dist "
    "current_date current_time current_timestamp date datetime degrees dense_rank exp first_value floor format glob group_concat "
    "hex if ifnull iif instr json json_array json_array_length json_error_position json_extract json_group_array "
    "json_group_object json_insert json_object json_patch json_pretty json_quote json_remove json_replace json_set json_type "
    "json_valid julianday lag last_value lead length like likelihood likely ln log log10 log2 lower ltrim max median min mod "
    "nth_value ntile nullif octet_length percent_rank percentile percentile_cont percentile_disc pi pow power printf quote "
    "radians random randomblob rank replace round row_number rtrim sign sin sinh soundex sqlite_version sqrt strftime "
    "string_agg substr substring subtype sum tan tanh time timediff total trim trunc typeof unhex unicode unistr unixepoch "
    "unlikely upper zeroblob "
)
FUNCTIONS = frozenset(FUNCTION_NAMES.split())
TABLE_FUNCTIONS = frozenset({"json_each", "json_tree"})
ACTIONS = {
    getattr(sqlite3, name): name.removeprefix("SQLITE_").replace("_", " ").lower()
    for name in (
        *("SQLITE_ATTACH", "SQLITE_DETACH", "SQLITE_PRAGMA", "SQLITE_INSERT", "SQLITE_UPDATE", "SQLITE_DELETE"),
        *("SQLITE_TRANSACTION", "SQLITE_SAVEPOINT", "SQLITE_ANALYZE", "SQLITE_REINDEX", "SQLITE_FUNCTION", "SQLITE_READ"),
        *("SQLITE_CREATE_VTABLE", "SQLITE_DROP_VTABLE", "SQLITE_ALTER_TABLE"),
    )
}


class Guard:
    """Says for each thing that a statement would do whether it may. Remembers the first that it may not."""

    def __init__(self, names: frozenset[str], inner: dict[str, str], others: frozenset[str]) -> None:
        self._names = names
        self._inner = inner
        self._others = others
        self.refused: str | None = None

    def __call__(self, action: int, one: str | None, two: str | None, database: str | None, source: str | None) -> int:
        if self._may(action, (one or "").lower(), (two or "").lower(), database, source):
            return sqlite3.SQLITE_OK
        self.refused = self.refused or _told(action, one, two)
        return sqlite3.SQLITE_DENY

    def _may(self, action: int, one: str, two: str, database: str | None, source: str | None) -> bool:
        if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE):
            return True
        if action == sqlite3.SQLITE_FUNCTION:
            return two in FUNCTIONS
        return action == sqlite3.SQLITE_READ and self._may_read(one, database, source)

    def _may_read(self, table: str, database: str | None, source: str | None) -> bool:
        if table in TABLE_FUNCTIONS:
            return True
        if database == "main":
            # `source` is a name only, and a user's own CTE may have any: so the views that read tables have unguessable ones.
            return source is not None and self._inner.get(source) == table
        if database == "temp":
            return table in self._names or table in self._inner
        # No column of it is read, as in count(*): one of ours, or a CTE. Names of real tables count as these.
        return table in self._names or table in self._inner or table not in self._others


def _told(action: int, one: str | None, two: str | None) -> str:
    if action == sqlite3.SQLITE_READ:
        return f"reading {one}.{two}" if two else f"reading {one}"
    if action == sqlite3.SQLITE_FUNCTION:
        return f"the function {two}()"
    return ACTIONS.get(action, "this statement") + (": only SELECT can be run here" if action in ACTIONS else "; only SELECT is")


def open_database(asked: dict[str, Any]) -> tuple[sqlite3.Connection, Guard]:
    """A connection on which the project's views are all there is, in one read transaction."""
    connection = sqlite3.connect(asked["uri"], uri=True, timeout=5.0, isolation_level=None)
    connection.text_factory = read_text
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cache_size = -16000")
    connection.execute("BEGIN")
    others = {str(name).lower() for (name,) in connection.execute("SELECT name FROM main.sqlite_schema")}
    others |= {str(name).lower() for (name,) in connection.execute("SELECT name FROM pragma_module_list")}
    others |= {"sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_temp_schema"}
    inner: dict[str, str] = {}
    for table, columns in asked["tables"].items():
        secret = f"{asked['secret']}_{table}"
        inner[secret] = table
        _make_views(connection, table, columns, secret, asked["project"])
    for view in asked["views"]:
        (made_by,) = connection.execute("SELECT sql FROM main.sqlite_schema WHERE type = 'view' AND name = ?", (view,)).fetchone()
        # In a temporary view the same words mean the temporary `events`, `calls` and so on.
        connection.execute(re.sub(r"(?i)^\s*CREATE\s+VIEW", "CREATE TEMP VIEW", made_by, count=1))
    for name in TABLE_FUNCTIONS:
        # SQLite makes them when they are first used; the guard would not let it.
        connection.execute(f"SELECT 1 FROM {name}('[]')")  # noqa: S608
    connection.execute("PRAGMA query_only = ON")
    return connection, Guard(frozenset(asked["tables"]) | frozenset(asked["views"]), inner, frozenset(others))


def _make_views(connection: sqlite3.Connection, table: str, columns: list[str], secret: str, project: str) -> None:
    """The view that users mean, on one that nobody can name and that alone may read the table."""
    other = (
        f"SELECT EXISTS (SELECT 1 FROM main.{table} WHERE project < ?1), EXISTS (SELECT 1 FROM main.{table} WHERE project > ?1)"  # noqa: S608
    )
    has_others = any(connection.execute(other, (project,)).fetchone())
    # LIMIT keeps SQLite from merging a user's conditions into this view: evaluated on rows of another project, their errors
    # would tell what is in there. It costs the indexes, so not where there is nobody to tell of.
    fence = " LIMIT -1" if has_others else ""
    named = ", ".join(columns)
    literal = "'" + project.replace("'", "''") + "'"
    connection.execute(f"CREATE TEMP VIEW {secret} AS SELECT {named} FROM main.{table} WHERE project = {literal}{fence}")  # noqa: S608
    connection.execute(f"CREATE TEMP VIEW {table} AS SELECT {named} FROM {secret}")  # noqa: S608


def answer(asked: dict[str, Any]) -> None:
    """Write columns, rows and how it ended, a line each."""
    deadline_s = time.monotonic() + asked["timeout_s"]
    try:
        connection, guard = open_database(asked)
    except sqlite3.Error as exc:
        write({"end": "away", "detail": type(exc).__name__})
        return
    for limit, most in LIMITS.items():
        connection.setlimit(limit, most)
    connection.set_progress_handler(lambda: time.monotonic() > deadline_s, STEPS_BETWEEN_LOOKS_AT_THE_CLOCK)
    connection.set_authorizer(guard)
    try:
        cursor = connection.execute(asked["sql"], asked["params"])
        if cursor.description is None:
            write({"end": "refused", "detail": "there is no SELECT in it"})
            return
        write({"columns": [column[0] for column in cursor.description]})
        write(send_rows(cursor, asked["max_rows"], asked["max_bytes"]))
    except (sqlite3.Error, sqlite3.Warning, ValueError) as exc:
        write(ending_of(exc, guard))


def send_rows(cursor: sqlite3.Cursor, max_rows: int, max_bytes: int) -> dict[str, Any]:
    """Write rows as long as they may be written; how it ended."""
    sent_bytes = 0
    for number, row in enumerate(cursor):
        if number == max_rows:
            return {"end": "ok", "truncated": True}
        line = encoded([plain(value) for value in row])
        sent_bytes += len(line)
        if sent_bytes > max_bytes:
            if number == 0:
                return {
                    "end": "refused",
                    "detail": f"the first row alone is over {max_bytes} bytes: select less of it, by substr()",
                }
            return {"end": "ok", "truncated": True}
        sys.stdout.buffer.write(line)
    return {"end": "ok", "truncated": False}


def ending_of(exc: Exception, guard: Guard) -> dict[str, Any]:
    """What an error is told as."""
    said = str(exc)
    if "interrupted" in said:
        return {"end": "timeout"}
    if guard.refused is not None and ("not authorized" in said or "prohibited" in said):
        return {"end": "refused", "detail": f"not allowed: {guard.refused}"}
    if "one statement at a time" in said:
        return {"end": "refused", "detail": "only one statement can be run at a time"}
    return {"end": "refused", "detail": said}


def read_text(raw: bytes) -> str:
    """Text as it is stored, with marks where it is no UTF-8."""
    return raw.decode("utf-8", "replace")


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def encoded(value: Any) -> bytes:
    """A line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def write(value: Any) -> None:
    """One line out."""
    sys.stdout.buffer.write(encoded(value))


def confine(timeout_s: float) -> None:
    """What the kernel holds this process to, whatever SQLite does."""
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: int(timeout_s) + 2,
        resource.RLIMIT_FSIZE: TEMPORARY_FILE_BYTES,
        resource.RLIMIT_NOFILE: 32,
        resource.RLIMIT_AS: MEMORY_BYTES,
    }
    for limit, most in limits.items():
        try:
            resource.setrlimit(limit, (most, most))
        except (OSError, ValueError):
            continue


def main() -> None:
    """Read what is asked from standard input, and answer."""
    asked = json.loads(sys.stdin.buffer.read())
    confine(asked["timeout_s"])
    try:
        answer(asked)
    except MemoryError:
        write({"end": "memory"})
    sys.stdout.buffer.flush()
