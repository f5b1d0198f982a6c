"""
A trace as a tree: who is inside whom, when, for how long, and what is worth knowing.
"""

import io
from typing import Any

from rich.console import Console

from collector.cli.tree import BAR_CELLS, span_tree


def span(span_id: str, start_ms: float, end_ms: float, *, parent: str | None = None, **different: Any) -> dict[str, Any]:
    return {
        "span_id": span_id, "parent_span_id": parent, "request_id": f"req-{span_id}", "kind": "call", "name": f"chat {span_id}",
        "start_ns": int(start_ms * 1e6), "end_ns": int(end_ms * 1e6), "duration_ms": end_ms - start_ms, "status": "ok",
        "error_type": None, "error_message": None, "tool_name": None, "tool_call_id": None, "attributes": {},
    } | different  # fmt: skip


def printed(*spans: dict[str, Any], **options: Any) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=300, highlight=False).print(span_tree(spans, **options))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def bar(line: str) -> tuple[int, int]:
    """Where the bar begins in the line, and its length."""
    cells = [n for n, char in enumerate(line) if char in "░█"]
    return cells[0], len(cells)


def test_calls_of_a_trace_stand_inside_each_other() -> None:
    """
    By their spans, in the order of time, whichever call they are of.
    """
    lines = printed(
        span("agent", 0, 100), span("late", 60, 90, parent="agent"), span("tool", 10, 50, parent="agent"),
        span("inner", 20, 40, parent="tool"),
    )  # fmt: skip

    assert "4 spans" == lines[0]
    assert ["└── chat agent", "    ├── chat tool", "    │   └── chat inner", "    └── chat late"] == [
        line[: line.index("chat") + len(line[line.index("chat") :].split("  ")[0])] for line in lines[1:]
    ]


def test_bars_lie_on_one_line_of_time() -> None:
    """
    The whole trace is the whole width; the half in its middle begins at a quarter. A moment is one cell.
    """
    lines = printed(span("a", 0, 400), span("b", 100, 300, parent="a"), span("c", 400, 400, parent="a"))

    (start, whole), (middle, half), (end, moment) = (bar(line) for line in lines[1:])
    assert (BAR_CELLS, BAR_CELLS // 2, 1) == (whole, half, moment)
    assert (start + BAR_CELLS // 4, start + BAR_CELLS - 1) == (middle, end)


def test_waiting_for_the_first_chunk_is_lighter() -> None:
    """
    Half of the time, half of the bar.
    """
    (line,) = printed(span("a", 0, 1000, attributes={"gen_ai.response.time_to_first_chunk": 0.5}))[1:]

    assert "░" * (BAR_CELLS // 2) + "█" * (BAR_CELLS // 2) in line


def test_spans_say_tokens_errors_and_what_tools_were_asked_and_answered() -> None:
    """
    Beside the bar; words of others on one line.
    """
    tool = {"tool_call_id": "t1", "arguments": '{"city":"Rome"}', "result": "sunny\nand warm", "error": None}
    lines = printed(
        span("a", 0, 9, attributes={"gen_ai.usage.input_tokens": 1200, "gen_ai.usage.output_tokens": 7}),
        span("b", 1, 2, kind="tool", tool_call_id="t1", parent="a"),
        span("c", 2, 3, status="error", error_type="RateLimitError", error_message="slow\x1b[31m down", parent="a"),
        span("d", 3, 4, status="aborted", parent="a"),
        tools=[tool],
    )

    assert lines[1].endswith("1,200 in, 7 out")
    assert lines[2].endswith('{"city":"Rome"} → sunny and warm')
    assert lines[3].endswith("RateLimitError: slow�[31m down")
    assert lines[4].endswith("aborted")


def test_a_span_whose_parent_is_missing_stands_at_the_top_and_a_ring_ends() -> None:
    """
    Parents come from outside: they may be in another backend, or wrong.
    """
    lines = printed(span("a", 0, 9, parent="elsewhere"), span("x", 1, 2, parent="y"), span("y", 1, 2, parent="x"))

    assert lines[1].startswith("└── chat a")
    assert {"?── chat x", "?── chat y"} == {line[: len("?── chat x")] for line in lines[2:]}


def test_a_deep_chain_is_shown() -> None:
    """
    Deeper than Python's own stack; nothing is left out where no terminal is.
    """
    depth = 1_100
    chain = [span(str(n), n, depth, parent=str(n - 1) if n else None) for n in range(depth)]

    assert depth + 1 == len(printed(*chain))
