"""
What anthropic was asked and what it answered, as fields of events.

Flow: request (a copy) -> fields of `text:request:started`.
      Message (caller's thread) -> **Answer** -> fields of `text:request:completed` (emitter's thread).
"""

import json
from typing import Any

from sdk_hooks.hooks.anthropic_notes import MessageNotes
from sdk_hooks.hooks.anthropic_usage import token_usage
from sdk_hooks.hooks.stainless.answers import Answer, Event, Given, Plain, completed_by, get, plain, take_usage
from sdk_hooks.hooks.stainless.asked import items, mapping, messages_of, options
from sdk_hooks.hooks.stainless.endpoints import Endpoint
from sdk_hooks.recorder import Call, Shape
from sdk_hooks.snapshot import Snapshot, take

SAID_ELSEWHERE = frozenset(("model", "messages", "system", "stream", "tools"))
TOOL_USES = frozenset(("tool_use", "server_tool_use", "mcp_tool_use"))


def started(request: Any) -> Event:
    """Messages as they were sent, their blocks included."""
    asked = mapping(request)
    messages, tools = messages_of(asked.get("messages")), items(asked.get("tools"))
    fields: Event = {"messages": messages, "messageCount": len(messages), "hasTools": bool(tools)}
    if tools:
        # A hosted tool may be known by its type only.
        fields["toolNames"] = [name for tool in tools if (name := mapping(tool).get("name") or mapping(tool).get("type"))]
        fields["options"] = {"tools": tools}
    system = asked.get("system")
    if system:
        fields["systemPrompts"] = [system] if isinstance(system, str) else [_text_of(block) for block in items(system)]
    return fields | options(asked, SAID_ELSEWHERE)


def _text_of(block: Any) -> str:
    return str(mapping(block).get("text") or "")


def end(call: Call, message: Any) -> None:
    call.complete(plain_message(message) or take_message(message))


def plain_message(message: Any) -> Plain | None:
    """A message of one text block, read at once: nearly every one is. None: `take_message` reads it."""
    try:
        told = message.__dict__
        (only,) = told["content"]
        block = only.__dict__
        text, reason = block["text"], told["stop_reason"]
        if block["type"] != "text" or type(text) is not str or not reason:
            return None
        return told["model"], told["id"], text, reason, take_usage(told["usage"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def take_message(message: Any) -> Answer:
    """A whole message: its text, its thoughts, its tools."""
    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[Event] = []
    for block in get(message, "content") or ():
        kind = get(block, "type")
        if kind == "text":
            texts.append(block.text)
        elif kind == "thinking":
            thoughts.append(block.thinking)
        elif kind in TOOL_USES:
            calls.append(_tool_call(block))
    fields: Event = {"responseModel": get(message, "model"), "responseId": get(message, "id"), "content": "".join(texts)}
    if thoughts:
        fields["reasoning"] = "".join(thoughts)
    if calls:
        fields["toolCalls"] = calls
    reason = get(message, "stop_reason")
    if reason:
        fields["finishReason"] = reason
    return Answer(fields, take_usage(get(message, "usage")))


def _tool_call(block: Any) -> Event:
    # A copy of the input: the host may go on to change what it was given. Of a raw answer it is no plain dict.
    return {
        "id": block.id,
        "type": "function",
        "function": {"name": block.name, "arguments": take(plain(block.input, keeps_none=True))},
    }


def completed(given: Given) -> Event:
    """The fields of a terminal event; a tool's input as the JSON text that arguments are."""
    fields = _completed(given)
    for call in fields.get("toolCalls", ()):
        arguments = call["function"]["arguments"]
        if isinstance(arguments, Snapshot):
            call["function"]["arguments"] = json.dumps(arguments.open(), ensure_ascii=False)
    return fields


_completed = completed_by(token_usage)

MESSAGES = Endpoint(Shape("text", started, completed), end, MessageNotes)
