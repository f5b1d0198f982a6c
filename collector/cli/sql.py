"""
`hookline sql "SELECT …"`: a statement of one's own, as a table, CSV, lines of JSON or JSON.

Flow: argument or standard input -> POST /v1/sql -> **here** -> terminal, file or pipe. The server does all that matters: what may
be read, how long, how much.
"""

import math
import sys
from typing import Annotated, Any

import typer

from collector.cli.client import CollectorClient
from collector.cli.output import AsJson, Column, console, is_terminal, preview, print_json, table
from collector.errors import BadRequest

_FORMS = {"csv": "text/csv", "jsonl": "application/x-ndjson"}


def sql(
    statement: Annotated[str, typer.Argument(help="One SELECT; `-` reads it from standard input. docs/sql.md has the tables.")],
    param: Annotated[list[str] | None, typer.Option(help="name=value for `:name` in the statement; again for more.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Rows at most.")] = 1000,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_lines: Annotated[bool, typer.Option("--jsonl", help="Print a line of JSON a row.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run a SELECT on what is stored: your project, read-only."""
    if as_csv + as_lines + as_json > 1:
        raise BadRequest("give one of --csv, --jsonl and --json")
    body = {"sql": sys.stdin.read() if statement == "-" else statement, "params": _params(param or ()), "limit": limit}
    client = CollectorClient.from_environment()
    if as_csv or as_lines:
        text, headers = client.post_for_text("/v1/sql", body, accept=_FORMS["csv" if as_csv else "jsonl"])
        sys.stdout.write(text)
        sys.stdout.flush()
        _tell_truncated(headers.get("x-truncated") == "true")
        return
    answer = client.post("/v1/sql", body)
    if as_json:
        print_json(answer)
        return
    show(answer)


def show(answer: dict[str, Any]) -> None:
    """Print the rows as a table."""
    rows: list[list[Any]] = answer["rows"]
    columns = [
        Column(name=name, right=_is_numeric(rows, place), flexible=is_terminal() and not _is_numeric(rows, place))
        for place, name in enumerate(answer["columns"])
    ]
    console().print(table(columns, [[preview(_shown(value)) for value in row] for row in rows]))
    if is_terminal():
        console().print(f"[dim]{len(rows)} row{'' if len(rows) == 1 else 's'}[/dim]")
    _tell_truncated(answer["truncated"])


def _is_numeric(rows: list[list[Any]], place: int) -> bool:
    values = [row[place] for row in rows if row[place] is not None]
    return bool(values) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _shown(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _tell_truncated(truncated: bool) -> None:
    if truncated:
        sys.stderr.write("hookline: there is more; --limit asks for up to 100000 rows, and one answer has at most 16 MiB\n")


def _params(given: "list[str] | tuple[()]") -> dict[str, Any]:
    return dict(_param(text) for text in given)


def _param(text: str) -> tuple[str, Any]:
    """A whole number or a decimal one is a number; everything else is text."""
    name, equals, value = text.partition("=")
    if not (equals and name):
        raise BadRequest(f"--param {text}: write name=value")
    for kind in (int, float):
        try:
            number = kind(value)
        except ValueError:
            continue
        # 007 and 1_000 are names of something, not numbers; nan and inf are none in JSON.
        is_number = str(number) == value and (kind is int or math.isfinite(number))
        return (name, number) if is_number else (name, value)
    return name, value
