"""
The tools that a call's model asked for, and how they ran.

Flow: facts -> **tool calls** -> tool_calls, spans.
"""

from typing import Any, cast

from collector.assembly.facts import Facts, ToolFacts
from collector.assembly.failures import Failure, read_failure
from collector.assembly.timing import Times, measure
from collector.fields import amount, as_json
from collector.spans import ToolCall
from collector.values import value


@value
class ToolRun:
    """A tool call, with its times (None: not seen to run) and its failure."""

    call: ToolCall
    times: Times | None
    failure: Failure | None
    parent_tool_call_id: str | None


def read_tools(facts: Facts) -> list[ToolRun]:
    """The tools in the order in which the model asked for them."""
    found = sorted(facts.tools.values(), key=lambda tool: (tool.first_ms, tool.position, tool.tool_call_id))
    return [_read_tool(n, tool) for n, tool in enumerate(found)]


def _read_tool(n: int, tool: ToolFacts) -> ToolRun:
    times, failure = _times_of(tool), _failure_of(tool)
    return ToolRun(
        call=ToolCall(
            n=n,
            tool_call_id=tool.tool_call_id,
            tool_name=tool.tool_name,
            message_id=tool.message_id,
            arguments=_arguments_of(tool),
            result=_result_of(tool),
            status=_status_of(tool, failure),
            error=None if failure is None else failure.message,
            start_ms=None if times is None else times.start_ms,
            end_ms=None if times is None else times.end_ms,
            duration_ms=None if times is None else times.duration_ms,
        ),
        times=times,
        failure=failure,
        parent_tool_call_id=tool.parent_tool_call_id,
    )


def _arguments_of(tool: ToolFacts) -> str | None:
    """Whole ones first; streamed pieces only where none came."""
    if tool.declared is not None:
        return tool.declared
    if tool.pieces:
        return "".join(tool.pieces)
    return as_json(tool.given_input)


def _result_of(tool: ToolFacts) -> str | None:
    result = None if tool.completed is None else as_json(tool.completed.payload.get("result"))
    return tool.streamed_result if result is None else result


def _times_of(tool: ToolFacts) -> Times | None:
    started_ms = None if tool.started is None else tool.started.timestamp_ms
    if tool.completed is None:
        return None if started_ms is None else Times(start_ms=started_ms, end_ms=None, duration_ms=None)
    return measure(tool.completed.timestamp_ms, amount(tool.completed.payload.get("duration")), started_ms)


def _failure_of(tool: ToolFacts) -> Failure | None:
    if tool.completed is None:
        return None
    error: Any = tool.completed.payload.get("error")
    if error is not None:
        return read_failure(error)
    result: Any = tool.completed.payload.get("result")
    # TanStack has no flag for a tool that threw: the result is then an object with nothing but the error.
    if isinstance(result, dict) and list(cast("dict[str, Any]", result)) == ["error"]:
        return read_failure(cast("dict[str, Any]", result)["error"])
    return None


def _status_of(tool: ToolFacts, failure: Failure | None) -> Any:
    if failure is not None:
        return "error"
    if tool.completed is not None:
        return "ok"
    return "waiting" if tool.is_waiting else "requested"
