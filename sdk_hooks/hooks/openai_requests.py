"""
Read what openai was asked into the fields of a started event.

Flow: request as sent (a copy) -> **fields of `<activity>:request:started`** -> recorder.
Pure, in the emitter's thread.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from sdk_hooks.hooks.openai_answers import completed
from sdk_hooks.hooks.stainless.requests import FILES
from sdk_hooks.recorder import Shape

Event = dict[str, Any]

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
    asked = _mapping(request)
    messages = _messages(asked["messages"]) if "messages" in asked else _prompts(asked.get("prompt"))
    return _text_fields(asked, messages)


def started_response(request: Any) -> Event:
    """Responses: `input` is a text or a list of items; `instructions` is the system prompt."""
    asked = _mapping(request)
    fields = _text_fields(asked, _prompts(asked.get("input"))) | {"api": "responses"}
    instructions = asked.get("instructions")
    if isinstance(instructions, str):
        fields["systemPrompts"] = [instructions]
    return fields


def _text_fields(asked: Mapping[str, Any], messages: list[Any]) -> Event:
    tools = _list(asked.get("tools"))
    fields: Event = {"messages": messages, "messageCount": len(messages), "hasTools": bool(tools)}
    if tools:
        fields["toolNames"] = [name for tool in tools if (name := tool_name(tool))]
        fields["options"] = {"tools": tools}
    return fields | _options(asked)


def tool_name(tool: Any) -> str | None:
    """Chat nests it under `function` or `custom`, Responses has it flat; a hosted tool is known by its type."""
    known = _mapping(tool)
    nested = _mapping(known.get("function") or known.get("custom"))
    return nested.get("name") or known.get("name") or known.get("type")


def started_image(request: Any) -> Event:
    asked = _mapping(request)
    fields: Event = {"prompt": str(asked.get("prompt") or "")}
    if isinstance(asked.get("n"), int):
        fields["numberOfImages"] = asked["n"]
    if isinstance(asked.get("size"), str):
        fields["size"] = asked["size"]
    images = [name for name in _list(asked.get(FILES)) if str(name).startswith("image")]
    if images:
        fields["imageInputCount"] = len(images)
    return fields | _options(asked)


def started_embedding(request: Any) -> Event:
    asked = _mapping(request)
    given = asked.get("input")
    inputs = _list(given)
    # A list of numbers is one text as tokens, not many inputs.
    count = 1 if not isinstance(given, list) or (inputs and isinstance(inputs[0], int)) else len(inputs)
    fields: Event = {"inputCount": count, "textInputCount": count, "imageInputCount": 0}
    if isinstance(asked.get("dimensions"), int):
        fields["dimensions"] = asked["dimensions"]
    return fields | _options(asked)


def started_speech(request: Any) -> Event:
    asked = _mapping(request)
    fields: Event = {"text": str(asked.get("input") or "")}
    voice = asked.get("voice")
    if voice is not None:
        fields["voice"] = voice if isinstance(voice, str) else str(_mapping(voice).get("id"))
    return fields | _renamed(asked, {"response_format": "format", "speed": "speed"})


def started_transcription(request: Any) -> Event:
    asked = _mapping(request)
    names = {"language": "language", "prompt": "prompt", "response_format": "responseFormat"}
    return _renamed(asked, names) | _options(asked, {"language", "response_format"})


def started_moderation(request: Any) -> Event:
    given = _mapping(request).get("input")
    return {"inputCount": len(_list(given)) if isinstance(given, list) else 1}


def _messages(value: Any) -> list[Any]:
    return list(cast("Iterable[Any]", value)) if isinstance(value, list | tuple) else []


def _prompts(value: Any) -> list[Any]:
    """Texts become user messages; items stay as they are."""
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    return [{"role": "user", "content": item} if isinstance(item, str) else item for item in _messages(value)]


def _options(asked: Mapping[str, Any], also_said: Iterable[str] = ()) -> Event:
    said = SAID_ELSEWHERE.union(also_said)
    options = {name: value for name, value in asked.items() if name not in said}
    return {"modelOptions": options} if options else {}


def _renamed(asked: Mapping[str, Any], names: Mapping[str, str]) -> Event:
    return {new: asked[old] for old, new in names.items() if asked.get(old) is not None}


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


IMAGE = Shape("image", started_image, completed)
"""Here and not beside the endpoints: the notes of a Responses stream need it for the images in it."""
