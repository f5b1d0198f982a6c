"""
Rows as tables: calls, events.

Flow: rows from the collector -> **rich tables** -> output. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from collector.cli.humanise import NOTHING, count, duration, moment, usd
from collector.cli.output import STATUS_STYLE, preview, status_text, table

Row = Mapping[str, Any]


def call_table(calls: Sequence[Row], *, now_ms: float, title: str | None = None) -> Table:
    """One line a call."""
    made = table(
        *(
            "status",
            "started",
            "operation",
            "model",
            "duration",
            "first chunk",
            "in",
            "out",
            "cost",
            "tools",
            "request",
            "prompt",
        ),
        right=("duration", "first chunk", "in", "out", "cost", "tools"),
        flexible="prompt",
        title=title,
    )
    for call in calls:
        made.add_row(
            status_text(call["status"]),
            moment(call["start_ms"], now_ms=now_ms),
            Text(call["operation"] or NOTHING),
            preview(call["response_model"] or call["model"] or NOTHING),
            Text(duration(call["duration_ms"]), style="bold"),
            duration(call["time_to_first_chunk_ms"]),
            count(call["input_tokens"]),
            count(call["output_tokens"]),
            usd(call["cost_usd"]),
            str(call["tool_count"] or ""),
            preview(call["request_id"]),
            preview(call["error_message"] or call["prompt_preview"]),
        )
    return made


def event_table(events: Sequence[Row], *, now_ms: float, title: str | None = None) -> Table:
    """One line an event."""
    made = table(
        "time", "type", "model", "duration", "request", "service", "says", right=("duration",), flexible="says", title=title
    )
    for event in events:
        made.add_row(*event_cells(event, now_ms=now_ms))
    return made


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
    payload = event["payload"] if isinstance(event.get("payload"), Mapping) else {}
    error = payload.get("error")
    if isinstance(error, Mapping):
        return f"{error.get('name', '')}: {error.get('message', '')}"
    if isinstance(error, str):
        return error
    chunks = payload.get("chunks")
    if isinstance(chunks, Sequence) and not isinstance(chunks, str):
        return "".join(str(chunk.get("delta", "")) for chunk in chunks if isinstance(chunk, Mapping))
    for name in ("delta", "content", "toolName", "prompt"):
        if isinstance(payload.get(name), str):
            return str(payload[name])
    return ""
