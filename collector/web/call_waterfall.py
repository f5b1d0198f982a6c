"""
The waterfall: a trace's spans as bars, children under their parents, in a window of rows.

Flow: storage (trace_outline) -> **tree -> rows -> bars** -> templates/call/waterfall.html, which draws them. Pure.
A span whose parent is not in the trace hangs under a dashed row: the host application's own span, which only its backend has,
or a parent that was lost.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from collector.storage.protocols import Row

WINDOW = 100
"""Rows that are drawn at once."""
DEEPEST = 12
"""Rows further down are not indented further."""
WIDTH = 1000.0
"""Of the drawing, in its own units."""
_NARROWEST = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One piece of a row's bar. `part` is waiting, streaming, tool, work or open (no end yet)."""

    part: str
    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterfallRow:
    """One span, or a parent that is not here (`span_id` None, `missing_id` set)."""

    span_id: str | None
    missing_id: str | None
    request_id: str | None
    name: str
    kind: str
    status: str
    depth: int
    offset_ms: float
    duration_ms: float | None
    waiting_ms: float | None
    children: int
    bars: tuple[Bar, ...]
    is_selected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """A window of a trace's rows. `first` counts from 0; ticks are (label milliseconds)."""

    rows: tuple[WaterfallRow, ...]
    first: int
    total: int
    length_ms: float
    calls: int
    is_cut: bool
    """The trace has more spans than were read."""

    @property
    def before(self) -> int | None:
        """Where the window before this one begins."""
        return max(0, self.first - WINDOW) if self.first else None

    @property
    def after(self) -> int | None:
        """Where the next window begins."""
        return self.first + len(self.rows) if self.first + len(self.rows) < self.total else None

    @property
    def ticks_ms(self) -> tuple[float, ...]:
        """The times under the drawing: its quarters."""
        return tuple(self.length_ms * part / 4 for part in range(5))


@dataclass(slots=True)
class _Node:
    id: str
    parent_id: str | None
    request_id: str | None
    name: str
    kind: str
    status: str
    start_ms: float
    end_ms: float | None
    waiting_ms: float | None = None
    is_missing: bool = False
    is_below_host: bool = False
    """Its parent, where it has one, is a span of the host: no call of ours made it."""
    children: list["_Node"] = field(default_factory=list["_Node"])


def draw_waterfall(
    outline: Mapping[str, Sequence[Row]], request_id: str, *, first: int | None, now_ms: float, limit: int
) -> Waterfall:
    """The rows around a call, or from `first` on."""
    spans, calls = outline["spans"], outline["calls"]
    nodes = _nodes(spans, calls)
    start_ms, end_ms = _extent(nodes.values(), now_ms)
    flat = _flatten(_roots(nodes))
    selected = next((n for n, (node, _) in enumerate(flat) if node.request_id == request_id), 0)
    begin = _begin(first, selected, len(flat))
    length_ms = max(end_ms - start_ms, 0.001)
    rows = tuple(
        _row(node, depth, start_ms, length_ms, now_ms, is_selected=node.request_id == request_id and node.kind == "call")
        for node, depth in flat[begin : begin + WINDOW]
    )
    return Waterfall(
        rows=rows,
        first=begin,
        total=len(flat),
        length_ms=length_ms,
        calls=len(calls),
        is_cut=max(len(spans), len(calls)) >= limit,
    )


def _begin(first: int | None, selected: int, total: int) -> int:
    if first is None:
        # What came right before the call tells where one is.
        first = 0 if selected < WINDOW else selected - WINDOW // 5
    return max(0, min(first, total - 1)) if total else 0


def _nodes(spans: Sequence[Row], calls: Sequence[Row]) -> dict[str, _Node]:
    by_request = {call["request_id"]: call for call in calls}
    nodes = {span["span_id"]: _node_of_span(span, by_request.get(span["request_id"])) for span in spans}
    ended = {span["request_id"] for span in spans}
    parents = {call["request_id"]: call["span_id"] for call in calls}
    for call in calls:
        if call["request_id"] not in ended:
            # It runs: it has no span yet.
            key = call["span_id"] or f"call {call['request_id']}"
            nodes[key] = _node_of_call(call, key, parents.get(call["parent_request_id"]))
    return nodes


def _node_of_span(span: Row, call: Row | None) -> _Node:
    of_call = call if span["kind"] == "call" else None
    return _Node(
        id=span["span_id"],
        parent_id=span["parent_span_id"],
        request_id=span["request_id"],
        name=span["name"],
        kind=span["kind"],
        status=span["status"],
        start_ms=span["start_ns"] / 1e6,
        end_ms=span["end_ns"] / 1e6,
        waiting_ms=of_call["time_to_first_chunk_ms"] if of_call else None,
        is_below_host=of_call is not None and of_call["parent_request_id"] is None,
    )


def _node_of_call(call: Row, key: str, parent_id: str | None) -> _Node:
    return _Node(
        id=key,
        parent_id=parent_id,
        request_id=call["request_id"],
        name=f"{call['operation']} {call['model'] or ''}".strip(),
        kind="call",
        status=call["status"],
        start_ms=call["start_ms"] or 0.0,
        end_ms=None,
        waiting_ms=call["time_to_first_chunk_ms"],
    )


def _extent(nodes: Iterable[_Node], now_ms: float) -> tuple[float, float]:
    nodes = list(nodes)
    start_ms = min((node.start_ms for node in nodes), default=0.0)
    return start_ms, max((max(now_ms, node.start_ms) if node.end_ms is None else node.end_ms for node in nodes), default=start_ms)


def _roots(nodes: Mapping[str, _Node]) -> list[_Node]:
    """The tree's tops. A parent that is not here gets a node of its own, once for all its children."""
    roots: list[_Node] = []
    missing: dict[str, _Node] = {}
    for node in nodes.values():
        if node.parent_id is None or node.parent_id == node.id:
            roots.append(node)
        elif node.parent_id in nodes:
            nodes[node.parent_id].children.append(node)
        else:
            parent = missing.get(node.parent_id)
            if parent is None:
                parent = missing[node.parent_id] = _missing(node)
                roots.append(parent)
            parent.children.append(node)
            parent.start_ms = min(parent.start_ms, node.start_ms)
            parent.end_ms = None if parent.end_ms is None or node.end_ms is None else max(parent.end_ms, node.end_ms)
    return roots


def _missing(child: _Node) -> _Node:
    return _Node(
        id=str(child.parent_id),
        parent_id=None,
        request_id=None,
        name="host span" if child.is_below_host else "missing parent",
        kind="missing",
        status="",
        start_ms=child.start_ms,
        end_ms=child.end_ms,
        is_missing=True,
    )


def _flatten(roots: Sequence[_Node]) -> list[tuple[_Node, int]]:
    """Depth first, each level by time. A loop of parents, which only a broken sender makes, shows nothing and ends."""
    flat: list[tuple[_Node, int]] = []
    stack = [(node, 0) for node in sorted(roots, key=_by_start, reverse=True)]
    while stack:
        node, depth = stack.pop()
        flat.append((node, depth))
        stack += [(child, depth + 1) for child in sorted(node.children, key=_by_start, reverse=True)]
    return flat


def _by_start(node: _Node) -> tuple[float, str]:
    return (node.start_ms, node.id)


def _row(node: _Node, depth: int, start_ms: float, length_ms: float, now_ms: float, *, is_selected: bool) -> WaterfallRow:
    end_ms = max(now_ms, node.start_ms) if node.end_ms is None else node.end_ms
    return WaterfallRow(
        span_id=None if node.is_missing else node.id,
        missing_id=node.id if node.is_missing else None,
        request_id=node.request_id,
        name=node.name,
        kind=node.kind,
        status=node.status,
        depth=min(depth, DEEPEST),
        offset_ms=node.start_ms - start_ms,
        duration_ms=None if node.end_ms is None else node.end_ms - node.start_ms,
        waiting_ms=node.waiting_ms,
        children=len(node.children),
        bars=_bars(node, end_ms, start_ms, WIDTH / length_ms),
        is_selected=is_selected,
    )


def _bars(node: _Node, end_ms: float, start_ms: float, scale: float) -> tuple[Bar, ...]:
    """Waiting until the first chunk, then streaming; what has no stream is one piece."""
    x = (node.start_ms - start_ms) * scale
    width = max((end_ms - node.start_ms) * scale, _NARROWEST)
    x = min(x, WIDTH - width)
    if node.is_missing:
        return (Bar(part="missing", x=round(x, 2), width=round(width, 2)),)
    if node.waiting_ms is not None and node.kind == "call":
        waiting = min(max(node.waiting_ms * scale, 0.0), width)
        rest = width - waiting
        parts = (("waiting", x, waiting), ("open" if node.end_ms is None else "streaming", x + waiting, rest))
        return tuple(Bar(part=part, x=round(at, 2), width=round(size, 2)) for part, at, size in parts if size > 0)
    part = "open" if node.end_ms is None else "tool" if node.kind == "tool" else "work"
    return (Bar(part=part, x=round(x, 2), width=round(width, 2)),)
