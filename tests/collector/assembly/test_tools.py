"""
Tools that were asked for, and how they ran.
"""

from typing import Any

import pytest

from collector.assembly.ids import tool_span_id
from tests.collector.assembly.stored import T0, assembled, attributes, completed, event, started


def tool_done(at_ms: float = 500, **payload: Any):
    return event("tools:call:completed", at_ms, **{"toolCallId": "t1", "toolName": "search", "duration": 40, **payload})


def piece(at_ms: float, arguments: str, tool_call_id: str = "t1", **payload: Any):
    return event("text:chunk:tool-call", at_ms, toolCallId=tool_call_id, toolName="search", arguments=arguments, **payload)


def declared(at_ms: float, *calls: tuple[str, str]):
    entries = [{"id": id_, "type": "function", "function": {"name": "search", "arguments": args}} for id_, args in calls]
    return event("text:message:created", at_ms, messageId="m1", role="assistant", content="", toolCalls=entries)


def test_a_tool_is_a_child_span_of_its_call() -> None:
    """Ends at its event, started its duration earlier; INTERNAL, named after the tool."""
    outcome = assembled(started(), tool_done(), completed(1000, duration=1000))
    top, span = outcome.spans

    assert ("tool", "execute_tool search", top.span_id, top.trace_id) == (
        span.kind,
        span.name,
        span.parent_span_id,
        span.trace_id,
    )
    assert ((T0 + 460) * 1_000_000, (T0 + 500) * 1_000_000) == (span.start_ns, span.end_ns)
    assert ("search", "t1", False) == (span.tool_name, span.tool_call_id, span.is_client)
    assert {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search", "gen_ai.tool.call.id": "t1"}.items() <= (
        span.attributes.items()
    )
    assert tool_span_id("default", "req-1", "t1") == span.span_id


def test_whole_arguments_beat_streamed_pieces() -> None:
    """Pieces of one millisecond have no order of their own; `toolCalls` has the whole."""
    outcome = assembled(started(), piece(10, '{"a'), piece(10, '":1}'), declared(20, ("t1", '{"a": 1}')))

    assert ['{"a": 1}'] == [tool.arguments for tool in outcome.tool_calls]


def test_streamed_pieces_are_joined_where_nothing_else_came() -> None:
    """Single ones and packs."""
    pack = event(
        "text:chunk:tool-call", 20, toolCallId="t1", chunks=[{"offsetMs": 0, "delta": '":'}, {"offsetMs": 1, "delta": "1}"}]
    )
    outcome = assembled(started(), piece(10, '{"a'), pack)

    assert ('{"a":1}', 3) == (outcome.tool_calls[0].arguments, outcome.call.chunk_count)


def test_tools_of_the_terminal_event_are_the_calls() -> None:
    """Our hooks list them there, for calls that were not streamed as well."""
    entry = {"id": "t1", "type": "function", "function": {"name": "search", "arguments": "{}"}}
    outcome = assembled(started(), completed(100, toolCalls=[entry]))

    assert [("t1", "search", "{}", "requested")] == [
        (tool.tool_call_id, tool.tool_name, tool.arguments, tool.status) for tool in outcome.tool_calls
    ]
    assert (1, ["call"]) == (outcome.call.tool_count, [span.kind for span in outcome.spans])


@pytest.mark.parametrize(
    ("payload", "status", "error_type", "message"),
    [
        ({"result": {"error": "tool blew up"}}, "error", "_OTHER", "tool blew up"),
        ({"result": {"error": "partly", "data": [1]}}, "ok", None, None),
        ({"result": {"data": 1}}, "ok", None, None),
        ({"result": None, "error": {"name": "ValueError", "message": "bad"}}, "error", "ValueError", "bad"),
    ],
)
def test_a_tool_fails_by_its_error_or_by_a_result_that_is_nothing_else(
    payload: dict[str, Any], status: str, error_type: str | None, message: str | None
) -> None:
    """The call keeps its own status."""
    outcome = assembled(started(), tool_done(**payload), completed(1000, duration=1000))

    assert (status, message) == (outcome.tool_calls[0].status, outcome.tool_calls[0].error)
    assert (status, error_type, message) == (outcome.spans[1].status, outcome.spans[1].error_type, outcome.spans[1].error_message)
    assert "ok" == outcome.call.status


def test_without_a_duration_the_tools_started_event_gives_the_start() -> None:
    """As for calls."""
    begun = event("tools:call:started", 430, toolCallId="t1", toolName="search", input={"q": 1})
    outcome = assembled(started(), begun, tool_done(duration=None, result="x"), completed(1000, duration=1000))
    tool = outcome.tool_calls[0]

    assert (T0 + 430, T0 + 500, 70, '{"q":1}', "x") == (tool.start_ms, tool.end_ms, tool.duration_ms, tool.arguments, tool.result)


def test_a_tool_that_began_and_never_ended_is_incomplete() -> None:
    """Its span ends with the call, so that calls made in it have a parent."""
    begun = event("tools:call:started", 430, toolCallId="t1", toolName="search")
    span = assembled(started(), begun, completed(1000, duration=1000)).spans[1]

    assert ("incomplete", (T0 + 1000) * 1_000_000) == (span.status, span.end_ns)


def test_a_tool_inside_a_tool_is_its_child() -> None:
    """And the tool's parent is not taken for the call's."""
    inner = tool_done(480, toolCallId="t2", parentToolCallId="t1")
    outcome = assembled(started(parentRequestId="req-0"), tool_done(), inner, completed(1000, duration=1000))
    by_id = {span.tool_call_id: span for span in outcome.spans}

    assert tool_span_id("default", "req-1", "t1") == by_id["t2"].parent_span_id
    assert outcome.spans[0].parent_span_id != tool_span_id("default", "req-0", "t1")


def test_tools_keep_the_order_of_the_model() -> None:
    """By first sign, then by place in the message, whatever the ids are."""
    outcome = assembled(started(), declared(20, ("z", "1"), ("a", "2")), piece(10, "{}", "m"))

    assert [(0, "m"), (1, "z"), (2, "a")] == [(tool.n, tool.tool_call_id) for tool in outcome.tool_calls]


def test_a_streamed_result_counts_where_no_completed_event_came() -> None:
    """What went back to the model."""
    told = event("text:chunk:tool-result", 30, toolCallId="t1", result='{"x":1}')

    assert '{"x":1}' == assembled(started(), told).tool_calls[0].result
    assert '{"y":2}' == assembled(started(), told, tool_done(result={"y": 2})).tool_calls[0].result


def test_tool_content_is_on_spans_only_when_asked_for() -> None:
    """Arguments and results are content."""
    events = (started(), declared(10, ("t1", '{"q":1}')), tool_done(result={"y": 2}), completed(1000, duration=1000))

    assert not {"gen_ai.tool.call.arguments", "gen_ai.tool.call.result"} & attributes(assembled(*events), "tool").keys()
    found = attributes(assembled(*events, capture_content=True), "tool")
    assert ('{"q":1}', '{"y":2}') == (found["gen_ai.tool.call.arguments"], found["gen_ai.tool.call.result"])
