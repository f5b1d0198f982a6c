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
    if _hands_on(type(stream)) and getattr(stream, "_observer", None) is None:  # pyright: ignore[reportUnknownArgumentType]
        iterator = stream._iterator
        watch_as(stream, notes, _own_loops)
    else:
        following = observe_async if hasattr(type(stream), "__anext__") else observe  # pyright: ignore[reportUnknownArgumentType]
        iterator = stream._iterator = following(stream._iterator, notes)
        watch_as(stream, notes, _loops)
    response = stream.response
    read = getattr(response, READ, ())
    setattr(response, READ, (*read, (iterator, notes)))
    if not read:
        # One of a class that nothing can be below: then a stream that is left by closing it is told of when it is dropped.
        try:
            CLOSING.cover(response)
        except TypeError:
            return


def _hands_on(kind: Any) -> bool:
    """Whether the class's own loop is a plain one. Remembered by loop: another tool may put its own there, and take it away."""
    is_async = _is_async.get(kind)
    if is_async is None:
        # Remembered: a class takes a microsecond to say that it has none of a name.
        is_async = hasattr(kind, "__anext__")
        if len(_is_async) < 1_000:
            _is_async[kind] = is_async
    loop: Any = kind.__aiter__ if is_async else kind.__iter__
    found = _plain.get(loop)
    if found is None:
        found = (is_async or hasattr(kind, "__next__")) and names_in(loop) in PLAIN_LOOPS
        if len(_plain) < 1_000:
            _plain[loop] = found
    return found


_is_async: dict[type, bool] = {}
_plain: dict[Any, bool] = {}


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
    return observe_async(stream._iterator, getattr(stream, NOTES), stream)


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
