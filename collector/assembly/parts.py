"""
Messages of any SDK as messages of the GenAI conventions: a role and typed parts.

Flow: messages -> **parts** -> content attributes.
Chat, Responses and TanStack name the same things in different ways. A part that nobody knows stays, as what it says it is.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from collector.fields import as_json, items, mapping, name, text

Part = dict[str, Any]

_ROLES: Mapping[str, str] = {"function_call": "assistant", "function_call_output": "tool", "reasoning": "assistant"}
_MEDIA: Mapping[str, str] = {
    "image_url": "image",
    "image": "image",
    "input_audio": "audio",
    "audio": "audio",
    "video_url": "video",
    "file": "document",
    "file_data": "document",
    "file_url": "document",
}
"""Where a part has its medium, and of which modality that is."""
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
_MORE_THAN_WORDS = frozenset({*_THOUGHTS, "type", "summary", "toolCalls", "tool_calls"})
"""Fields of which a message that has none says no more than its content."""


def message_of(message: Mapping[str, Any]) -> Part:
    """One message; Responses' items have a type where chat messages have a role."""
    role, content = message.get("role"), message.get("content")
    if type(content) is str and content and role != "tool" and _MORE_THAN_WORDS.isdisjoint(message):
        # Nearly all are like this, and a history has hundreds of them.
        return {"role": name(role) or "user", "parts": [text_part(content)]}
    return {"role": name(role) or _ROLES.get(str(message.get("type")), "user"), "parts": _parts(message)}


def text_part(content: str) -> Part:
    """Words."""
    return {"type": "text", "content": content}


def reasoning_part(content: str) -> Part:
    """What a model thought."""
    return {"type": "reasoning", "content": content}


def tool_call_part(tool_call_id: str | None, tool_name: str | None, arguments: object) -> Part:
    """A tool that the model asks for. Its arguments are an object where their text is one."""
    return {"type": "tool_call", "id": tool_call_id, "name": tool_name, "arguments": _object(arguments)}


def media_part(source: object, modality: str, media_type: str | None = None) -> Part | None:
    """A picture, a sound, a document: its address, or the name of the blob that hookline keeps in place of its bytes."""
    if isinstance(source, str) and source:
        return _known({"type": "uri", "modality": modality, "mime_type": media_type, "uri": source})
    found = mapping(source)
    if "$blob" in found:
        kind = media_type or name(found.get("mediaType"))
        return _known({"type": "blob", "modality": modality, "mime_type": kind, "content": found.get("$blob")})
    if file_id := name(found.get("file_id")):
        return {"type": "file", "modality": modality, "file_id": file_id}
    for key in ("url", "data", "file_data", "value", "b64_json", "b64Json"):
        # One level: chat wraps an address or bytes in an object, Responses does not.
        if key in found and (part := media_part(found[key], modality, media_type)) is not None:
            return part
    return None


def tool_definition(offered: object) -> object:
    """A tool as it was offered, with the type and name that the conventions want; chat's `function` is laid flat."""
    tool = mapping(offered)
    function = mapping(tool.get("function"))
    if function:
        return {"type": "function", **function}
    kind = name(tool.get("type"))
    # A tool of the provider's own has no name but its type.
    return {**tool, "name": kind} if kind and "name" not in tool else offered


def _parts(message: Mapping[str, Any]) -> list[Part]:
    content = message.get("content")
    if message.get("role") == "tool" or message.get("type") == "function_call_output":
        # Each names the call in another way.
        told = (message.get(key) for key in ("tool_call_id", "toolCallId", "call_id"))
        response = message.get("output") if content is None else content
        return [{"type": "tool_call_response", "id": next(filter(None, told), None), "response": response}]
    if message.get("type") == "function_call":
        return [tool_call_part(name(message.get("call_id")), name(message.get("name")), message.get("arguments"))]
    parts: list[Part] = [reasoning_part(thought) for thought in _thoughts(message)]
    if isinstance(content, str) and content:
        parts.append(text_part(content))
    parts += [text_part(part) if isinstance(part, str) else _part(mapping(part)) for part in items(content)]
    for entry in items(message.get("toolCalls")) or items(message.get("tool_calls")):
        function = mapping(mapping(entry).get("function"))
        parts.append(tool_call_part(name(mapping(entry).get("id")), name(function.get("name")), function.get("arguments")))
    return parts


def _thoughts(message: Mapping[str, Any]) -> list[str]:
    """DeepSeek's and OpenRouter's fields of a chat message; the summary of a reasoning item."""
    told = [text(message.get(key)) for key in _THOUGHTS]
    told += [text(mapping(part).get("text")) for part in items(message.get("summary"))]
    return [thought for thought in told if thought]


def _part(part: Mapping[str, Any]) -> Part:
    kind = name(part.get("type")) or "unknown"
    found = text(part.get("text"))
    if found is not None:
        return reasoning_part(found) if kind in ("reasoning_text", "thinking") else text_part(found)
    for key, modality in _MEDIA.items():
        if key in part and (made := media_part(part[key], modality)) is not None:
            return made
    if file_id := name(part.get("file_id")):
        return {"type": "file", "modality": "image" if "image" in kind else "document", "file_id": file_id}
    return {"type": kind, "content": as_json(part)}


def _object(arguments: object) -> object:
    if not isinstance(arguments, str):
        return arguments
    try:
        found: object = json.loads(arguments)
    except ValueError:
        return arguments
    return cast("object", found) if isinstance(found, dict) else arguments


def _known(part: Part) -> Part:
    return {key: value for key, value in part.items() if value is not None}
