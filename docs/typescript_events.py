"""
The event catalogue as TypeScript, for the package in sdk_hooks/js.

Flow: sdk_hooks.events -> docs/events.schema.json -> **this** -> sdk_hooks/js/src/events.ts.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from sdk_hooks.events import EVENT_TYPES
from sdk_hooks.events.schema import json_schema

HEADER = """// Generated from sdk_hooks/events/ by `make gen`; don't edit.
// Types only: an event that differs from them is stored all the same. Any field may be absent that is marked so.
"""
PRIMITIVES: Mapping[str, str] = {
    "string": "string",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "null": "null",
    "object": "Record<string, unknown>",
}
NAME = re.compile(r"[A-Za-z_$][\w$]*")


def typescript_events() -> str:
    """The whole file."""
    schema = json_schema()
    shapes: dict[str, dict[str, Any]] = schema["$defs"]
    parts = [HEADER]
    parts += [_interface(name, shape) for name, shape in shapes.items()]
    rows = "".join(f"  {json.dumps(kind)}: {shape.__name__};\n" for kind, shape in sorted(EVENT_TYPES.items()))
    parts.append(f"/** Every type of the catalogue, and its fields. */\nexport interface Events {{\n{rows}}}\n")
    parts.append("export type EventType = keyof Events;\n")
    parts.append("export type EventOf<T extends EventType> = Omit<Event, keyof Events[T]> & Events[T] & { type: T };\n")
    return "\n".join(parts)


def _interface(name: str, shape: Mapping[str, Any]) -> str:
    required = set(cast("list[str]", shape.get("required", [])))
    lines: list[str] = []
    if text := cast("str", shape.get("description", "")):
        lines.append("/**\n" + "".join(f" * {line}".rstrip() + "\n" for line in text.splitlines()) + " */\n")
    lines.append(f"export interface {name} {{\n")
    for field, kind in cast("dict[str, dict[str, Any]]", shape["properties"]).items():
        label = field if NAME.fullmatch(field) else json.dumps(field)
        lines.append(f"  {label}{'' if field in required else '?'}: {_type(kind)};\n")
    return "".join([*lines, "}\n"])


def _type(kind: Mapping[str, Any]) -> str:
    if "$ref" in kind:
        return str(kind["$ref"]).rpartition("/")[2]
    if "enum" in kind:
        return " | ".join(json.dumps(value) for value in kind["enum"])
    if "anyOf" in kind:
        return " | ".join(dict.fromkeys(_type(inner) for inner in kind["anyOf"]))
    if kind.get("type") == "array":
        inner = _type(kind["items"])
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    return PRIMITIVES.get(str(kind.get("type")), "unknown")
