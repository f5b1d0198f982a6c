"""
The spans of a call: itself, its model calls, its tools, and the steps beside them.

Flow: facts, call, tools -> **spans** -> storage -> exporters.
"""

from collections.abc import Sequence

from collector import semconv
from collector.assembly.attributes import Attributes, call_attributes, content_attributes, tool_attributes, usage_attributes
from collector.assembly.ending import Ended
from collector.assembly.facts import Facts
from collector.assembly.failures import INCOMPLETE, Failure
from collector.assembly.ids import tool_span_id
from collector.assembly.iterations import ModelCall
from collector.assembly.parents import Place
from collector.assembly.steps import Step
from collector.assembly.timing import to_ns
from collector.assembly.tools import ToolRun
from collector.spans import Call, Span, SpanKind, Status
from collector.values import value


@value
class SpanMaker:
    """What all spans of a call share."""

    call: Call
    place: Place
    end_ms: float

    def make(
        self,
        *,
        kind: SpanKind,
        span_id: str,
        parent_span_id: str | None,
        name: str,
        start_ms: float,
        end_ms: float,
        status: Status,
        failure: Failure | None,
        is_client: bool,
        attributes: Attributes,
        tool_name: str | None = None,
        tool_call_id: str | None = None,
    ) -> Span:
        """A span of this call. One that would end before it starts takes no time."""
        end_ns = to_ns(end_ms)
        return Span(
            project=self.call.project,
            trace_id=self.place.trace_id,
            span_id=span_id,
            parent_span_id=parent_span_id,
            request_id=self.call.request_id,
            kind=kind,
            name=name,
            start_ns=min(to_ns(start_ms), end_ns),
            end_ns=end_ns,
            status=status,
            error_type=None if failure is None else failure.error_type,
            error_message=None if failure is None else failure.message,
            tool_name=tool_name,
            tool_call_id=tool_call_id,
            is_client=is_client,
            is_sampled=self.place.is_sampled,
            attributes=attributes,
        )


def call_span(
    maker: SpanMaker, facts: Facts, ending: Ended, tools: Sequence[ToolRun], *, is_loop: bool, with_content: bool
) -> Span:
    """The call's own span. With several model calls below it, they carry the usage: a backend must not add it twice."""
    call = maker.call
    attributes = call_attributes(facts, call, ending)
    if not is_loop:
        attributes |= usage_attributes(call.usage)
    if with_content:
        attributes |= content_attributes(facts, call, ending, [run.call for run in tools])
    is_agent = call.operation == semconv.INVOKE_AGENT
    return maker.make(
        kind="call",
        span_id=maker.place.span_id,
        parent_span_id=maker.place.parent_span_id,
        name=semconv.span_name(call.operation, facts.named.get("agentName") if is_agent else call.model),
        start_ms=maker.end_ms if call.start_ms is None else call.start_ms,
        end_ms=maker.end_ms,
        status=ending.status,
        failure=ending.failure,
        is_client=not is_agent,
        attributes=attributes,
    )


def model_call_span(maker: SpanMaker, turn: ModelCall) -> Span:
    """One iteration of an agent loop."""
    call = maker.call
    attributes: Attributes = {
        semconv.OPERATION_NAME: semconv.CHAT,
        semconv.PROVIDER_NAME: turn.provider,
        semconv.REQUEST_MODEL: turn.model,
        semconv.CONVERSATION_ID: call.thread_id,
        semconv.RESPONSE_FINISH_REASONS: [turn.finish_reason] if turn.finish_reason else None,
        semconv.ERROR_TYPE: None if turn.failure is None else turn.failure.error_type,
        semconv.HOOKLINE_REQUEST_ID: call.request_id,
        semconv.HOOKLINE_CLIENT_ID: call.client_id,
        **usage_attributes(turn.usage),
    }
    return maker.make(
        kind="model_call",
        span_id=turn.span_id,
        parent_span_id=maker.place.span_id,
        name=semconv.span_name(semconv.CHAT, turn.model),
        start_ms=turn.start_ms,
        end_ms=turn.end_ms,
        status=turn.status,
        failure=turn.failure,
        is_client=True,
        attributes={key: value for key, value in attributes.items() if value is not None},
    )


def tool_span(maker: SpanMaker, run: ToolRun, *, with_content: bool) -> Span | None:
    """A tool that ran, None for one that was only asked for."""
    if run.times is None:
        return None
    is_over = run.times.end_ms is not None
    failure = run.failure if is_over else INCOMPLETE
    tool = run.call
    return maker.make(
        kind="tool",
        span_id=tool_span_id(maker.call.project, maker.call.request_id, tool.tool_call_id),
        parent_span_id=_parent_of_tool(maker, run),
        name=semconv.span_name(semconv.EXECUTE_TOOL, tool.tool_name),
        start_ms=run.times.start_ms,
        end_ms=maker.end_ms if run.times.end_ms is None else run.times.end_ms,
        status="incomplete" if not is_over else "ok" if failure is None else "error",
        failure=failure,
        is_client=False,
        attributes={
            **tool_attributes(tool, None if failure is None else failure.error_type, capture_content=with_content),
            semconv.HOOKLINE_REQUEST_ID: maker.call.request_id,
        },
        tool_name=tool.tool_name,
        tool_call_id=tool.tool_call_id,
    )


def _parent_of_tool(maker: SpanMaker, run: ToolRun) -> str:
    """The tool that ran it, else the call."""
    outer = run.parent_tool_call_id
    if outer is None or outer == run.call.tool_call_id:
        return maker.place.span_id
    return tool_span_id(maker.call.project, maker.call.request_id, outer)


def step_span(maker: SpanMaker, step: Step) -> Span:
    """A handoff, guardrail or use of memory."""
    return maker.make(
        kind=step.kind,
        span_id=step.span_id,
        parent_span_id=maker.place.span_id,
        name=step.name,
        start_ms=step.start_ms,
        end_ms=step.end_ms,
        status="ok" if step.failure is None else "error",
        failure=step.failure,
        is_client=False,
        attributes={**step.attributes, semconv.HOOKLINE_REQUEST_ID: maker.call.request_id},
    )
