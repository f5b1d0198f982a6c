"""
Copy a request cheaply at the moment it is sent.

Flow: hook -> **snapshot** (caller's thread) -> recorder -> emitter (opens it).
A request is not private: nested tool schemas and messages are the host's objects and may change after the call.
`marshal` copies plain data at about 1 µs for two messages, `json.dumps` would cost 20. Strings never change, so long ones
are kept by reference, not copied.
"""

import marshal
from collections.abc import Iterable
from typing import Any, cast

FORMAT = 2
"""Of marshal: the last one that looks for no objects it has seen before, and so one that must not be given a circle."""
SEEING_FORMAT = 4
"""It does look: for tool schemas, which nobody has walked through before."""
LARGE_CHARS = 4096
LOOK_DEPTH = 16
"""Messages, their parts and schemas of answers are shallower: what goes deeper may be a circle."""
MAX_DEPTH = 60
"""A little under what a collector accepts."""

MAX_VALUES = 20_000
"""A hundredth of a second of the host's time. What points back to where it came from has far more ways through it."""


class Snapshot:
    """A copy that nobody else can change. `size_bytes` is an estimate for the buffer's bound."""

    __slots__ = ("_frozen", "_packed", "size_bytes")

    def __init__(self, packed: bytes | None, frozen: Any, size_bytes: int) -> None:
        self._packed = packed
        self._frozen = frozen
        self.size_bytes = size_bytes

    def open(self) -> Any:
        """The copy as plain data. For the emitter's thread."""
        if self._packed is None:
            return self._frozen
        value: Any = marshal.loads(self._packed)  # noqa: S302 (our own bytes, same process)
        if isinstance(value, dict) and "tools" in value and _is_deep(value["tools"], 0):
            return _freeze(value, 0, [0, MAX_VALUES])
        return value  # pyright: ignore[reportUnknownVariableType]


def take(value: Any) -> Snapshot:
    """Copy plain data and pydantic models; anything else becomes the name of its type."""
    if not _is_for_freeze(value):
        try:
            packed = marshal.dumps(value, SEEING_FORMAT if isinstance(value, dict) and "tools" in value else FORMAT)
        except ValueError:
            pass
        else:
            return Snapshot(packed, None, len(packed))
    return take_any(value)


def take_any(value: Any) -> Snapshot:
    """
    `take` for what was never meant to be sent: arguments and results of a host's own functions, in which everything may point to
    everything. marshal would follow each way through them.
    """
    size = [0, MAX_VALUES]
    return Snapshot(None, _freeze(value, 0, size), size[0])


def _is_for_freeze(value: Any) -> bool:
    """Whether a long string is near the top, or something so deep that it may be a circle."""
    if not isinstance(value, dict):
        return _holds_odd((value,), 0)
    # Tool schemas are many small nodes: walking them costs more than it could save.
    if "tools" in value:
        request = cast("dict[Any, Any]", value)
        return _holds_odd([item for key, item in request.items() if key != "tools"], 0)
    return _holds_odd(value.values(), 0)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


def _holds_odd(values: Iterable[Any], depth: int) -> bool:
    # Written out flat: it runs at every call, in the caller's thread. A circle is left at the end of its first way down.
    for item in values:
        kind: Any = type(item)  # pyright: ignore[reportUnknownVariableType]
        if kind is str or kind is bytes:
            if len(item) > LARGE_CHARS:
                return True
        elif kind is dict:
            if depth >= LOOK_DEPTH or _holds_odd(item.values(), depth + 1):
                return True
        elif (kind is list or kind is tuple) and (depth >= LOOK_DEPTH or _holds_odd(item, depth + 1)):
            return True
    return False


def _is_deep(value: Any, depth: int) -> bool:
    """Whether some way through it is longer than a collector accepts, as every way round a circle is."""
    if isinstance(value, dict):
        inner: Any = cast("dict[Any, Any]", value).values()
    elif isinstance(value, list | tuple):
        inner = cast("list[Any]", value)
    else:
        return False
    return depth >= MAX_DEPTH or any(_is_deep(item, depth + 1) for item in inner)


def _freeze(value: Any, depth: int, size: list[int]) -> Any:
    size[0] += 16
    size[1] -= 1
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str | bytes):
        size[0] += len(value)
        return value
    if depth >= MAX_DEPTH:
        return "<too deep>"
    if size[1] <= 0:
        return "<too much>"
    if isinstance(value, dict):
        # list() first: another thread may be changing the dict.
        items = list(cast("dict[Any, Any]", value).items())
        return {str(key): _freeze(item, depth + 1, size) for key, item in items}
    if isinstance(value, list | tuple):
        return [_freeze(item, depth + 1, size) for item in list(cast("list[Any]", value))]
    model_fields = _model_fields(value)
    if model_fields is not None:
        return _freeze_model(value, model_fields, depth, size)
    return f"<{type(value).__name__}>"


def _model_fields(value: Any) -> dict[str, Any] | None:
    found: Any = getattr(cast("type[Any]", type(value)), "model_fields", None)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def _freeze_model(model: Any, model_fields: dict[str, Any], depth: int, size: list[int]) -> Any:
    """A pydantic model under the names it is sent by. What is None, or a model without fields, was not said."""
    given: dict[str, Any] = {**model.__dict__, **(getattr(model, "__pydantic_extra__", None) or {})}
    said: dict[str, Any] = {}
    for name, inner in given.items():
        if inner is not None and _model_fields(inner) != {}:
            alias: Any = getattr(model_fields.get(name), "alias", None)
            said[alias or name] = _freeze(inner, depth + 1, size)
    return said
