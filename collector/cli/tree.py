"""
A trace as a tree of spans, with bars for when each ran and what it is worth knowing of it.

Flow: spans and tool calls of a trace -> **rows of one table** -> terminal. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from collector.cli.humanise import count, duration
from collector.cli.output import STATUS_STYLE, is_terminal, preview

Row = Mapping[str, Any]

BAR_CELLS = 24
MOST_SPANS = 200
"""On a terminal; anywhere else nothing is left out."""

MOST_INDENT = 80
"""Deeper than that all stand below each other."""

_WAITING, _RUNNING = "░", "█"
_BAR_STYLE = {"call": "cyan", "model_call": "cyan", "tool": "yellow"}


@dataclass(frozen=True, slots=True)
class _Line:
    """A span and the branches before its name."""

    branches: str
    span: Row


def span_tree(spans: Sequence[Row], *, own: str | None = None, tools: Sequence[Row] = ()) -> Table:
    """Spans under their parents; one whose parent is not here stands at the top. `own`: the request id to point out."""
    made = Table.grid(padding=(0, 2))
    for justify in ("left", "right", "left"):
        made.add_column(justify=justify, no_wrap=True)
    # Where the terminal is too narrow this one gives way: it may wrap for rich, and its cells say that they end instead.
    made.add_column()
    made.add_row(Text(f"{len(spans)} span{'' if len(spans) == 1 else 's'}", style="dim"))
    lines = list(_lines(spans))
    shown = lines[:MOST_SPANS] if is_terminal() else lines
    window = _window(spans)
    results = {tool["tool_call_id"]: tool for tool in tools}
    for line in shown:
        span = line.span
        name = Text.assemble((line.branches, "dim"), (str(preview(span["name"])), _name_style(span, own)))
        made.add_row(name, duration(span["duration_ms"]), _bar(span, window), _facts(span, results))
    if len(shown) < len(lines):
        made.add_row(Text(f"… and {len(lines) - len(shown)} more; all of them with --json, or in a pipe", style="dim"))
    return made


def _lines(spans: Sequence[Row]) -> Iterator[_Line]:
    """Depth first, by an own stack: a chain of spans may be longer than Python's."""
    known = {span["span_id"] for span in spans}
    children: dict[str | None, list[Row]] = {}
    for span in sorted(spans, key=lambda span: (span["start_ns"], span["end_ns"], span["span_id"])):
        parent = span["parent_span_id"] if span["parent_span_id"] in known else None
        children.setdefault(parent, []).append(span)
    seen: set[str] = set()
    waiting = _branched(children.get(None, ()), "")
    while waiting:
        line, inner = waiting.pop()
        # Parents come from senders: a ring must not hold us.
        if line.span["span_id"] not in seen:
            seen.add(line.span["span_id"])
            yield line
            waiting += _branched(children.get(line.span["span_id"], ()), inner)
    yield from (_Line("?── ", span) for span in spans if span["span_id"] not in seen)


def _branched(spans: Sequence[Row], before: str) -> list[tuple[_Line, str]]:
    """The last one first, as a stack wants it."""
    found: list[tuple[_Line, str]] = []
    for position, span in enumerate(reversed(spans)):
        fork, inner = ("└── ", "    ") if position == 0 else ("├── ", "│   ")
        found.append((_Line(before + fork, span), before + inner if len(before) < MOST_INDENT else before))
    return found


def _window(spans: Sequence[Row]) -> tuple[int, int]:
    first_ns = min((span["start_ns"] for span in spans), default=0)
    return first_ns, max(max((span["end_ns"] for span in spans), default=0) - first_ns, 1)


def _bar(span: Row, window: tuple[int, int]) -> Text:
    """Where in the trace's time the span ran; of a stream, what passed before the first chunk is lighter."""
    first_ns, length_ns = window
    left = min((span["start_ns"] - first_ns) * BAR_CELLS // length_ns, BAR_CELLS - 1)
    cells = max(1, min(round((span["end_ns"] - span["start_ns"]) * BAR_CELLS / length_ns), BAR_CELLS - left))
    waited_s = span["attributes"].get("gen_ai.response.time_to_first_chunk")
    waiting = round(float(waited_s) * 1e9 * BAR_CELLS / length_ns) if isinstance(waited_s, int | float) else 0
    waiting = max(0, min(waiting, cells - 1))
    style = "red" if span["status"] == "error" else _BAR_STYLE.get(span["kind"], "magenta")
    return Text(" " * left + _WAITING * waiting + _RUNNING * (cells - waiting) + " " * (BAR_CELLS - left - cells), style=style)


def _name_style(span: Row, own: str | None) -> str:
    weight = "bold " if span["request_id"] == own and span["kind"] == "call" else ""
    return weight + STATUS_STYLE.get(span["status"], "")


def _facts(span: Row, tools: Mapping[str, Row]) -> Text:
    told = span["attributes"]
    facts = Text(no_wrap=True, overflow="ellipsis")
    tokens = (told.get("gen_ai.usage.input_tokens"), told.get("gen_ai.usage.output_tokens"))
    if tokens != (None, None):
        facts.append(f"{count(tokens[0])} in, {count(tokens[1])} out  ", style="dim")
    if span["status"] not in ("ok", "error"):
        facts.append(f"{span['status']}  ", style=STATUS_STYLE.get(span["status"], ""))
    if span["error_type"] and span["error_type"] != span["status"]:
        facts.append(str(preview(f"{span['error_type']}: {span['error_message'] or ''}".rstrip(": "))) + "  ", style="red")
    tool = tools.get(span["tool_call_id"] or "")
    if tool is not None:
        facts.append(str(preview(f"{tool['arguments'] or ''} → {tool['error'] or tool['result'] or ''}")), style="dim")
    return facts
