"""
The waterfall: who is under whom, what a bar is made of, windows of long traces.
"""

from typing import Any

from collector.web.call_waterfall import WINDOW, Waterfall, draw_waterfall

NOW_MS = 10_000.0


def span(
    name: str, start_ms: float, end_ms: float, *, parent: str | None = None, kind: str = "call", **more: Any
) -> dict[str, Any]:
    """A row of `spans`, its own id and call."""
    row = {
        "span_id": name, "parent_span_id": parent, "request_id": more.pop("request_id", name), "kind": kind, "name": name,
        "start_ns": int(start_ms * 1e6), "end_ns": int(end_ms * 1e6), "status": "ok",
    }  # fmt: skip
    return {**row, **more}


def call(name: str, *, first_ms: float | None = None, **more: Any) -> dict[str, Any]:
    """A row of `calls`."""
    row = {
        "request_id": name, "parent_request_id": None, "operation": "chat", "model": "m", "status": "ok", "start_ms": 0.0,
        "duration_ms": 1.0, "time_to_first_chunk_ms": first_ms, "span_id": name,
    }  # fmt: skip
    return {**row, **more}


def draw(spans: list[dict[str, Any]], calls: list[dict[str, Any]] | None = None, **more: Any) -> Waterfall:
    given = calls if calls is not None else [call(one["span_id"]) for one in spans if one["kind"] == "call"]
    options = {"first": None, "now_ms": NOW_MS, "limit": 10_000, **more}
    selected = options.pop("request_id", spans[0]["request_id"] if spans else "none")
    return draw_waterfall({"spans": spans, "calls": given}, selected, **options)


def test_children_hang_under_their_parents_in_time_order():
    """
    Depth first; of two children the earlier first, whatever order the rows came in.
    """
    drawn = draw([span("late", 50, 60, parent="root"), span("root", 0, 100), span("in early", 12, 14, parent="early"),
                  span("early", 10, 20, parent="root")])  # fmt: skip

    assert [("root", 0), ("early", 1), ("in early", 2), ("late", 1)] == [(row.name, row.depth) for row in drawn.rows]
    assert [2, 1, 0, 0] == [row.children for row in drawn.rows]


def test_children_of_a_parent_that_is_not_here_share_one_dashed_row():
    """
    A call that was lost: one row for all its children, as long as they are.
    """
    spans = [span("a", 10, 20, parent="gone"), span("b", 30, 45, parent="gone"), span("c", 5, 6)]
    drawn = draw(spans, [call("a", parent_request_id="lost"), call("b", parent_request_id="lost"), call("c")])

    assert [("c", 0, None), ("missing parent", 0, "gone"), ("a", 1, None), ("b", 1, None)] == [
        (row.name, row.depth, row.missing_id) for row in drawn.rows
    ]
    assert (5.0, 35.0) == (drawn.rows[1].offset_ms, drawn.rows[1].duration_ms)
    assert ["missing"] == [bar.part for bar in drawn.rows[1].bars]


def test_parent_that_no_call_made_is_the_hosts_span():
    """
    A traceparent alone names it: it is in the host's own backend, so nothing is missing. A tool's parent is always a call.
    """
    drawn = draw([span("a", 10, 20, parent="host"), span("tool", 12, 14, parent="gone", kind="tool")], [call("a")])

    assert [("host span", "host"), ("a", None), ("missing parent", "gone"), ("tool", None)] == [
        (row.name, row.missing_id) for row in drawn.rows
    ]


def test_bar_of_a_stream_is_waiting_then_streaming():
    """
    Of 100 ms the first 25 were waiting: a quarter of the drawing.
    """
    drawn = draw([span("root", 0, 100), span("tool", 50, 100, parent="root", kind="tool")], [call("root", first_ms=25.0)])

    assert [("waiting", 0.0, 250.0), ("streaming", 250.0, 750.0)] == [(bar.part, bar.x, bar.width) for bar in drawn.rows[0].bars]
    assert [("tool", 500.0, 500.0)] == [(bar.part, bar.x, bar.width) for bar in drawn.rows[1].bars]


def test_running_call_has_a_bar_until_now():
    """
    It has no span yet; its row is open, under its parent.
    """
    running = call("child", start_ms=NOW_MS - 40, parent_request_id="root", status="running")
    drawn = draw([span("root", NOW_MS - 100, NOW_MS - 50)], [call("root"), running])

    row = next(row for row in drawn.rows if row.request_id == "child")
    assert (None, "running", ["open"]) == (row.duration_ms, row.status, [bar.part for bar in row.bars])
    assert 100.0 == drawn.length_ms


def test_long_trace_comes_in_windows_around_the_call():
    """
    Of 1,000 rows some hundred are drawn, the selected one among them; windows put together are all, each once.
    """
    spans = [span("root", 0, 1000), *(span(f"s{n:04}", n, n + 1, parent="root") for n in range(1, 1000))]
    around = draw(spans, request_id="s0800")
    assert len(around.rows) == WINDOW
    assert ["s0800"] == [row.name for row in around.rows if row.is_selected]

    found: list[str] = []
    first: int | None = 0
    while first is not None:
        window = draw(spans, first=first)
        found += [row.name for row in window.rows]
        first = window.after
    assert [one["name"] for one in spans] == found
    assert draw(spans, first=99_999).rows[-1].name == "s0999"


def test_parents_in_a_circle_end():
    """
    Only a broken sender makes such; nothing hangs.
    """
    assert () == draw([span("a", 0, 1, parent="b"), span("b", 0, 1, parent="a")]).rows
    assert ["a"] == [row.name for row in draw([span("a", 0, 1, parent="a")]).rows]
    assert () == draw([]).rows
