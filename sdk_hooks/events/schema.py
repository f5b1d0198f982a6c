"""
The catalogue as a JSON Schema and as a page to read.

Flow: sdk_hooks.events -> **schema** -> docs/events.schema.json, docs/events.md.

    python -m sdk_hooks.events.schema [--check]
"""

import inspect
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from sdk_hooks.events import EVENT_TYPES, FAMILIES
from sdk_hooks.events.base import BaseEventContext, Event, HooklineContext, Terminal

DOCS = Path(__file__).parents[2] / "docs"
PRIMITIVES: Mapping[Any, dict[str, Any]] = {
    str: {"type": "string"},
    float: {"type": "number"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    Any: {},
}
CATALOGUE_TYPES = frozenset(name for family in FAMILIES.values() for name in family)


def json_schema() -> dict[str, Any]:
    """Draft 2020-12. An event is judged by its type; an unknown type is any event; unknown fields are allowed."""
    shapes: dict[str, Any] = {}
    conditions: list[Any] = []
    for name in sorted(EVENT_TYPES):
        reference = _reference(EVENT_TYPES[name], shapes)
        conditions.append({"if": {"properties": {"type": {"const": name}}, "required": ["type"]}, "then": reference})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hookline event",
        "allOf": [_reference(Event, shapes), *conditions],
        "$defs": dict(sorted(shapes.items())),
    }


def definition(shape: type) -> dict[str, Any]:
    """One shape by itself; shapes inside it are references."""
    shapes: dict[str, Any] = {}
    _reference(shape, shapes)
    return shapes[shape.__name__]


def _reference(shape: Any, shapes: dict[str, Any]) -> dict[str, Any]:
    name = shape.__name__
    if name not in shapes:
        shapes[name] = {}
        hints = get_type_hints(shape)
        # Every event is checked against Event as well, so that its optional fields need not be said 130 times.
        own = (
            hints if shape is Event or not is_event(shape) else {k: v for k, v in hints.items() if k not in _optional_base(shape)}
        )
        properties = {field: _schema(kind, shapes) for field, kind in own.items()}
        shapes[name] = {"type": "object", "properties": properties, "required": sorted(shape.__required_keys__)}
        if described := _described(shape):
            shapes[name]["description"] = described
    return {"$ref": f"#/$defs/{name}"}


def is_event(shape: Any) -> bool:
    return "timestamp" in shape.__required_keys__


def _optional_base(shape: Any) -> set[str]:
    return set(get_type_hints(Event)) - set(shape.__required_keys__)


def _schema(kind: Any, shapes: dict[str, Any]) -> dict[str, Any]:
    if kind in PRIMITIVES:
        return dict(PRIMITIVES[kind])
    if is_typeddict(kind):
        return _reference(kind, shapes)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0], shapes)}
    if origin is dict:
        return {"type": "object"}
    if origin in (Union, UnionType):
        return {"anyOf": [_schema(argument, shapes) for argument in arguments]}
    raise TypeError(f"no JSON Schema for {kind!r}: add it to sdk_hooks.events.schema")


def _described(shape: Any) -> str:
    # TypedDict gives every class `dict`'s docstring if it has none of its own.
    text = shape.__doc__ if shape.__doc__ != dict.__doc__ else None
    return inspect.cleandoc(text) if text else ""


def schema_text() -> str:
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def page_text() -> str:
    """The catalogue for people."""
    ours = {name: shape for name, shape in EVENT_TYPES.items() if name not in CATALOGUE_TYPES}
    base = set(get_type_hints(Event))
    parts = [
        "# Events",
        "",
        "Generated from `sdk_hooks/events/` by `make gen`; don't edit. As JSON Schema: [events.schema.json](events.schema.json).",
        "",
        "An event is a flat JSON object with a `type` and a `timestamp` (Unix ms). Fields in **bold** are required. What differs",
        "from this page is stored all the same and listed in the row's `schema_issues`; unknown types and fields are kept.",
        "",
        "## Fields of every event",
        "",
        *_fields(BaseEventContext, set()),
        "",
        "Ours, on any event:",
        "",
        *_fields(HooklineContext, set()),
        "",
        "On any end of a call (`completed`, `error`, `aborted`):",
        "",
        *_fields(Terminal, base),
    ]
    for title, family in [*FAMILIES.items(), ("beyond the catalogue", ours)]:
        parts += ["", f"## {title[0].upper()}{title[1:]}"]
        for name, shape in family.items():
            parts += ["", f"### `{name}`", ""]
            if described := _described(shape):
                parts += [described, ""]
            is_end = ":request:" in name and not name.endswith(":started")
            told = (set(get_type_hints(Terminal)) if is_end else base) - _required_beyond_base(shape)
            parts += _fields(shape, told) or ["No fields of its own."]
    return "\n".join(parts) + "\n"


def _required_beyond_base(shape: Any) -> set[str]:
    return set(shape.__required_keys__) - set(Event.__required_keys__)


def _fields(shape: Any, without: set[str]) -> list[str]:
    lines: list[str] = []
    for name, kind in get_type_hints(shape).items():
        if name not in without:
            shown = f"**`{name}`**" if name in shape.__required_keys__ else f"`{name}`"
            lines.append(f"- {shown}: {_shown(kind)}")
    return lines


def _shown(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in PRIMITIVES:
        return {"str": "string", "float": "number", "int": "integer", "bool": "true or false", "NoneType": "null"}.get(
            getattr(kind, "__name__", ""), "anything"
        )
    if is_typeddict(kind):
        keys = get_type_hints(kind)
        return "{" + ", ".join(name if name in kind.__required_keys__ else f"{name}?" for name in keys) + "}"
    if origin is Literal:
        return " or ".join(f"`{argument}`" for argument in arguments)
    if origin is list:
        return f"list of {_shown(arguments[0])}"
    if origin is dict:
        return "object"
    return " or ".join(_shown(argument) for argument in arguments)


def main(arguments: list[str]) -> int:
    """Write both files, or with `--check` say which are out of date."""
    stale = 0
    for name, text in (("events.schema.json", schema_text()), ("events.md", page_text())):
        path = DOCS / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if "--check" in arguments:
            sys.stderr.write(f"docs/{name} is out of date: run `make gen` and commit it\n")
        else:
            path.write_text(text, encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
