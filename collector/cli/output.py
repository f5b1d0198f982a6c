"""
Write results: tables for people, JSON for programs.

Flow: rows -> **rich or json** -> standard output. On a terminal long cells are shortened; anywhere else nothing is cut.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column. On a terminal too narrow for all, those with the highest `spare` are left out first, 0 never."""

    name: str
    right: bool = False
    flexible: bool = False
    """Takes what width is left, and is shortened."""
    spare: int = 0


def table(columns: Sequence[Column], rows: Sequence[Sequence[Text | str]], *, title: str | None = None) -> Table:
    """A table without vertical lines. All of it where no terminal limits it, and there without empty lines around it."""
    kept = _fitting(columns, rows) if is_terminal() else range(len(columns))
    made = Table(
        box=box.SIMPLE_HEAD,
        header_style="bold dim",
        pad_edge=False,
        show_edge=title is not None or is_terminal(),
        title=title,
        title_justify="left",
        title_style="bold",
    )
    for index in kept:
        column = columns[index]
        # rich narrows only columns that may wrap; the cell itself says that it does not wrap but end in an ellipsis.
        made.add_column(column.name, justify="right" if column.right else "left", no_wrap=not column.flexible)
    for row in rows:
        made.add_row(*(_cell(row[index], is_flexible=columns[index].flexible) for index in kept))
    return made


_LEAST_FLEXIBLE = 16
_BETWEEN = 3


def _cell(content: Text | str, *, is_flexible: bool) -> Text:
    text = content.copy() if isinstance(content, Text) else Text(content)
    if is_flexible:
        text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _fitting(columns: Sequence[Column], rows: Sequence[Sequence[Text | str]]) -> list[int]:
    def width(index: int) -> int:
        if columns[index].flexible:
            return _LEAST_FLEXIBLE
        return max(cell_len(columns[index].name), *(cell_len(str(row[index])) for row in rows), 0)

    kept, available = list(range(len(columns))), console().width
    while sum(width(index) + _BETWEEN for index in kept) > available:
        spare = max(kept, key=lambda index: columns[index].spare)
        if columns[spare].spare == 0:
            break
        kept.remove(spare)
    return kept


def page_of(address: str, request_id: str) -> str:
    """The URL of a call's page."""
    return f"{address}/calls/{quote(request_id, safe='')}"


def link(url: str, shown: Text | None = None) -> Text:
    """A URL to click where the terminal can; the whole URL unless something else is shown in its place."""
    made = Text(url) if shown is None else shown.copy()
    made.stylize(Style(link=url))
    return made


def preview(text: object) -> Text:
    """Text of somebody else as a cell: on one line, shortened only for a terminal."""
    return Text(one_line(text, at_most=300 if is_terminal() else _UNBOUNDED))
