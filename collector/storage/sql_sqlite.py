"""
A user's SQL on SQLite: ask the sandbox, read what it says.

Flow: sql_reads -> **SqliteSql** -> sql_sandbox, a process for each statement.
"""

import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from collector.errors import SqlRefused, SqlTimeout, StoreUnavailable
from collector.storage.sql_names import STORED, VIEWS, columns_of
from collector.storage.sql_types import SqlAnswer, SqlQuery

# Imported, because a file named to Python is compiled anew each time; behind the standard library, so that nothing hides that.
_PROGRAM = "import sys; sys.path.append(sys.argv[1]); import sql_sandbox; sql_sandbox.main()"
_GRACE_S = 1.0
# What a Python needs to start, and where SQLite puts temporary files. No setting and no key goes along.
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "TMPDIR", "SQLITE_TMPDIR", "TZ")
_TABLES = {table.name: columns_of(table) for table in STORED}
_NAMED = re.compile(r'near "(.+)": |no such (?:table|column|function): (\S+)$|ambiguous column name: (\S+)$|\bfunction (\w+)\(\)')


class SqliteSql:
    """Runs statements on one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def run(self, query: SqlQuery) -> SqlAnswer:
        """See `SqlReader.run_sql`."""
        lines = self._said(query)
        columns: tuple[str, ...] = ()
        rows: list[list[Any]] = []
        for line in lines:
            said = json.loads(line)
            if isinstance(said, list):
                rows.append(said)  # pyright: ignore[reportUnknownArgumentType]
            elif "columns" in said:
                columns = tuple(said["columns"])
            else:
                return SqlAnswer(columns=columns, rows=rows, truncated=_ended(said, query))
        # It was ended from outside, by a limit or by the machine.
        raise _out_of_memory()

    def close(self) -> None:
        """Nothing is kept open."""

    def _said(self, query: SqlQuery) -> list[bytes]:
        asked = {
            "uri": f"file:{quote(str(self._path))}?mode=ro",
            "secret": f"own_{secrets.token_hex(16)}",
            "project": query.project,
            "tables": _TABLES,
            "views": [view.name for view in VIEWS],
            "sql": query.sql,
            "params": dict(query.params),
            "max_rows": query.max_rows,
            "max_bytes": query.max_bytes,
            "timeout_s": query.timeout_s,
        }
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        with subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", "-c", _PROGRAM, str(Path(__file__).parent)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        ) as process:
            try:
                out, _ = process.communicate(json.dumps(asked).encode(), timeout=query.timeout_s + _GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise _timeout(query) from None
        # A process that was ended in the middle leaves half a line.
        return out.split(b"\n")[:-1]


def _ended(said: dict[str, Any], query: SqlQuery) -> bool:
    """Whether rows were left out. Raises what the sandbox tells of."""
    match said["end"]:
        case "ok":
            return bool(said["truncated"])
        case "timeout":
            raise _timeout(query)
        case "memory":
            raise _out_of_memory()
        case "away":
            raise StoreUnavailable(f"the database could not be read ({said['detail']}): try again")
        case _:
            raise SqlRefused(f"SQLite: {said['detail']}", position=_position(said["detail"], query.sql))


def _position(detail: str, sql: str) -> int | None:
    """Where in the statement, from 1: SQLite's driver tells words, no places. None where the word is not there just once."""
    found = _NAMED.search(detail)
    word = next((part for part in found.groups() if part), None) if found else None
    return sql.index(word) + 1 if word and sql.count(word) == 1 else None


def _timeout(query: SqlQuery) -> SqlTimeout:
    return SqlTimeout(f"the statement took longer than {query.timeout_s:g} s: ask for less, for instance a shorter time range")


def _out_of_memory() -> SqlRefused:
    return SqlRefused("the statement needs more memory than it may have: ask for less")
