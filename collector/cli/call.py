"""
`hookline call ID`: one call, whole: its trace as a tree, usage, tools, health, events, and where its page is.

Flow: GET /v1/calls/{id}, /v1/traces/{id} -> **tree and tables** -> terminal.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.cli.client import CollectorClient, path_of
from collector.cli.humanise import NOTHING, count, duration, moment, usd
from collector.cli.output import STATUS_STYLE, AsJson, Column, console, link, page_of, preview, print_json, status_text, table
from collector.cli.tree import span_tree
from collector.errors import NotFound

Row = Mapping[str, Any]


def call(
    request_id: Annotated[str, typer.Argument(help="The call's request id; `hookline calls` lists them.")],
    as_json: AsJson = False,
) -> None:
    """Show one call: its trace as a tree, usage, tools, health, events."""
    client = CollectorClient.from_environment()
    whole = client.get(path_of("v1", "calls", request_id))
    if as_json:
        print_json(whole)
        return
    show_call(console(), whole, trace=_trace_of(client, whole["call"]), page=page_of(client.address, request_id))


def _trace_of(client: CollectorClient, row: Row) -> Sequence[Row]:
    """The spans of the whole trace: also of the calls around this one and inside it. None while it runs."""
    if not row["trace_id"]:
        return ()
    try:
        return client.get(path_of("v1", "traces", row["trace_id"]))["spans"]
    except NotFound:
        return ()


def show_call(out: Console, whole: Mapping[str, Any], *, trace: Sequence[Row] = (), page: str | None = None) -> None:
    """Print it. `trace`: the spans of its trace, where there are more than its own."""
    row, now_ms = whole["call"], time.time() * 1000
    out.print(_facts(row, now_ms, page), Text(), sep="\n")
    spans = trace or whole["spans"]
    if spans:
        out.print(span_tree(spans, own=row["request_id"], tools=whole["tool_calls"]), Text(), sep="\n")
    else:
        out.print(Text("no spans yet: the call is not settled", style="dim"))
    if whole["tool_calls"]:
        out.print(_tools(whole["tool_calls"]))
    _show_record(out, whole)


def _show_record(out: Console, whole: Mapping[str, Any]) -> None:
    """What is wrong with what is known of it, where its spans went, what it is made of."""
    problems = [
        f"{name}={value}" for health in whole["trace_health"] for name, value in health.items() if _is_problem(name, value)
    ]
    if problems:
        out.print(Text("health: " + ", ".join(problems), style="yellow"))
    for (destination, state, reason), n in Counter(
        (export["destination"], export["state"], export.get("reason")) for export in whole["exports"]
    ).items():
        told = f"export: {destination} {state} ×{n}" + (f": {reason}" if reason else "")
        out.print(Text(told, style="red" if state == "dead" else "dim"))
    types = Counter(event["type"] for event in whole["events"]["items"])
    more = " (and more)" if whole["events"]["next_cursor"] else ""
    out.print(Text("events: " + ", ".join(f"{name} ×{n}" for name, n in types.items()) + more, style="dim"))


def _is_problem(name: str, value: object) -> bool:
    return name not in {"project", "request_id", "trace_id"} and bool(value)


def _facts(row: Row, now_ms: float, page: str | None) -> Table:
    made = Table.grid(padding=(0, 2))
    facts: list[tuple[str, Text]] = [
        ("call", Text.assemble(preview(row["request_id"]), "  ", status_text(row["status"]))),
        ("what", preview(" ".join(filter(None, (row["operation"], row["provider"], row["response_model"] or row["model"]))))),
        ("when", Text(f"{moment(row['start_ms'], now_ms=now_ms)} → {moment(row['end_ms'], now_ms=now_ms)}")),
        ("took", Text(f"{duration(row['duration_ms'])}, first chunk after {duration(row['time_to_first_chunk_ms'])}")),
        ("tokens", Text(_tokens(row))),
        ("cost", Text(f"{usd(row['cost_usd'])} {row['cost_source'] or ''}".strip())),
        ("service", preview(row["service"] or NOTHING)),
        ("trace", Text(row["trace_id"] or NOTHING)),
        ("prompt", preview(row["prompt_preview"] or NOTHING)),
        ("answer", preview(row["answer_preview"] or NOTHING)),
    ]
    if row["error_type"] or row["error_message"]:
        facts.append(("error", Text.assemble((f"{row['error_type']}: ", STATUS_STYLE["error"]), preview(row["error_message"]))))
    if page:
        facts.append(("page", link(page)))
    for name, value in facts:
        made.add_row(Text(name, style="dim"), value)
    return made


def _tokens(row: Row) -> str:
    if row["usage_source"] == "missing":
        return "the provider sent none"
    parts = [f"{count(row['input_tokens'])} in", f"{count(row['output_tokens'])} out"]
    for column, name in (
        ("cache_read_tokens", "read from cache"),
        ("cache_write_tokens", "written to cache"),
        ("reasoning_tokens", "reasoning"),
    ):
        if row[column]:
            parts.append(f"{count(row[column])} {name}")
    return ", ".join(parts)


_TOOL_COLUMNS = (
    Column(name="tool"),
    Column(name="status"),
    Column(name="duration", right=True),
    Column(name="arguments"),
    Column(name="result", flexible=True),
)


def _tools(rows: Sequence[Row]) -> Table:
    cells = [
        (
            preview(row["tool_name"] or NOTHING),
            status_text(row["status"]),
            duration(row["duration_ms"]),
            preview(row["arguments"]),
            preview(row["error"] or row["result"]),
        )
        for row in rows
    ]
    return table(_TOOL_COLUMNS, cells, title="Tools")
