"""
`hookline call ID`: one call, whole: its spans as a tree, usage, tools, health, events.

Flow: GET /v1/calls/{id} -> **tree and tables** -> terminal.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from collector.cli.client import CollectorClient, path_of
from collector.cli.humanise import NOTHING, count, duration, moment, usd
from collector.cli.output import STATUS_STYLE, AsJson, Column, console, preview, print_json, status_text, table

Row = Mapping[str, Any]


def call(
    request_id: Annotated[str, typer.Argument(help="The call's request id; `hookline calls` lists them.")],
    as_json: AsJson = False,
) -> None:
    """Show one call: spans as a tree, usage, tools, health, events."""
    whole = CollectorClient.from_environment().get(path_of("v1", "calls", request_id))
    if as_json:
        print_json(whole)
        return
    show_call(console(), whole)


def show_call(out: Console, whole: Mapping[str, Any]) -> None:
    """Print it."""
    row, now_ms = whole["call"], time.time() * 1000
    out.print(Group(_facts(row, now_ms), Text(), span_tree(whole["spans"]), Text()))
    if whole["tool_calls"]:
        out.print(_tools(whole["tool_calls"]))
    problems = [
        f"{name}={value}" for health in whole["trace_health"] for name, value in health.items() if _is_problem(name, value)
    ]
    if problems:
        out.print(Text("health: " + ", ".join(problems), style="yellow"))
    for export in whole["exports"]:
        reason = f": {export['reason']}" if export.get("reason") else ""
        out.print(
            Text(
                f"export: {export['destination']} {export['state']}{reason}", style="red" if export["state"] == "dead" else "dim"
            )
        )
    types = Counter(event["type"] for event in whole["events"]["items"])
    more = " (and more)" if whole["events"]["next_cursor"] else ""
    out.print(Text("events: " + ", ".join(f"{name} ×{n}" for name, n in types.items()) + more, style="dim"))


def _is_problem(name: str, value: object) -> bool:
    return name not in {"project", "request_id", "trace_id"} and bool(value)


def _facts(row: Row, now_ms: float) -> Table:
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


def span_tree(spans: Sequence[Row]) -> Tree:
    """Spans under their parents; one whose parent is not here stands at the top."""
    known = {span["span_id"] for span in spans}
    children: dict[str | None, list[Row]] = {}
    for span in sorted(spans, key=lambda span: (span["start_ns"], span["end_ns"])):
        parent = span["parent_span_id"] if span["parent_span_id"] in known else None
        children.setdefault(parent, []).append(span)
    first_ns = min((span["start_ns"] for span in spans), default=0)
    tree = Tree(Text(f"{len(spans)} span{'' if len(spans) == 1 else 's'}", style="dim"))
    _grow(tree, children.get(None, []), children, first_ns)
    return tree


def _grow(tree: Tree, spans: Sequence[Row], children: Mapping[str | None, Sequence[Row]], first_ns: int) -> None:
    for span in spans:
        label = Text.assemble(
            (f"{span['name']}  ", f"bold {STATUS_STYLE.get(span['status'], '')}"),
            (f"+{duration((span['start_ns'] - first_ns) / 1e6)}  ", "dim"),
            duration(span["duration_ms"]),
            (f"  {span['error_type']}" if span["error_type"] else "", STATUS_STYLE["error"]),
            (f"  {span['span_id']}", "dim"),
        )
        _grow(tree.add(label), children.get(span["span_id"], ()), children, first_ns)


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
