"""
Turn the events of one call into the call, its spans, tools, usage and health.

Flow: storage -> **assembly** -> storage -> exporters.
Pure: the same events in any order, with repeats, give the same outcome.
"""

from collections.abc import Sequence

from collector import semconv
from collector.assembly.call_spans import SpanMaker, call_span, model_call_span, step_span, tool_span
from collector.assembly.ending import Ended, Ending, find_ending, finish_reason
from collector.assembly.facts import Facts
from collector.assembly.gather import gather, own_events
from collector.assembly.health import check_health
from collector.assembly.inputs import CallEvents, Price
from collector.assembly.iterations import is_loop, read_model_calls
from collector.assembly.measuring import measure_settled
from collector.assembly.messages import find_answer, find_question, preview
from collector.assembly.order import order_events
from collector.assembly.parents import Place, find_place
from collector.assembly.ribbon import chunk_ribbon
from collector.assembly.steps import read_steps
from collector.assembly.timing import Times, measure_call, time_to_first_chunk
from collector.assembly.tools import ToolRun, read_tools
from collector.assembly.usage import Spending, count_usage
from collector.dialects import DIALECTS
from collector.events import StoredEvent
from collector.fields import items, mapping
from collector.spans import Assembled, Call, Health, Span

_FOREIGN = frozenset(name_of_dialect for name_of_dialect, dialect in DIALECTS.items() if not dialect.is_canonical)


def assemble(call: CallEvents, *, price: Price, capture_content: bool = False) -> Assembled:
    """What the events of a call say at `call.now_ms`. `capture_content` puts prompts and answers on the spans."""
    events = canonical_events(call.events, call.request_id)
    facts = gather(events)
    own = own_events(events)
    ending = find_ending(facts, own, call)
    times = measure_call(facts, ending, own[0])
    tools = read_tools(facts)
    spending = count_usage(facts, ending, price)
    place = find_place(call.project, call.request_id, call.trace_id, facts.named, facts.host_span)
    health = check_health(facts, own, call, ending, times, has_usage=bool(spending.rows))
    row = _call_row(call, facts, ending, times, tools, spending, place, health)
    settled, look_again_ms = _schedule(call, facts, ending)
    spans = _spans(row, place, facts, ending, tools, capture_content=capture_content)
    tool_calls = tuple(tool.call for tool in tools)
    return Assembled(
        call=row,
        spans=spans,
        tool_calls=tool_calls,
        usage=spending.rows,
        health=health,
        settled=settled,
        look_again_ms=look_again_ms,
        measurements=measure_settled(facts, row, spans, tool_calls) if settled else (),
    )


def canonical_events(events: Sequence[StoredEvent], request_id: str) -> list[StoredEvent]:
    """The events that rules read, in order: a foreign event may stand for several of them, or for none."""
    ordered = order_events(events)
    found = [event for event in ordered if event.dialect not in _FOREIGN]
    if len(found) == len(ordered):
        return ordered
    foreign: dict[str, list[StoredEvent]] = {}
    for event in ordered:
        if event.dialect in _FOREIGN:
            foreign.setdefault(event.dialect, []).append(event)
    for name_of_dialect, of_dialect in foreign.items():
        found.extend(DIALECTS[name_of_dialect].canonical(of_dialect, request_id))
    return order_events(found)


def _schedule(call: CallEvents, facts: Facts, ending: Ending) -> tuple[bool, int | None]:
    """Whether nothing more is expected, and else when to look again."""
    if not isinstance(ending, Ended):
        return False, ending.look_again_ms
    if ending.event is None:
        return True, None
    # Our emitters send in order: with both ends here, nothing is under way. Others may still send usage or stragglers.
    quiet_ms = call.last_received_ms + call.settle_ms
    if (call.is_own_hook and facts.started is not None) or call.now_ms >= quiet_ms:
        return True, None
    return False, quiet_ms


def _spans(
    row: Call, place: Place, facts: Facts, ending: Ending, tools: Sequence[ToolRun], *, capture_content: bool
) -> tuple[Span, ...]:
    """None while the call runs: a span has an end."""
    if not isinstance(ending, Ended):
        return ()
    maker = SpanMaker(call=row, place=place, end_ms=ending.end_ms)
    turns = read_model_calls(facts, ending, row.project, row.request_id)
    runs = [span for tool in tools if (span := tool_span(maker, tool, with_content=capture_content)) is not None]
    steps = [step_span(maker, step) for step in read_steps(facts, row.project, row.request_id)]
    top = call_span(maker, facts, ending, tools, is_loop=bool(turns), with_content=capture_content)
    return (top, *(model_call_span(maker, turn) for turn in turns), *runs, *steps)


def _call_row(
    call: CallEvents,
    facts: Facts,
    ending: Ending,
    times: Times,
    tools: Sequence[ToolRun],
    spending: Spending,
    place: Place,
    health: Health,
) -> Call:
    named = facts.named
    failure = ending.failure if isinstance(ending, Ended) else None
    return Call(
        project=call.project,
        request_id=call.request_id,
        parent_request_id=named.get("parentRequestId"),
        operation=_operation(facts),
        status=ending.status if isinstance(ending, Ended) else "running",
        start_ms=times.start_ms,
        end_ms=times.end_ms,
        duration_ms=times.duration_ms,
        time_to_first_chunk_ms=time_to_first_chunk(facts, ending, times.start_ms),
        provider=named.get("provider"),
        model=named.get("model"),
        response_model=named.get("responseModel"),
        finish_reason=finish_reason(facts, ending.event if isinstance(ending, Ended) else None),
        error_type=None if failure is None else failure.error_type,
        error_message=None if failure is None else failure.message,
        usage=spending.total,
        usage_source="provider" if spending.rows else "missing",
        cost_source=spending.cost_source,
        chunk_count=facts.chunk_count,
        tool_count=len(tools),
        image_count=_image_count(ending),
        prompt_preview=preview(find_question(facts)),
        answer_preview=preview(find_answer(facts, ending)),
        service=call.service,
        client_id=named.get("clientId"),
        thread_id=named.get("threadId"),
        run_id=named.get("runId"),
        session_id=named.get("sessionId"),
        user_id=named.get("userId"),
        trace_id=place.trace_id,
        span_id=place.span_id,
        late=health.late,
        tags=facts.tags,
        ribbon=chunk_ribbon(facts, times),
    )


def _operation(facts: Facts) -> str:
    if is_loop(facts):
        return semconv.INVOKE_AGENT
    request = facts.started or next(iter(facts.terminals), None)
    return semconv.operation_of(facts.activity or "", mapping(None if request is None else request.payload)).name


def _image_count(ending: Ending) -> int:
    return len(items(ending.event.payload.get("images"))) if isinstance(ending, Ended) and ending.event is not None else 0
