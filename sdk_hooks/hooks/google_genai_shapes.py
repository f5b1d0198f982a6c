"""
Which of Google's paths is what kind of call, and what was asked, as fields of started events.

Flow: path and JSON as sent (a copy) -> **fields of `<activity>:request:started`** -> recorder.
`predict` makes images and, with older models, embeddings: the request tells.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from sdk_hooks.hooks.google_genai_answers import completed, read_embeddings, read_images, read_text
from sdk_hooks.hooks.stainless.answers import Answer, Event
from sdk_hooks.hooks.stainless.asked import items, mapping, options
from sdk_hooks.recorder import Shape

SAID_ELSEWHERE = frozenset(("contents", "systemInstruction", "tools", "instances", "content", "requests", "_url", "_query"))


class Kind(NamedTuple):
    """`read` reads the JSON of a whole answer."""

    shape: Shape
    read: Callable[[Any], Answer]


def kind_of(path: str, request: Any) -> Kind | None:
    """None for what is no call of a model: files, caches, tuning, batches, token counts."""
    verb = path.partition("?")[0].rpartition(":")[2]
    if verb == "predict":
        first = items(mapping(request).get("instances"))[:1]
        return EMBEDDING if first and "content" in mapping(first[0]) else IMAGE
    return KINDS.get(verb)


def model_of(path: str) -> str:
    """`models/NAME` and `projects/…/models/NAME` are NAME; a tuned model or an endpoint stays what it is."""
    name = path.partition("?")[0].rpartition(":")[0]
    if name.startswith("models/"):
        return name.removeprefix("models/")
    return name.rpartition("/models/")[2]


# -- text -----------------------------------------------------------------------------------------------------------------


def started_text(request: Any) -> Event:
    asked = mapping(request)
    messages = [message for content in items(asked.get("contents")) for message in messages_of(mapping(content))]
    tools = items(asked.get("tools"))
    fields: Event = {"messages": messages, "messageCount": len(messages), "hasTools": bool(tools)}
    if tools:
        fields["toolNames"] = [name for tool in tools for name in _names(mapping(tool))]
        fields["options"] = {"tools": tools}
    system = [part["text"] for part in items(mapping(asked.get("systemInstruction")).get("parts")) if "text" in mapping(part)]
    if system:
        fields["systemPrompts"] = system
    return fields | options(asked, SAID_ELSEWHERE)


def _names(tool: Mapping[str, Any]) -> Iterator[str]:
    """The functions of a tool; a hosted one is known by its key."""
    for key, value in tool.items():
        if key == "functionDeclarations":
            yield from (str(mapping(function).get("name")) for function in items(value))
        else:
            yield key


def messages_of(content: Mapping[str, Any]) -> list[Event]:
    """A turn as a message; each result of a function in it is a message of its own."""
    parts = [mapping(part) for part in items(content.get("parts"))]
    results = [_result(mapping(part["functionResponse"])) for part in parts if "functionResponse" in part]
    calls = [_call(mapping(part["functionCall"])) for part in parts if "functionCall" in part]
    rest = [_part(part) for part in parts if "functionResponse" not in part and "functionCall" not in part]
    message: Event = {"role": "assistant" if content.get("role") == "model" else content.get("role") or "user"}
    # The usual turn is one text.
    message["content"] = rest[0]["text"] if len(rest) == 1 and rest[0]["type"] == "text" else rest
    if calls:
        message["toolCalls"] = calls
    return [*results, message] if rest or calls else results


def _result(response: Mapping[str, Any]) -> Event:
    return {"role": "tool", "toolCallId": response.get("id") or response.get("name"), "content": _json(response.get("response"))}


def _call(call: Mapping[str, Any]) -> Event:
    function = {"name": call.get("name"), "arguments": _json(call.get("args") or {})}
    return {"id": call.get("id") or call.get("name"), "type": "function", "function": function}


def _part(part: Mapping[str, Any]) -> Event:
    if "text" in part:
        return {"type": "thinking" if part.get("thought") else "text", "text": part["text"]}
    data, file = mapping(part.get("inlineData")), mapping(part.get("fileData"))
    media_type = str(_either(data or file, "mimeType", "mime_type") or "")
    modality = media_type.partition("/")[0]
    key = modality if modality in ("image", "audio") else "file"
    if data:
        return {"type": key, key: {"b64Json": data.get("data"), "mediaType": media_type}}
    if file:
        return {"type": key, key: {"url": _either(file, "fileUri", "file_uri"), "mediaType": media_type}}
    return {"type": next(iter(part), "unknown"), **part}


def _either(found: Mapping[str, Any], *names: str) -> Any:
    """The SDK writes some names in both ways."""
    return next((found[name] for name in names if name in found), None)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# -- images, embeddings ---------------------------------------------------------------------------------------------------


def started_image(request: Any) -> Event:
    asked = mapping(request)
    instance = mapping(next(iter(items(asked.get("instances"))), None))
    parameters = mapping(asked.get("parameters"))
    fields: Event = {"prompt": str(instance.get("prompt") or "")}
    if isinstance(parameters.get("sampleCount"), int):
        fields["numberOfImages"] = parameters["sampleCount"]
    pictures = len(items(instance.get("referenceImages"))) + ("image" in instance)
    if pictures:
        fields["imageInputCount"] = pictures
    return fields | options(asked, SAID_ELSEWHERE)


def started_embedding(request: Any) -> Event:
    asked = mapping(request)
    inputs = items(asked.get("requests")) or items(asked.get("instances"))
    count = len(inputs) or 1
    fields: Event = {"inputCount": count, "textInputCount": count, "imageInputCount": 0}
    first = mapping(next(iter(inputs), None))
    size = _either({**mapping(asked.get("parameters")), **asked, **first}, "outputDimensionality")
    if isinstance(size, int):
        fields["dimensions"] = size
    return fields | options(asked, SAID_ELSEWHERE)


TEXT = Kind(Shape("text", started_text, completed), read_text)
IMAGE = Kind(Shape("image", started_image, completed), read_images)
EMBEDDING = Kind(Shape("embedding", started_embedding, completed), read_embeddings)
KINDS: Mapping[str, Kind] = {
    "generateContent": TEXT,
    "streamGenerateContent": TEXT,
    "batchEmbedContents": EMBEDDING,
    "embedContent": EMBEDDING,
}
