"""
`hookline tail`: follow what happens.

Flow: GET /v1/live -> **lines** -> terminal. A stream that breaks is taken up again where it was, without a gap.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.cli.client import CollectorClient, ServerSentEvent
from collector.cli.humanise import NOTHING, count, duration, moment, usd
from collector.cli.output import AsJson, console, preview, status_text
from collector.cli.tables import event_cells
from collector.errors import ServerUnreachable, StoreUnavailable

RETRY_S = 1.0


def tail(
    events: Annotated[bool, typer.Option("--events/--no-events", help="Show events.")] = True,
    calls: Annotated[bool, typer.Option("--calls/--no-calls", help="Show calls when they change.")] = True,
    chunks: Annotated[bool, typer.Option("--chunks/--no-chunks", help="Show stream chunks too.")] = False,
    count: Annotated[int | None, typer.Option("-n", "--count", min=1, help="End after so many lines.")] = None,
    as_json: AsJson = False,
) -> None:
    """Follow new events and changed calls. Ctrl-C ends it."""
    client, shown = CollectorClient.from_environment(), 0
    write = _write_json if as_json else _writer(console())
    for message in _messages(client, on_break=_say_broken):
        if not _is_wanted(message, events=events, calls=calls, chunks=chunks):
            continue
        write(message)
        shown += 1
        if count is not None and shown >= count:
            return


def _is_wanted(message: ServerSentEvent, *, events: bool, calls: bool, chunks: bool) -> bool:
    if message.event == "call":
        return calls
    return events and (chunks or ":chunk:" not in message.data["type"])


def _messages(client: CollectorClient, on_break: Callable[[str], None]) -> Iterator[ServerSentEvent]:
    last_id, was_connected = None, False

    def note_open() -> None:
        nonlocal was_connected
        was_connected = True
        _say_following(client)

    while True:
        try:
            for message in client.follow("/v1/live", last_event_id=last_id, on_open=note_open):
                last_id = message.id
                yield message
            on_break("the collector closed the stream")
        except (ServerUnreachable, StoreUnavailable) as exc:
            # Never connected: that is an answer. Broken later: a restart, most likely.
            if not was_connected:
                raise
            on_break(str(exc))
        time.sleep(RETRY_S)


def _say_following(client: CollectorClient) -> None:
    print(f"following {client.address}; Ctrl-C ends it", file=sys.stderr, flush=True)  # noqa: T201


def _say_broken(reason: str) -> None:
    print(f"{reason}; trying again", file=sys.stderr)  # noqa: T201


def _write_json(message: ServerSentEvent) -> None:
    line = {"kind": message.event, "id": message.id, "row": message.data}
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _writer(out: Console) -> Callable[[ServerSentEvent], None]:
    def write(message: ServerSentEvent) -> None:
        out.print(_call_line(message.data) if message.event == "call" else _event_line(message.data))

    return write


def _event_line(row: dict[str, Any]) -> Table:
    at, kind, model, took, request, _, words = event_cells(row, now_ms=time.time() * 1000)
    return _line(at, Text("event", style="dim"), kind, model, took, request, words)


def _call_line(row: dict[str, Any]) -> Table:
    at = Text(moment(row["end_ms"] or row["start_ms"], now_ms=time.time() * 1000), style="dim")
    numbers = f"{count(row['input_tokens'])} in, {count(row['output_tokens'])} out, {usd(row['cost_usd'])}"
    words = Text.assemble((numbers, ""), "  ", preview(row["error_message"] or ""))
    model = preview(row["model"] or NOTHING)
    what = Text.assemble(status_text(row["status"]), " ", row["operation"] or "")
    took = Text(duration(row["duration_ms"]), style="bold")
    return _line(at, Text("call", style="bold"), what, model, took, preview(row["request_id"]), words)


_WIDTHS = (12, 5, 24, 22, 10, 26)


def _line(*cells: Text) -> Table:
    line = Table.grid(padding=(0, 1))
    for width in _WIDTHS:
        line.add_column(min_width=width, no_wrap=True, overflow="ellipsis")
    line.add_column(no_wrap=True, overflow="ellipsis")
    line.add_row(*cells)
    return line
