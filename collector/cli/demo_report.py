"""
What the demo shows: the event table, the calls, the traces, and whether anything is missing.

Flow: rows read back from the collector -> **tables, a verdict**. Pure but for printing.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from collector.cli.humanise import NOTHING, count, duration, moment
from collector.cli.output import Column, link, page_of, preview, status_text, table
from collector.cli.tables import type_style

Row = Mapping[str, Any]

EXPECTED_TYPES = (
    "text:request:started",
    "text:request:completed",
    "text:request:error",
    "text:request:aborted",
    "text:chunk:content",
    "tools:call:completed",
    "embedding:request:completed",
    "image:request:completed",
    "agent:request:completed",
)
"""What the scenario must leave behind; the demo fails when one of them is not in the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """What was read back. Both lists are in the order of time."""

    url: str
    database: str
    events: tuple[Row, ...]
    calls: tuple[Row, ...]
    endpoint: str | None
    exports: Mapping[str, int]
    """Spans by `destination state`."""


def missing_types(result: DemoResult) -> list[str]:
    """Expected event types that did not arrive."""
    seen = {event["type"] for event in result.events}
    return [name for name in EXPECTED_TYPES if name not in seen]


def unsettled(result: DemoResult) -> list[str]:
    """Calls that did not come to an end."""
    return [call["request_id"] for call in result.calls if call["status"] == "running"]


def report_as_json(result: DemoResult) -> dict[str, Any]:
    """All of it, for programs."""
    return {
        "url": result.url,
        "database": result.database,
        "event_types": {kind: len(rows) for kind, rows in _by_type(result.events).items()},
        "calls": list(result.calls),
        "traces": sorted({call["trace_id"] for call in result.calls}),
        "exports": dict(result.exports),
        "missing": missing_types(result),
    }


def print_report(out: Console, result: DemoResult, *, has_pages: bool) -> None:
    """The tables, and the pages where they outlive the report."""
    now_ms = time.time() * 1000
    out.print(
        table(_EVENT_COLUMNS, [_type_cells(kind, rows, now_ms) for kind, rows in _by_type(result.events).items()], title="Events")
    )
    out.print(table(_CALL_COLUMNS, [_call_cells(call) for call in result.calls], title="Calls"))
    out.print(f"{count(len(result.events))} events, {count(len(result.calls))} calls. {_where_spans_went(result)}")
    if not has_pages:
        out.print("[dim]`hookline demo` without --once (`make demo` without ONCE=1) keeps it running, with the page.[/dim]")
        return
    out.print(Text.assemble("Page: ", link(f"{result.url}/")), soft_wrap=True)
    for call in _worth_a_look(result.calls):
        out.print(Text.assemble(f"{call['operation']}: ", link(page_of(result.url, call["request_id"]))), soft_wrap=True)


def _worth_a_look(calls: Sequence[Row]) -> list[Row]:
    """One call with a tool and one with an image, where there are such."""
    found = (next((call for call in calls if call[column]), None) for column in ("tool_count", "image_count"))
    return [call for call in found if call is not None]


_EVENT_COLUMNS = (
    Column(name="event"),
    Column(name="rows", right=True),
    Column(name="first at", spare=1),
    Column(name="duration", right=True),
    Column(name="requestId"),
)
_CALL_COLUMNS = (
    Column(name="status"),
    Column(name="call"),
    Column(name="model", spare=1),
    Column(name="duration", right=True),
    Column(name="1st chunk", right=True, spare=2),
    Column(name="in", right=True, spare=3),
    Column(name="out", right=True, spare=3),
    Column(name="requestId", spare=4),
    Column(name="trace"),
)


def _type_cells(kind: str, rows: Sequence[Row], now_ms: float) -> tuple[Text | str, ...]:
    first = rows[0]
    return (
        Text(kind, style=type_style(kind)),
        count(len(rows)),
        Text(moment(first["timestamp"], now_ms=now_ms), style="dim"),
        duration(first["duration_ms"]),
        preview(first["request_id"] or NOTHING),
    )


def _call_cells(call: Row) -> tuple[Text | str, ...]:
    return (
        status_text(call["status"]),
        call["operation"] or NOTHING,
        preview(call["model"] or NOTHING),
        Text(duration(call["duration_ms"]), style="bold"),
        duration(call["time_to_first_chunk_ms"]),
        count(call["input_tokens"]),
        count(call["output_tokens"]),
        preview(call["request_id"]),
        Text(call["trace_id"] or NOTHING, style="dim"),
    )


def _where_spans_went(result: DemoResult) -> str:
    if result.endpoint is None:
        return "Spans stay in SQL; set OTEL_EXPORTER_OTLP_ENDPOINT to send them to Jaeger, Tempo or another backend."
    counts = ", ".join(f"{number} {name}" for name, number in result.exports.items()) or "none yet"
    return f"Spans for {result.endpoint}: {counts}."


def _by_type(events: Sequence[Row]) -> dict[str, list[Row]]:
    by_type: dict[str, list[Row]] = {}
    for event in events:
        by_type.setdefault(event["type"], []).append(event)
    return by_type
