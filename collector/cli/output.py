"""
Write results: tables for people, JSON for programs.

Flow: rows -> **rich or json** -> standard output. On a terminal long cells are shortened; anywhere else nothing is cut.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.cli.humanise import one_line

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, complete, for programs.")]

# Wide enough that rich never breaks or cuts a line of a file or pipe.
_UNBOUNDED = 1_000_000

STATUS_STYLE: Mapping[str, str] = {
    "ok": "green",
    "running": "cyan",
    "error": "bold red",
    "aborted": "yellow",
    "incomplete": "magenta",
    "waiting": "yellow",
    "requested": "dim",
}
_STATUS_SIGN = {"ok": "●", "running": "◌", "error": "✗", "aborted": "◐", "incomplete": "◑"}


def console() -> Console:
    """The console of standard output."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=_UNBOUNDED, soft_wrap=True, file=sys.stdout)


def is_terminal() -> bool:
    """Whether a person looks at standard output."""
    return sys.stdout.isatty()


def print_json(value: Any) -> None:
    """One JSON document, readable on a terminal, one line elsewhere."""
    text = json.dumps(value, ensure_ascii=False, indent=2 if is_terminal() else None, default=str)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def status_text(status: str | None) -> Text:
    """A status with its sign and colour."""
    name = status or "–"
    return Text(f"{_STATUS_SIGN.get(name, '·')} {name}", style=STATUS_STYLE.get(name, "dim"))


def table(*columns: str, right: Sequence[str] = (), flexible: str | None = None, title: str | None = None) -> Table:
    """A table without vertical lines; `right` columns hold numbers, the `flexible` one gives way on a narrow terminal."""
    made = Table(
        box=box.SIMPLE_HEAD, header_style="bold dim", pad_edge=False, title=title, title_justify="left", title_style="bold"
    )
    for name in columns:
        gives_way = name == flexible and is_terminal()
        made.add_column(
            name,
            justify="right" if name in right else "left",
            no_wrap=True,
            overflow="ellipsis" if gives_way else "fold",
            ratio=1 if gives_way else None,
        )
    return made


def preview(text: object) -> Text:
    """Text of somebody else as a cell: on one line, shortened only for a terminal."""
    return Text(one_line(text, at_most=300 if is_terminal() else _UNBOUNDED))
