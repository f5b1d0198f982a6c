"""
Watch a stream object without changing what it is to the host.

Flow: Stream or AsyncStream from the SDK -> **the same object, watched** -> host.
Its class is a subclass of its own class from now on, and so is its response's: the SDK's stream helpers close that and not the
stream.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import wraps
from types import FunctionType
from typing import Any

from sdk_hooks.hooks.stainless.classes import (
    Around,
    Methods,
    followed,
    looping,
    looping_async,
    stepping,
    stepping_async,
    watch_as,
)
from sdk_hooks.hooks.stainless.loops import NOTES, left, observe, observe_async
from sdk_hooks.hooks.stainless.notes import Notes

PLAIN_LOOPS = frozenset((("_iterator",), ("_iterator", "_observer", "item")))
"""
The names that a class's own loop uses where it does nothing but hand on what its iterator gives, and tell an observer if it has
one. Where it has none, ours stands in its place and not around it. A loop that does anything else has other names in it.
"""

READ = "_hookline_read"
"""
Where a response has the iterator and the notes of the stream that is read from it; of several, where the host had it parsed as
several.
"""


def is_watched(stream: Any) -> bool:
    return NOTES in vars(stream)


def watch(stream: Any, notes: Notes) -> None:
    """From now on `notes` hears of every item and of the stream's end."""
    kind: Any = type(stream)  # pyright: ignore[reportUnknownVariableType]
    known = _kinds.get(kind)
    if known is None or getattr(kind, known.name) is not known.loop:
        # Another tool may put its own loop there, and take it away.
        known = _kind_of(kind)
    if known.is_plain and not (known.has_observer and getattr(stream, "_observer", None) is not None):
        iterator = stream._iterator
        watch_as(stream, notes, _own_loops)
    else:
        following = observe_async if known.name == "__aiter__" else observe
        iterator = stream._iterator = following(stream._iterator, notes)
        watch_as(stream, notes, _loops)
    response = stream.response
    read = getattr(response, READ, None)
    setattr(response, READ, ((iterator, notes),) if read is None else (*read, (iterator, notes)))
    if read is None:
        # One of a class that nothing can be below: then a stream that is left by closing it is told of when it is dropped.
        try:
            CLOSING.cover(response)
        except TypeError:
            return


class _Kind:
    """What is known of a class of streams: a class takes a microsecond to say that it has none of a name."""

    __slots__ = ("has_observer", "is_plain", "loop", "name")

    def __init__(self, kind: Any) -> None:
        is_async = hasattr(kind, "__anext__")
        self.name = "__aiter__" if is_async else "__iter__"
        self.loop = getattr(kind, self.name)
        names = names_in(self.loop) or ()
        self.is_plain = (is_async or hasattr(kind, "__next__")) and names in PLAIN_LOOPS
        """Whether its own loop only hands on."""
        self.has_observer = "_observer" in names


def _kind_of(kind: Any) -> _Kind:
    known = _Kind(kind)
    if kind in _kinds or len(_kinds) < 1_000:
        _kinds[kind] = known
    return known


_kinds: dict[type, _Kind] = {}


def names_in(function: Any) -> tuple[str, ...] | None:
    """The names of attributes and globals that a function uses: another version of an SDK does something else, with others."""
    # A tool's wrapper may show the code of what is below it.
    return function.__code__.co_names if type(function) is FunctionType else None


def _own_loops(kind: Any) -> Methods:
    """For plain loops: the very items are read here, and handed on."""
    if hasattr(kind, "__anext__"):
        return followed(kind, {"__aiter__": _own_loop_async, "__anext__": stepping_async(kind)})
    return followed(kind, {"__iter__": _own_loop, "__next__": stepping(kind)})


def _loops(kind: Any) -> Methods:
    """For others: the iterator is watched, and whether its loop is left."""
    if hasattr(kind, "__anext__"):
        return followed(kind, {"__aiter__": looping_async(kind)})
    return followed(kind, {"__iter__": looping(kind)})


def _own_loop(stream: Any) -> Iterator[Any]:
    notes = getattr(stream, NOTES)
    loop = getattr(notes, "loop", None)
    return observe(stream._iterator, notes, stream) if loop is None else loop(stream._iterator, stream)


def _own_loop_async(stream: Any) -> AsyncIterator[Any]:
    notes = getattr(stream, NOTES)
    loop = getattr(notes, "loop_async", None)
    return observe_async(stream._iterator, notes, stream) if loop is None else loop(stream._iterator, stream)


def _closing(inherited: Callable[[Any], Any]) -> Any:
    @wraps(inherited)
    def close(self: Any) -> Any:
        _left_by_closing(self, "gi_running")
        return inherited(self)

    return close


def _closing_async(inherited: Callable[[Any], Any]) -> Any:
    @wraps(inherited)
    async def aclose(self: Any) -> None:
        _left_by_closing(self, "ag_running")
        await inherited(self)

    return aclose


def _left_by_closing(response: Any, is_running: str) -> None:
    read = getattr(response, READ)
    for iterator, _ in read:
        # A close from inside the iterator is the SDK's own, at the end; any other is the host's.
        if getattr(iterator, is_running, False):
            return
    for _, notes in read:
        left(notes)


CLOSING = Around(close=_closing, aclose=_closing_async)
