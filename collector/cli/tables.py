"""
Rows as tables: calls, events.

Flow: rows from the collector -> **rich tables** -> output. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from rich.table import Table
from rich.text import Text

from collector.cli.humanise import NOTHING, count, duration, moment, usd
from collector.cli.output import STATUS_STYLE, Column, is_terminal, link, page_of, preview, status_text, table

Row = Mapping[str, Any]


_CALL_COLUMNS = (
    Column(name="status"),
    Column(name="started", spare=3),
    Column(name="call"),
    Column(name="model", spare=2),
    Column(name="duration", right=True),
    Column(name="1st chunk", right=True, spare=5),
    Column(name="in", right=True, spare=6),
    Column(name="out", right=True, spare=6),
    Column(name="cost", right=True, spare=8),
    Column(name="tools", right=True, spare=9),
    Column(name="service", spare=7),
    Column(name="request id"),
    Column(name="says", flexible=True, spare=1),
)
_EVENT_COLUMNS = (
    Column(name="time"),
    Column(name="type"),
    Column(name="model", spare=4),
    Column(name="duration", right=True, spare=3),
    Column(name="request id"),
    Column(name="service", spare=5),
    Column(name="says", flexible=True, spare=1),
)


def call_table(calls: Sequence[Row], *, now_ms: float, title: str | None = None, address: str | None = None) -> Table:
    """One line a call. With a collector's address, a click on a terminal leads to its page."""
    rows = [call_cells(call, now_ms=now_ms) for call in calls]
    if address is None or not is_terminal():
        return table(_CALL_COLUMNS, rows, title=title)
    pages = [page_of(address, call["request_id"]) for call in calls]
    at = [column.name for column in _CALL_COLUMNS].index("request id")
    linked = [(*row[:at], link(page, Text(str(row[at]))), *row[at + 1 :]) for row, page in zip(rows, pages, strict=True)]
    return table(_CALL_COLUMNS, linked, title=title)


def call_cells(call: Row, *, now_ms: float) -> tuple[Text | str, ...]:
    """A call's cells."""
    return (
        status_text(call["status"]),
        Text(moment(call["start_ms"], now_ms=now_ms), style="dim"),
        call["operation"] or NOTHING,
        preview(call["model"] or NOTHING),
        Text(duration(call["duration_ms"]), style="bold"),
        duration(call["time_to_first_chunk_ms"]),
        count(call["input_tokens"]),
        count(call["output_tokens"]),
        usd(call["cost_usd"]),
        str(call["tool_count"] or ""),
        preview(call["service"] or NOTHING),
        preview(call["request_id"]),
        preview(call["error_message"] or call["answer_preview"] or call["prompt_preview"]),
    )


def event_table(events: Sequence[Row], *, now_ms: float, title: str | None = None) -> Table:
    """One line an event."""
    return table(_EVENT_COLUMNS, [event_cells(event, now_ms=now_ms) for event in events], title=title)


def event_cells(event: Row, *, now_ms: float) -> tuple[Text, ...]:
    """An event's cells, also for lines of `tail`."""
    return (
        Text(moment(event["timestamp"], now_ms=now_ms), style="dim"),
        Text(event["type"], style=type_style(event["type"])),
        preview(event["model"] or NOTHING),
        Text(duration(event["duration_ms"])),
        preview(event["request_id"] or NOTHING),
        preview(event["service"] or NOTHING),
        preview(said(event)),
    )


def type_style(event_type: str) -> str:
    """The colour of an event type, by how it ends."""
    ending = event_type.rpartition(":")[2]
    return {"completed": STATUS_STYLE["ok"], "error": STATUS_STYLE["error"], "errored": STATUS_STYLE["error"]}.get(
        ending, STATUS_STYLE["aborted"] if ending in {"aborted", "cancelled"} else "cyan" if ending == "started" else ""
    )


def said(event: Row) -> str:
    """The words in an event, if it has any: what was answered, asked, called or went wrong."""
    payload: Any = event.get("payload")
    if not isinstance(payload, dict):
        return ""
    fields = cast("dict[str, Any]", payload)
    if fields.get("error"):
        return _error_text(fields["error"])
    if isinstance(fields.get("chunks"), list):
        return "".join(str(chunk.get("delta", "")) for chunk in fields["chunks"])
    words = (fields.get(name) for name in ("delta", "content", "toolName", "prompt"))
    return next((text for text in words if isinstance(text, str)), "")


def _error_text(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)
    told = cast("dict[str, Any]", error)
    return ": ".join(str(told[name]) for name in ("name", "message") if told.get(name))
