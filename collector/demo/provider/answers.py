"""
What the fake model says: text, tool arguments, JSON documents, pictures and token counts, all from the request alone.

Flow: Ask -> **content** -> the endpoint's wire shape.
Pure.
"""

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from collector.demo.provider.wire import Ask, items_of, strip_markers

SENTENCE = "Every call leaves a row and a span, and both tell the same story about it"


def text_of(content: Any) -> str:
    """The text of a message's content: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    return " ".join(str(part["text"]) for part in items_of(content) if "text" in part)


def last_prompt(messages: Sequence[Mapping[str, Any]]) -> str:
    """The newest text that a user wrote, without markers."""
    users = [m for m in messages if m.get("role", "user") == "user"]
    return strip_markers(text_of(users[-1].get("content"))) if users else ""


def write_text(ask: Ask, prompt: str) -> str:
    """The answer to a prompt."""
    schema = _schema_of(ask)
    if schema is not None:
        return json.dumps(fit_schema(schema))
    wanted = ask.number("words")
    if wanted is not None:
        pool = SENTENCE.split()
        return " ".join(pool[i % len(pool)] for i in range(wanted))
    return f"You asked: {prompt or 'nothing'} The answer is forty-two."


def _schema_of(ask: Ask) -> Mapping[str, Any] | None:
    """Chat nests it in `response_format`, Responses in `text`, Anthropic in `output_config` (once `output_format`)."""
    chat: Any = ask.mapping("response_format").get("json_schema") or {}
    responses: Any = ask.mapping("text").get("format") or {}
    messages: Any = ask.mapping("output_config").get("format") or ask.mapping("output_format")
    return chat.get("schema") or responses.get("schema") or messages.get("schema")


def fit_schema(schema: Mapping[str, Any]) -> Any:
    """The simplest document that fits a JSON schema."""
    # Google writes its types in capitals.
    match str(schema.get("type")).lower():
        case "object":
            return {name: fit_schema(inner) for name, inner in schema.get("properties", {}).items()}
        case "array":
            return [fit_schema(schema.get("items", {}))]
        case "integer" | "number":
            return 42
        case "boolean":
            return True
        case _:
            choices = schema.get("enum")
            return choices[0] if choices else "Paris"


def tools_to_call(ask: Ask, *, has_result: bool) -> list[tuple[str, str, dict[str, Any]]]:
    """(call id, name, arguments) of the tools that the model wants run now."""
    offered = [_function_of(tool) for tool in ask.items("tools") if tool.get("type") == "function" or "input_schema" in tool]
    if not offered or has_result:
        return []
    count = ask.number("tools") or 1
    return [
        (f"call_{number}", tool["name"], fit_schema(tool.get("parameters") or tool.get("input_schema") or {"type": "object"}))
        for number, tool in ((i, offered[i % len(offered)]) for i in range(count))
    ]


def _function_of(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """Chat nests a function under its own key, Responses and Anthropic don't."""
    return tool.get("function") or tool


def count_tokens(text: str) -> int:
    """About four letters a token."""
    return max(1, len(text) // 4)


def draw_png(seed: str, side_px: int = 48) -> bytes:
    """A small valid PNG whose colours come from the seed."""
    base = sha256(seed.encode()).digest()
    rows = bytearray()
    for y in range(side_px):
        rows.append(0)
        for x in range(side_px):
            rows += bytes(((base[0] + 3 * x) % 256, (base[1] + 3 * y) % 256, (base[2] + x + y) % 256))
    head = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _part(b"IHDR", head) + _part(b"IDAT", zlib.compress(bytes(rows))) + _part(b"IEND", b"")


def _part(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
