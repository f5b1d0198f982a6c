"""
Copy a request cheaply at the moment it is sent.

Flow: hook -> **snapshot** (caller's thread) -> recorder -> emitter (opens it).
A request is not private: nested tool schemas and messages are the host's objects and may change after the call.
`marshal` copies all of it at once, in C: in one piece, whatever other threads do, and into one object that the garbage collector
need not look at. Where texts are long, dicts and lists are copied level by level instead, and texts, which never change, are
kept by reference.
"""

import marshal
from typing import Any, cast

FORMAT = 4
"""Of marshal: one that looks for objects it has seen before, for nobody has walked through the request before."""
LONG_BYTES = 64 * 1024
"""After a request this long the next one is taken for long as well: agents send all of their history, and images, again."""
LOOK_DEPTH = 16
"""Messages, their parts and schemas of answers are shallower: what goes deeper may be a circle."""
MAX_DEPTH = 60
"""A little under what a collector accepts."""

MAX_VALUES = 20_000
"""A hundredth of a second of the host's time. What points back to where it came from has far more ways through it."""
NODE_BYTES = 64
"""About what a dict or list takes beside its texts."""
ATOMS = frozenset((int, float, bool, type(None)))
LEAVES = ATOMS | {str, bytes}
OMITTED = frozenset(("Omit", "NotGiven"))
"""The classes of what openai and anthropic have for "not given"."""

Copied = tuple[Any, bytes | None, int]
"""
A copy: the value, or what it lacks, packed: all of it, or its `tools`; and its size in bytes, an estimate for the buffer's bound.
A plain tuple, which costs a tenth of an object: it is made at every call, in the host's thread.
"""


class _Odd(Exception):
    """Not plain, or so deep that it may be a circle. A circle is left at the end of the first way down."""


class Snapshot:
    """A copy that nobody else can change. `size_bytes` is an estimate for the buffer's bound."""

    __slots__ = ("_copied", "size_bytes")

    def __init__(self, copied: Copied) -> None:
        self._copied = copied
        self.size_bytes = copied[2]

    def open(self) -> Any:
        """The copy as plain data. For the emitter's thread."""
        value, packed, _ = self._copied
        return opened(value, packed)


def opened(value: Any, packed: bytes | None) -> Any:
    """The copy as plain data; for the emitter's thread, once."""
    if packed is None:
        return value
    unpacked = marshal.loads(packed)  # noqa: S302 (our own bytes, same process)
    if not _is_plain(unpacked, 0):
        unpacked = _made_plain(unpacked)
    if value is None:
        return unpacked
    value["tools"] = unpacked
    return value


def take(value: Any) -> Snapshot:
    """Copy plain data and pydantic models; anything else becomes the name of its type."""
    return Snapshot(copied(value))


def copied(value: Any) -> Copied:
    """What `take` holds."""
    global _last_bytes
    if _last_bytes >= LONG_BYTES:
        walked = _walked(value)
        _last_bytes = walked[2]
        return walked
    try:
        packed = marshal.dumps(value, FORMAT)
    except ValueError:
        # Something in it is not plain.
        return _walked(value)
    _last_bytes = size_bytes = len(packed)
    return None, packed, size_bytes


_last_bytes = 0


def _walked(value: Any) -> Copied:
    """Level by level, texts by reference; but `tools`, which are many small nodes, packed."""
    try:
        if type(value) is not dict:
            held: list[Any] = []
            size_bytes = _own_list([value], held, 0)
            return held[0], None, size_bytes
        mine: dict[Any, Any] = value.copy()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        tools = mine.get("tools")
        if not tools:
            return mine, None, _own(mine, 0)
        mine["tools"] = None
        packed = marshal.dumps(tools, FORMAT)
        return mine, packed, _own(mine, 0) + len(packed)
    except (_Odd, ValueError):
        return take_any(value)._copied  # pyright: ignore[reportPrivateUsage] (same module)


def _made_plain(unpacked: Any) -> Any:
    """Tuples become lists, and what may be a circle ends."""
    held: list[Any] = []
    try:
        _own_list([unpacked], held, 0)
    except _Odd:
        return _freeze(unpacked, 0, [0, MAX_VALUES])
    return held[0]


def _own(mine: dict[Any, Any], depth: int) -> int:
    """Copies take the place of what a copied dict still shares with the host. Its size."""
    size_bytes = NODE_BYTES
    # Written out flat: it runs at every call, in the caller's thread. The members are replaced, none is added.
    for name, item in mine.items():
        kind: Any = type(item)  # pyright: ignore[reportUnknownVariableType]
        if kind is str or kind is bytes:
            size_bytes += len(item)
        elif kind in ATOMS:
            continue
        elif kind is list or kind is tuple:
            inner: Any = []
            mine[name] = inner
            size_bytes += _own_list(item, inner, depth + 1)
        elif kind is dict:
            if depth >= LOOK_DEPTH:
                raise _Odd
            mine[name] = inner = item.copy()
            size_bytes += _own(inner, depth + 1)
        else:
            mine[name] = inner = _model(item, depth)
            size_bytes += _own(inner, depth + 1)
    return size_bytes


def _own_list(items: list[Any] | tuple[Any, ...], mine: list[Any], depth: int) -> int:
    """Copies go into `mine`, which is empty. Their size."""
    if depth >= LOOK_DEPTH:
        raise _Odd
    size_bytes = NODE_BYTES + 8 * len(items)
    add = mine.append
    for item in items:
        kind: Any = type(item)  # pyright: ignore[reportUnknownVariableType]
        if kind is dict:
            inner = item.copy()
            add(inner)
            size_bytes += NODE_BYTES
            # Nearly every message has texts only: they need no look of their own.
            for part in inner.values():
                if type(part) is not str:
                    size_bytes += _own(inner, depth + 1)
                    break
                size_bytes += len(part)
        elif kind is str or kind is bytes:
            add(item)
            size_bytes += len(item)
        elif kind in ATOMS:
            add(item)
        elif kind is list or kind is tuple:
            inner: Any = []
            add(inner)
            size_bytes += _own_list(item, inner, depth + 1)
        else:
            inner = _model(item, depth)
            add(inner)
            size_bytes += _own(inner, depth + 1)
    return size_bytes


def _model(item: Any, depth: int) -> dict[str, Any]:
    """A pydantic model as a dict of its own: agents put the blocks of an answer among their messages as they came."""
    said = _said(item)
    if said is None or depth >= LOOK_DEPTH:
        raise _Odd
    return said


def _said(model: Any) -> dict[str, Any] | None:
    """
    A pydantic model under the names it is sent by; None: it is no model. What is None, or a model without fields, was not said.
    """
    kind: Any = type(model)  # pyright: ignore[reportUnknownVariableType]
    aliases = _aliases.get(kind)
    if aliases is None:
        fields = _model_fields(model)
        if fields is None:
            return None
        aliases = {name: field.alias for name, field in fields.items() if getattr(field, "alias", None)}
        if len(_aliases) < 1_000:
            _aliases[kind] = aliases
    # A copy first: another thread may be changing it.
    given: dict[str, Any] = model.__dict__.copy()
    given |= getattr(model, "__pydantic_extra__", None) or {}
    return {
        aliases.get(name, name): inner
        for name, inner in given.items()
        # Asked for leaves first: nearly everything is one.
        if inner is not None and (type(inner) in LEAVES or _model_fields(inner) != {})
    }


_aliases: dict[type, dict[str, str]] = {}
"""By class of a model: its fields that are sent under another name."""


def take_any(value: Any) -> Snapshot:
    """
    `take` for what was never meant to be sent: arguments and results of a host's own functions, in which everything may point to
    everything. marshal would follow each way through them.
    """
    size = [0, MAX_VALUES]
    frozen = _freeze(value, 0, size)
    return Snapshot((frozen, None, size[0]))


def _is_plain(value: Any, depth: int) -> bool:
    """
    Whether it is dicts and lists of texts and numbers, and no way through it is longer than a collector accepts, as every way
    round a circle is.
    """
    kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind in LEAVES:
        return True
    if (kind is not dict and kind is not list) or depth >= MAX_DEPTH:
        return False
    for item in value.values() if kind is dict else value:
        # Asked here first: nearly everything is a leaf, or a message, which has nothing but leaves.
        inner: Any = type(item)  # pyright: ignore[reportUnknownVariableType]
        if inner in LEAVES or (inner is dict and LEAVES.issuperset(map(type, item.values()))):
            continue
        if not _is_plain(item, depth + 1):
            return False
    return True


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
        return {str(key): _freeze(item, depth + 1, size) for key, item in items if not _is_omitted(item)}
    if isinstance(value, list | tuple):
        return [_freeze(item, depth + 1, size) for item in list(cast("list[Any]", value))]
    said = _said(value)
    if said is not None:
        return {name: _freeze(inner, depth + 1, size) for name, inner in said.items()}
    return f"<{type(value).__name__}>"


def _is_omitted(value: Any) -> bool:
    """Whether it is what SDKs put where nothing was given. Their clients leave it out of what they send."""
    return type(value).__name__ in OMITTED and not value


def _model_fields(value: Any) -> dict[str, Any] | None:
    found: Any = getattr(cast("type[Any]", type(value)), "model_fields", None)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None
