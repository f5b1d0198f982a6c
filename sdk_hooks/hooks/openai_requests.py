"""
Read what openai was asked into the fields of a started event.

Flow: request as sent (a copy) -> **fields of `<activity>:request:started`** -> recorder.
Pure, in the emitter's thread.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sdk_hooks.hooks.openai_answers import completed
from sdk_hooks.hooks.stainless.asked import Event, items, mapping, messages_of, options, renamed
from sdk_hooks.hooks.stainless.requests import FILES
from sdk_hooks.recorder import Shape

SAID_ELSEWHERE = frozenset(
    (
        "model",
        "messages",
        "input",
        "instructions",
        "prompt",
        "stream",
        "tools",
        "file",
        "image",
        "mask",
        "n",
        "size",
        FILES,
    )
)
"""Request fields with a place of their own in the event; the others are `modelOptions`."""


def started_chat(request: Any) -> Event:
    """Chat completions, and the older text completions whose prompt is one message."""
    asked = mapping(request)
    messages = messages_of(asked["messages"]) if "messages" in asked else _prompts(asked.get("prompt"))
    return _text_fields(asked, messages)


def started_response(request: Any) -> Event:
    """Responses: `input` is a text or a list of items; `instructions` is the system prompt."""
    asked = mapping(request)
    fields = _text_fields(asked, _prompts(asked.get("input"))) | {"api": "responses"}
    instructions = asked.get("instructions")
    if isinstance(instructions, str):
        fields["systemPrompts"] = [instructions]
    return fields


def _text_fields(asked: Mapping[str, Any], messages: list[Any]) -> Event:
    tools = items(asked.get("tools"))
    fields: Event = {"messages": messages, "messageCount": len(messages), "hasTools": bool(tools)}
    if tools:
        fields["toolNames"] = [name for tool in tools if (name := tool_name(tool))]
        fields["options"] = {"tools": tools}
    return fields | _options(asked)


def tool_name(tool: Any) -> str | None:
    """Chat nests it under `function` or `custom`, Responses has it flat; a hosted tool is known by its type."""
    known = mapping(tool)
    nested = mapping(known.get("function") or known.get("custom"))
    return nested.get("name") or known.get("name") or known.get("type")


def started_image(request: Any) -> Event:
    asked = mapping(request)
    fields: Event = {"prompt": str(asked.get("prompt") or "")}
    if isinstance(asked.get("n"), int):
        fields["numberOfImages"] = asked["n"]
    if isinstance(asked.get("size"), str):
        fields["size"] = asked["size"]
    images = [name for name in items(asked.get(FILES)) if str(name).startswith("image")]
    if images:
        fields["imageInputCount"] = len(images)
    return fields | _options(asked)


def started_embedding(request: Any) -> Event:
    asked = mapping(request)
    given = asked.get("input")
    inputs = items(given)
    # A list of numbers is one text as tokens, not many inputs.
    count = 1 if not isinstance(given, list) or (inputs and isinstance(inputs[0], int)) else len(inputs)
    fields: Event = {"inputCount": count, "textInputCount": count, "imageInputCount": 0}
    if isinstance(asked.get("dimensions"), int):
        fields["dimensions"] = asked["dimensions"]
    return fields | _options(asked)


def started_speech(request: Any) -> Event:
    asked = mapping(request)
    fields: Event = {"text": str(asked.get("input") or "")}
    voice = asked.get("voice")
    if voice is not None:
        fields["voice"] = voice if isinstance(voice, str) else str(mapping(voice).get("id"))
    return fields | renamed(asked, {"response_format": "format", "speed": "speed"})


def started_transcription(request: Any) -> Event:
    asked = mapping(request)
    names = {"language": "language", "prompt": "prompt", "response_format": "responseFormat"}
    return renamed(asked, names) | _options(asked, {"language", "response_format"})


def started_moderation(request: Any) -> Event:
    given = mapping(request).get("input")
    return {"inputCount": len(items(given)) if isinstance(given, list) else 1}


def _prompts(value: Any) -> list[Any]:
    """Texts become user messages; items stay as they are."""
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    return [{"role": "user", "content": item} if isinstance(item, str) else item for item in messages_of(value)]


def _options(asked: Mapping[str, Any], also_said: Collection[str] = ()) -> Event:
    return options(asked, SAID_ELSEWHERE.union(also_said) if also_said else SAID_ELSEWHERE)


IMAGE = Shape("image", started_image, completed)
"""Here and not beside the endpoints: the notes of a Responses stream need it for the images in it."""
