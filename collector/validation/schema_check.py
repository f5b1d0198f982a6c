"""
What an event has otherwise than the catalogue says. It describes; it refuses nothing.

Flow: dialects -> **schema_check** -> the column `schema_issues`.
msgspec reads the TypedDicts of `sdk_hooks.events`, a type at a time and when it first comes: all of them at once would
cost a start of the server some hundred milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_type_hints

import msgspec

from collector.validation.columns import Issues

_LONGEST_ISSUE: Final = 160


@dataclass(frozen=True, slots=True)
class _Shape:
    """One event type, ready to be compared with."""

    whole: type
    fields: Mapping[str, Any]
    required: frozenset[str]


class SchemaCheck:
    """Compares events with a catalogue: type name -> TypedDict."""

    def __init__(self, catalogue: Mapping[str, type]) -> None:
        self._catalogue = catalogue
        self._shapes: dict[str, _Shape] = {}

    def add_issues(self, type_name: str, event: Mapping[str, Any], issues: Issues) -> None:
        """Add what differs. An unknown type is one issue; unknown fields are none."""
        shape = self._shapes.get(type_name) or self._compile(type_name)
        if shape is None:
            issues["type"] = "not in the catalogue"
            return
        try:
            msgspec.convert(event, shape.whole)
        except msgspec.ValidationError:
            _add_each(shape, event, issues)

    def _compile(self, type_name: str) -> _Shape | None:
        described = self._catalogue.get(type_name)
        if described is None:
            return None
        required = frozenset[str](getattr(described, "__required_keys__", ()))
        shape = _Shape(described, get_type_hints(described), required)
        self._shapes[type_name] = shape
        return shape


def _add_each(shape: _Shape, event: Mapping[str, Any], issues: Issues) -> None:
    """msgspec stops at the first difference; ask field by field."""
    for name, expected in shape.fields.items():
        if name not in event:
            if name in shape.required:
                issues.setdefault(name, "missing")
            continue
        try:
            msgspec.convert(event[name], expected)
        except msgspec.ValidationError as exc:
            issues[name] = str(exc)[:_LONGEST_ISSUE]
