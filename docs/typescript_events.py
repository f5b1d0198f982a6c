"""
The event catalogue as TypeScript, for the package in sdk_hooks/js: a module a family, as in sdk_hooks/events.

Flow: sdk_hooks.events -> JSON Schema of each shape -> **this** -> sdk_hooks/js/src/events/*.ts.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, cast, is_typeddict

from sdk_hooks.events import EVENT_TYPES, base
from sdk_hooks.events.base import Event, Terminal
from sdk_hooks.events.schema import definition, is_event

HEADER = "// Generated from sdk_hooks/events/ by `make gen`; don't edit.\n"
PRIMITIVES: Mapping[str, str] = {
    "string": "string",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "null": "null",
    "object": "Record<string, unknown>",
}
NAME = re.compile(r"[A-Za-z_$][\w$]*")
NAMED = re.compile(r"\b[A-Z]\w+")
FAMILIES = tuple(sorted({shape.__module__.rpartition(".")[2] for shape in EVENT_TYPES.values()}))
SHARED: Mapping[str, type] = {
    name: value
    for name, value in sorted(vars(base).items())
    if is_typeddict(value) and value not in (base.BaseEventContext, base.HooklineContext)
}
"""What any event has, and the shapes inside events."""

Lines = dict[str, str]
"""Field as it is written, with its mark -> type."""


def typescript_base() -> str:
    """The shapes that the events of all families are made of."""
    return "\n".join([HEADER, *map(_interface, SHARED.values())])


def typescript_family(family: str) -> str:
    """The events of one module of `sdk_hooks.events`."""
    shapes = {shape.__name__: shape for shape in EVENT_TYPES.values() if shape.__module__.rpartition(".")[2] == family}
    written = [_interface(shape) for _, shape in sorted(shapes.items())]
    used = sorted(SHARED.keys() & {name for text in written for name in NAMED.findall(text)})
    return "\n".join([HEADER, f'import type {{ {", ".join(used)} }} from "./base.js";\n', *written])


def typescript_index() -> str:
    """Which type has which fields."""
    families = [f'export type * from "./{family}.js";' for family in ("base", *FAMILIES)]
    used = {
        family: sorted({s.__name__ for s in EVENT_TYPES.values() if s.__module__.endswith(f".{family}")}) for family in FAMILIES
    }
    imports = [f'import type {{\n  {_wrapped(names)}\n}} from "./{family}.js";' for family, names in used.items()]
    rows = [f"  {json.dumps(kind)}: {shape.__name__};" for kind, shape in sorted(EVENT_TYPES.items())]
    return "\n".join(
        [
            HEADER + "// Types only: an event that differs from them is stored all the same.",
            *imports,
            "",
            *families,
            "",
            "/** Every type of the catalogue, and its fields. */",
            "export interface Events {",
            *rows,
            "}",
            "",
            "export type EventType = keyof Events;",
            "export type EventOf<T extends EventType> = Events[T] & { type: T };",
            "",
        ]
    )


def _wrapped(names: Iterable[str]) -> str:
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > 110:
            lines.append("")
        lines[-1] += f"{name}, "
    return "\n  ".join(line.rstrip() for line in lines)


def _interface(shape: type) -> str:
    parent = _parent(shape)
    inherited = _lines(parent) if parent else {}
    own = {field: kind for field, kind in _lines(shape).items() if inherited.get(field) != kind}
    text = cast("str", definition(shape).get("description", ""))
    described = "/**\n" + "".join(f" * {line}".rstrip() + "\n" for line in text.splitlines()) + " */\n" if text else ""
    head = f"export interface {shape.__name__}{f' extends {parent.__name__}' if parent else ''} {{\n"
    return described + head + "".join(f"  {field}: {kind};\n" for field, kind in own.items()) + "}\n"


def _parent(shape: type) -> type | None:
    """The interface that this one extends: told by its fields, since a TypedDict forgets its bases."""
    if shape is Event or not is_event(shape):
        return None
    fields = set(shape.__annotations__)
    return Terminal if shape is not Terminal and fields >= set(Terminal.__annotations__) else Event


def _lines(shape: type) -> Lines:
    described = definition(shape)
    required = set(cast("list[str]", described.get("required", [])))
    return dict(_line(field, kind, required) for field, kind in cast("dict[str, Any]", described["properties"]).items())


def _line(field: str, kind: Mapping[str, Any], required: set[str]) -> tuple[str, str]:
    label = field if NAME.fullmatch(field) else json.dumps(field)
    return f"{label}{'' if field in required else '?'}", _type(kind)


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
