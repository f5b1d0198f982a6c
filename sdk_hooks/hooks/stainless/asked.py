"""
Read a request, which may hold anything a host put there.

Flow: request as sent (a copy) -> **members of the expected kind** -> the SDK's fields of a started event.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

Event = dict[str, Any]


def mapping(value: Any) -> Mapping[str, Any]:
    """The value, or nothing if it is no object."""
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def items(value: Any) -> list[Any]:
    """The value, or nothing if it is no list."""
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]


def messages_of(value: Any) -> list[Any]:
    # A tuple of types: a union would be made anew each time.
    return list(cast("Iterable[Any]", value)) if isinstance(value, (list, tuple)) else []


def renamed(asked: Mapping[str, Any], names: Mapping[str, str]) -> Event:
    """The members that are there, under new names."""
    return {new: asked[old] for old, new in names.items() if asked.get(old) is not None}


def options(asked: Mapping[str, Any], said_elsewhere: Collection[str]) -> Event:
    """`modelOptions`: every member that has no place of its own in the event."""
    left = {name: value for name, value in asked.items() if name not in said_elsewhere}
    return {"modelOptions": left} if left else {}
