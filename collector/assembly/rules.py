"""
What each event type does to a call: one row a type.

Flow: ordered events -> **rules** -> facts.
A type is in RULES, or in STORED_ONLY (its row is kept, a call takes nothing from it). Types that nobody knows do nothing.
To add an event type: write its rule, or name it in STORED_ONLY; a test holds the two together to be complete.
"""

from collections.abc import Callable, Mapping

from collector import semconv
from collector.assembly.facts import Facts, TextKey, ToolFacts
from collector.assembly.text import TextRun, add_packed, add_piece, piece_times_ms
from collector.events import StoredEvent
from collector.fields import as_json, items, mapping, name, whole

Rule = Callable[[Facts, StoredEvent], None]


def request_started(facts: Facts, event: StoredEvent) -> None:
    """The call begins; the first one says what kind of call it is."""
    if facts.started is None:
        facts.started = event
        facts.asked = mapping(event.payload)


def request_ended(facts: Facts, event: StoredEvent) -> None:
    """The call ends by its own word: completed, error or aborted. It may carry the tools that were asked for."""
    facts.terminals.append(event)
    declare_tools(facts, event)


def usage_told(facts: Facts, event: StoredEvent) -> None:
    """Tokens of one model call."""
    facts.usages.append(event)


def message_seen(facts: Facts, event: StoredEvent) -> None:
    """A message of the conversation; the assistant's may carry the tools it asks for."""
    facts.messages.append(event)
    declare_tools(facts, event)


def content_streamed(facts: Facts, event: StoredEvent) -> None:
    """A piece of the answer."""
    _count_chunks(facts, event, add_piece(_run(facts.texts, event), event))


def thinking_streamed(facts: Facts, event: StoredEvent) -> None:
    """A piece of the model's reasoning."""
    _count_chunks(facts, event, add_piece(_run(facts.thoughts, event), event))


def tool_call_streamed(facts: Facts, event: StoredEvent) -> None:
    """A piece of a tool's arguments."""
    tool = _tool(facts, event)
    tool.position = tool.position or whole(event.payload.get("index")) or 0
    _count_chunks(facts, event, add_packed(tool.pieces, event, "arguments"))


def tool_result_streamed(facts: Facts, event: StoredEvent) -> None:
    """What went back to the model; the completed event says it better where there is one."""
    _tool(facts, event).streamed_result = as_json(event.payload.get("result"))


def stream_done(facts: Facts, event: StoredEvent) -> None:
    """The model stopped; the call may go on with its tools."""
    facts.dones.append(event)


def stream_failed(facts: Facts, event: StoredEvent) -> None:
    """The stream broke: the last event of a chat that failed."""
    facts.chunk_errors.append(event)


def iteration_started(facts: Facts, event: StoredEvent) -> None:
    """A turn of the agent loop begins."""
    number = whole(event.payload.get("iteration"))
    if number is not None:
        turn = facts.iteration(number)
        turn.started = turn.started or event


def iteration_completed(facts: Facts, event: StoredEvent) -> None:
    """A turn of the agent loop ends, its tools included."""
    number = whole(event.payload.get("iteration"))
    if number is not None:
        turn = facts.iteration(number)
        turn.completed = turn.completed or event


def tool_waits(facts: Facts, event: StoredEvent) -> None:
    """A tool waits for the client to run it, or for a human to allow it."""
    tool = _tool(facts, event)
    tool.is_waiting = True
    if tool.given_input is None:
        tool.given_input = event.payload.get("input")
    facts.waits.append(event)


def tool_started(facts: Facts, event: StoredEvent) -> None:
    """A tool begins to run."""
    tool = _tool(facts, event)
    tool.started = tool.started or event
    if tool.given_input is None:
        tool.given_input = event.payload.get("arguments", event.payload.get("input"))


def tool_completed(facts: Facts, event: StoredEvent) -> None:
    """A tool ran, well or not."""
    tool = _tool(facts, event)
    tool.completed = tool.completed or event
    if tool.given_input is None:
        tool.given_input = event.payload.get("arguments", event.payload.get("input"))


def step_done(facts: Facts, event: StoredEvent) -> None:
    """A handoff, a guardrail or a use of memory: a span of its own."""
    facts.steps.append(event)


def declare_tools(facts: Facts, event: StoredEvent) -> None:
    """Take the tools of a `toolCalls` list; its arguments are whole, so they win over streamed pieces."""
    for position, entry in enumerate(items(event.payload.get("toolCalls"))):
        call = mapping(entry)
        tool_call_id = name(call.get("id"))
        if tool_call_id is None:
            continue
        function = mapping(call.get("function"))
        tool = facts.tool(tool_call_id, event)
        tool.position = tool.position or position
        tool.tool_name = tool.tool_name or name(function.get("name"))
        tool.message_id = tool.message_id or name(event.payload.get("messageId"))
        if tool.declared is None:
            tool.declared = as_json(function.get("arguments"))


def _run(runs: dict[TextKey, TextRun], event: StoredEvent) -> TextRun:
    payload = event.payload
    choice = payload.get("choice")
    key = (name(payload.get("messageId")) or "", 0 if choice is None else whole(choice) or 0)
    found = runs.get(key)
    if found is None:
        found = runs[key] = TextRun()
    return found


def _tool(facts: Facts, event: StoredEvent) -> ToolFacts:
    payload = event.payload
    # Without an id nothing can be joined to it: each such event is a tool of its own.
    tool = facts.tool(name(payload.get("toolCallId")) or event.event_id, event)
    tool.tool_name = tool.tool_name or name(payload.get("toolName"))
    tool.message_id = tool.message_id or name(payload.get("messageId"))
    tool.parent_tool_call_id = tool.parent_tool_call_id or name(payload.get("parentToolCallId"))
    return tool


def _count_chunks(facts: Facts, event: StoredEvent, count: int) -> None:
    if not count:
        return
    times_ms = piece_times_ms(event)
    facts.chunk_count += count
    facts.streamed.append((event, times_ms))
    if facts.first_chunk_ms is None:
        facts.first_chunk_ms = times_ms[0]


_REQUESTS: Mapping[str, Rule] = {
    f"{activity}:{ending}": rule
    for activity in semconv.OPERATIONS
    for ending, rule in (
        ("request:started", request_started),
        ("request:completed", request_ended),
        ("request:error", request_ended),
        ("request:aborted", request_ended),
        ("usage", usage_told),
    )
}

RULES: Mapping[str, Rule] = {
    **_REQUESTS,
    "text:message:created": message_seen,
    "text:message:user": message_seen,
    "text:chunk:content": content_streamed,
    "text:chunk:thinking": thinking_streamed,
    "text:chunk:tool-call": tool_call_streamed,
    "text:chunk:tool-result": tool_result_streamed,
    "text:chunk:done": stream_done,
    "text:chunk:error": stream_failed,
    "text:iteration:started": iteration_started,
    "text:iteration:completed": iteration_completed,
    "tools:input:available": tool_waits,
    "tools:approval:requested": tool_waits,
    "tools:call:started": tool_started,
    "tools:call:completed": tool_completed,
    "agent:handoff": step_done,
    "guardrail:completed": step_done,
    "memory:retrieve:completed": step_done,
    "memory:persist:completed": step_done,
    "memory:error": step_done,
}

STORED_ONLY: frozenset[str] = frozenset({
    "client:created",
    "client:error:changed",
    "client:loading:changed",
    "client:messages:cleared",
    "client:reloaded",
    "client:stopped",
    "compaction:applied",
    "compaction:ended",
    "compaction:started",
    "compaction:state",
    "devtools:closed",
    "devtools:opened",
    "devtools:request-state",
    "devtools:tool-fixture:applied",
    "devtools:tool-fixture:apply",
    "feedback",
    "hook:registered",
    "hook:state-snapshot",
    "hook:unregistered",
    "hook:updated",
    "memory:persist:started",
    "memory:retrieve:started",
    "memory:snapshot",
    "middleware:chunk:transformed",
    "middleware:config:transformed",
    "middleware:hook:executed",
    "run:cancelled",
    "run:completed",
    "run:created",
    "run:errored",
    "run:started",
    "run:updated",
    "skills:snapshot",
    "structured-output:completed",
    "structured-output:errored",
    "structured-output:started",
    "structured-output:updated",
    "tools:approval:responded",
    "tools:call:updated",
    "tools:registered",
    "tools:result:added",
})  # fmt: skip
"""`run:errored` and `run:cancelled` have no requestId; they reach a call through its runId (`ending`)."""
