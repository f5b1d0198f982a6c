"""
The Responses stream: `response.*` events of one response, as a text call.

Flow: stored events of a call, in order -> **responses** -> canonical events -> assembly.
One translation for both spellings (`spelling`). Images in the stream are calls of their own: `response_images`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from collector.dialects import response_items as tools
from collector.dialects.spelling import Spelling
from collector.dialects.token_usage import token_usage
from collector.dialects.translation import Said, nothing, objects, told, tool_call
from collector.events import StoredEvent
from collector.fields import mapping, name, text

STARTS: Final = frozenset({"response.created", "response.queued", "response.in_progress"})
ENDS: Final[Mapping[str, str]] = {
    "response.completed": "completed",
    "response.incomplete": "completed",
    "response.failed": "error",
    "response.cancelled": "aborted",
}
ERROR: Final = "error"
IMAGE_ITEM: Final = "image_generation_call"

_SETTINGS: Final = (
    "temperature", "top_p", "max_output_tokens", "frequency_penalty", "presence_penalty", "reasoning", "previous_response_id",
    "tool_choice", "text", "truncation", "service_tier", "parallel_tool_calls", "top_logprobs",
)  # fmt: skip
_INCOMPLETE: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}

Payload = Mapping[str, Any]


@dataclass(slots=True)
class Stream:
    """What is known of the whole stream while its events are told one by one."""

    spelling: Spelling
    response_id: str | None = None
    model: str | None = None
    items: dict[str, Payload] = field(default_factory=dict[str, Payload])
    """By item id, as last told."""
    finished: set[str] = field(default_factory=set[str])
    """Ids of the items that have an `output_item.done`."""
    ends: list[Payload] = field(default_factory=list[Payload])
    """The ends of responses, in order: a sender may give one requestId to all responses of a run."""

    def get(self, holder: Payload, field_name: str) -> Any:
        return self.spelling.get(holder, field_name)

    def item_of(self, payload: Payload) -> Payload:
        """The item that an event names by its id."""
        return mapping(self.items.get(self.item_id(payload) or ""))

    def item_id(self, payload: Payload) -> str | None:
        return name(self.get(payload, "item_id"))


def text_call(events: Sequence[StoredEvent], request_id: str, spelling: Spelling, provider: str | None) -> list[StoredEvent]:
    """The call of the stream itself."""
    stream = look_ahead(events, spelling)
    defaults = {"provider": provider, "model": stream.model, "responseModel": stream.model, "responseId": stream.response_id}
    found: list[StoredEvent] = []
    for event in events:
        said = list(_say(stream, event)) or [nothing("text")]
        found += told(event, request_id, said, defaults)
    return found


def look_ahead(events: Sequence[StoredEvent], spelling: Spelling) -> Stream:
    """The facts that an event needs from others: its response's id and model, and the items by their ids."""
    stream = Stream(spelling)
    for event in events:
        response = mapping(event.payload.get("response"))
        stream.response_id = stream.response_id or name(response.get("id"))
        stream.model = stream.model or name(response.get("model"))
        if event.type in ENDS:
            stream.ends.append(event.payload)
        for item in items_in(event.payload):
            item_id = name(item.get("id"))
            if item_id is not None:
                stream.items[item_id] = item
                if event.type == "response.output_item.done":
                    stream.finished.add(item_id)
    return stream


def items_in(payload: Payload) -> Sequence[Payload]:
    """The output items that an event carries whole."""
    item = mapping(payload.get("item"))
    return [item] if item else objects(mapping(payload.get("response")).get("output"))


def _say(stream: Stream, event: StoredEvent) -> Iterator[Said]:
    teller = _TELLERS.get(event.type)
    if teller is not None:
        yield from teller(stream, event.payload, event.type)
    elif (kind := event.type.removeprefix("response.").partition(".")[0]) in tools.HOSTED:
        yield from _hosted_progress(stream, event.payload, event.type, kind)


def _started(stream: Stream, payload: Payload, _: str) -> Iterator[Said]:
    response = mapping(payload.get("response"))
    told_settings = {key: value for key in _SETTINGS if (value := stream.get(response, key)) is not None}
    instructions = text(response.get("instructions"))
    yield (
        "text:request:started",
        {
            "api": "responses",
            "streaming": True,
            "systemPrompts": payload.get("systemPrompts") or ([instructions] if instructions else None),
            "modelOptions": {**told_settings, **mapping(payload.get("modelOptions"))},
            "tools": response.get("tools") or None,
        },
    )


def _ended(stream: Stream, payload: Payload, event_type: str) -> Iterator[Said]:
    response = mapping(payload.get("response"))
    output = objects(response.get("output"))
    for item in output:
        if tools.kind_of(item) in tools.HOSTED and name(item.get("id")) not in stream.finished:
            yield tools.hosted_ended(item, stream.spelling)
    calls = [call for item in output if (call := tools.asked(item, stream.spelling)) is not None]
    error = mapping(response.get("error"))
    content = "".join(_said_in(item) for item in output) or None
    if len(stream.ends) > 1:
        response_id = name(response.get("id")) or f"response-{stream.ends.index(payload)}"
        yield "text:usage", {"usage": token_usage(response.get("usage")), "messageId": response_id}
        if payload is not stream.ends[-1]:
            yield from _assistant(stream, response_id, content, calls)
            return
    ending = ENDS[event_type]
    yield (
        f"text:request:{ending}",
        {
            "content": content,
            "toolCalls": calls or None,
            "finishReason": _finish_reason(stream, response, event_type, has_calls=bool(calls)),
            "usage": token_usage(response.get("usage")),
            "error": {"name": error.get("code"), "message": error.get("message")} if ending == "error" else None,
            "duration": payload.get("duration"),
            "timeToFirstChunk": payload.get("timeToFirstChunk"),
        },
    )


def _finish_reason(stream: Stream, response: Payload, event_type: str, *, has_calls: bool) -> str | None:
    """A response has a status where a chat has a finish reason; told in the chat's words."""
    if event_type == "response.completed":
        return "tool_calls" if has_calls else "stop"
    reason = name(mapping(stream.get(response, "incomplete_details")).get("reason"))
    return None if reason is None else _INCOMPLETE.get(reason, reason)


def _failed(_: Stream, payload: Payload, __: str) -> Iterator[Said]:
    """An `error` event has its code and message itself, or, as it comes over the wire, inside `error`."""
    error = mapping(payload.get("error")) or payload
    code = name(error.get("code")) or name(error.get("type"))
    told_code = None if code == ERROR else code
    yield (
        "text:request:error",
        {
            "error": {"name": told_code or "provider_error", "message": error.get("message")},
            "duration": payload.get("duration"),
        },
    )


def _content(stream: Stream, payload: Payload, _: str) -> Iterator[Said]:
    yield "text:chunk:content", {"delta": payload.get("delta"), "messageId": stream.item_id(payload)}


def _thinking(stream: Stream, payload: Payload, _: str) -> Iterator[Said]:
    yield "text:chunk:thinking", {"delta": payload.get("delta"), "messageId": stream.item_id(payload)}


def _arguments(stream: Stream, payload: Payload, _: str) -> Iterator[Said]:
    yield (
        "text:chunk:tool-call",
        {
            **_tool_of(stream, payload),
            "delta": payload.get("delta"),
            "index": stream.get(payload, "output_index"),
            "messageId": stream.response_id,
        },
    )


def _arguments_done(stream: Stream, payload: Payload, _: str) -> Iterator[Said]:
    tool = _tool_of(stream, payload)
    whole = next((payload[key] for key in ("arguments", "input", "code") if key in payload), None)
    call = tool_call(tool["toolCallId"], tool["toolName"] or payload.get("name"), whole)
    yield from _assistant(stream, stream.response_id, None, [call])


def _tool_of(stream: Stream, payload: Payload) -> dict[str, Any]:
    """Pieces name the item; the tool goes by the id that the client's answer will have."""
    item = stream.item_of(payload)
    return {"toolCallId": tools.tool_id(item, stream.spelling) or stream.item_id(payload), "toolName": tools.tool_name(item)}


def _text_done(stream: Stream, payload: Payload, _: str) -> Iterator[Said]:
    part = mapping(payload.get("part")) or payload
    yield from _assistant(stream, stream.item_id(payload), text(part.get("text")) or text(part.get("refusal")), [])


def _item_added(stream: Stream, payload: Payload, _: str) -> Iterator[Said]:
    item = mapping(payload.get("item"))
    if tools.kind_of(item) in tools.HOSTED:
        yield "tools:call:started", {"toolCallId": item.get("id"), "toolName": tools.tool_name(item)}


def _item_done(stream: Stream, payload: Payload, _: str) -> Iterator[Said]:
    item = mapping(payload.get("item"))
    kind = tools.kind_of(item)
    if kind in tools.HOSTED:
        yield tools.hosted_ended(item, stream.spelling)
    elif kind == tools.APPROVAL:
        yield tools.waits(item)
    elif kind == "message":
        yield from _assistant(stream, name(item.get("id")), _said_in(item), [])
    elif (call := tools.asked(item, stream.spelling)) is not None:
        yield from _assistant(stream, stream.response_id, None, [call])


def _hosted_progress(stream: Stream, payload: Payload, event_type: str, kind: str) -> Iterator[Said]:
    item_id = stream.item_id(payload)
    step = event_type.rpartition(".")[2]
    if step not in ("completed", "failed"):
        yield tools.hosted_begun(item_id, kind)
    elif item_id not in stream.finished:
        yield tools.hosted_told(item_id, kind, failed=step == "failed")


def _assistant(stream: Stream, message_id: str | None, content: str | None, calls: list[dict[str, Any]]) -> Iterator[Said]:
    """What stands written whole: it says what was answered where the stream was cut before its end."""
    if content or calls:
        yield (
            "text:message:created",
            {
                "role": "assistant",
                "messageId": message_id or stream.response_id,
                "content": content,
                "toolCalls": calls or None,
            },
        )


def _said_in(item: Payload) -> str:
    """The text or the refusal of a message."""
    if tools.kind_of(item) != "message":
        return ""
    return "".join(text(part.get("text")) or text(part.get("refusal")) or "" for part in objects(item.get("content")))


Teller = Callable[[Stream, Payload, str], Iterator[Said]]

CONTENT_DELTAS: Final = ("response.output_text.delta", "response.refusal.delta", "response.audio.transcript.delta")
THINKING_DELTAS: Final = ("response.reasoning_text.delta", "response.reasoning_summary_text.delta")
ARGUMENT_DELTAS: Final = (
    "response.function_call_arguments.delta",
    "response.custom_tool_call_input.delta",
    "response.mcp_call_arguments.delta",
    "response.code_interpreter_call_code.delta",
)
_ARGUMENTS_DONE: Final = tuple(name_.removesuffix("delta") + "done" for name_ in ARGUMENT_DELTAS)

_TELLERS: Final[Mapping[str, Teller]] = {
    **dict.fromkeys(STARTS, _started),
    **dict.fromkeys(ENDS, _ended),
    ERROR: _failed,
    **dict.fromkeys(CONTENT_DELTAS, _content),
    **dict.fromkeys(THINKING_DELTAS, _thinking),
    **dict.fromkeys(ARGUMENT_DELTAS, _arguments),
    **dict.fromkeys(_ARGUMENTS_DONE, _arguments_done),
    **dict.fromkeys(("response.output_text.done", "response.refusal.done", "response.content_part.done"), _text_done),
    "response.output_item.added": _item_added,
    "response.output_item.done": _item_done,
}
"""All other types say nothing that a call needs: they are rows, found by their requestId."""
