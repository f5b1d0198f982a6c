"""
`hookline db backup`, `vacuum` and `copy`: a database as a whole.

Flow: options -> **the database's files and tables**, or the collector that owns them.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from collector.cli.access import administer
from collector.cli.admin import db
from collector.cli.keeping import LONG_S
from collector.cli.output import AsJson, Column, console, is_terminal, print_json, table
from collector.cli.sizes import show_size
from collector.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.storage.copying import TableReport


@db.command("backup")
def backup(path: Annotated[Path, typer.Argument(help="The new file.")], as_json: AsJson = False) -> None:
    """A whole, consistent copy, also while a collector is serving. PostgreSQL: by pg_dump."""
    from collector.settings import load_settings
    from collector.storage.backup import back_up

    made = back_up(load_settings().database_url, path.absolute())
    if as_json:
        print_json({"path": str(made.path), "bytes": made.bytes, "how": made.how})
        return
    console().print(f"{made.path}  {show_size(made.bytes)}  ({made.how})", markup=False, soft_wrap=True)


@db.command("vacuum")
def vacuum(as_json: AsJson = False) -> None:
    """Give space back. SQLite writes the file anew while commits wait; PostgreSQL does it beside everything else."""

    def directly(store: Any) -> Any:
        before, after = store.vacuum()
        return {"bytes_before": before, "bytes_after": after}

    done = administer(directly, lambda client: client.post("/v1/admin/vacuum", {}, timeout_s=LONG_S))
    if as_json:
        print_json(done)
        return
    freed = max(done["bytes_before"] - done["bytes_after"], 0)
    console().print(
        f"{show_size(done['bytes_before'])} before, {show_size(done['bytes_after'])} now: {show_size(freed)} given back"
    )


@db.command("copy")
def copy(
    source: Annotated[str, typer.Option("--from", help="A database URL; it may be in use.")],
    target: Annotated[str, typer.Option("--to", help="A database URL; empty, and not in use.")],
    into_existing: Annotated[
        bool, typer.Option("--into-existing", help="Go on with a copy that broke off: rows that are there stay.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Copy everything into another database, of either engine, and compare both by counts and checksums."""
    from collector.storage.copying import copy_database

    with _Bars(is_shown=is_terminal() and not as_json) as told:
        reports = copy_database(source, target, into_existing=into_existing, told=told)
    _say(reports, as_json=as_json)
    different = [report.table for report in reports if not report.is_equal]
    if different:
        raise StoreError(f"both sides differ in {', '.join(different)}: was the target in use, or had it rows of its own?")


def _say(reports: "list[TableReport]", *, as_json: bool) -> None:
    if as_json:
        names = ("table", "source_rows", "target_rows", "source_checksum", "target_checksum", "is_equal")
        print_json({"tables": [{name: getattr(report, name) for name in names} for report in reports]})
        return
    cells = [
        (
            one.table,
            f"{one.source_rows:,}",
            f"{one.target_rows:,}",
            one.target_checksum[:12],
            "equal" if one.is_equal else "DIFFERENT",
        )
        for one in reports
    ]
    columns = [
        Column(name="table"),
        Column(name="from", right=True),
        Column(name="to", right=True),
        Column(name="checksum"),
        Column(name=""),
    ]
    console().print(table(columns, cells))


class _Bars:
    """A bar a table, for people; nothing for pipes."""

    def __init__(self, *, is_shown: bool) -> None:
        self._is_shown = is_shown
        self._bars: Any = None
        self._tasks: dict[tuple[str, str], Any] = {}

    def __enter__(self) -> "Callable[[str, str, int, int], None]":
        if not self._is_shown:
            return lambda table, what, done, total: None
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bars = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), transient=True
        )
        self._bars.start()
        return self._told

    def _told(self, table_name: str, what: str, done: int, total: int) -> None:
        key = (table_name, what)
        if key not in self._tasks:
            self._tasks[key] = self._bars.add_task(f"{what} {table_name}", total=total)
        self._bars.update(self._tasks[key], completed=done)

    def __exit__(self, *error: object) -> None:
        if self._bars is not None:
            self._bars.stop()
