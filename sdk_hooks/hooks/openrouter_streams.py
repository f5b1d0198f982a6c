"""
Watch an EventStream without changing what it is to the host.

Flow: EventStream or EventStreamAsync from the SDK -> **the same object, watched** -> host.
Its generator is put into one that takes notes. Its class becomes a subclass of its own class (made once a class, same name):
only a class can see a loop being left (`__iter__`), a close, or the object being dropped before it was read (`__del__`).
"""

import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

from sdk_hooks.hooks.stainless.notes import Notes
from sdk_hooks.hooks.stainless.streams import NOTES, IsEnding, dropping, left, observe, observe_async, resumed

_classes: dict[type, type] = {}


def is_stream(result: Any) -> bool:
    return hasattr(result, "generator") and hasattr(result, "response")


def watch(stream: Any, notes: Notes) -> None:
    """From now on `notes` hears of every item and of the stream's end."""
    kind = cast("type[Any]", type(stream))
    watched = _classes.get(kind)
    if watched is None:
        _classes[kind] = watched = _watched_class(kind)
    around: Any = observe_async if hasattr(kind, "__anext__") else observe
    stream.generator = around(stream.generator, notes)
    setattr(stream, NOTES, notes)
    stream.__class__ = watched


def _watched_class(kind: Any) -> type:
    body: dict[str, Any] = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    body["__del__"] = dropping(getattr(kind, "__del__", None))
    if hasattr(kind, "__anext__"):
        body |= {"__aiter__": _async_looping(kind), "close": _async_closing(kind)}
    else:
        body |= {"__iter__": _looping(kind), "close": _closing(kind)}
    return type(kind.__name__, (kind,), body)


def _looping(kind: Any) -> Any:
    following = kind.__next__

    def __iter__(self: Any, is_ending: IsEnding = sys.is_finalizing) -> Iterator[Any]:
        resumed(self)
        try:
            while True:
                try:
                    item = following(self)
                except StopIteration:
                    return
                yield item
        except GeneratorExit:
            # The loop was left: a break, a return, or an exception in its body.
            if not is_ending():
                left(getattr(self, NOTES))
            raise

    return __iter__


def _async_looping(kind: Any) -> Any:
    following = kind.__anext__

    async def __aiter__(self: Any, is_ending: IsEnding = sys.is_finalizing) -> AsyncIterator[Any]:
        resumed(self)
        try:
            while True:
                try:
                    item = await following(self)
                except StopAsyncIteration:
                    return
                yield item
        except GeneratorExit:
            if not is_ending():
                left(getattr(self, NOTES))
            raise

    return __aiter__


def _closing(kind: Any) -> Any:
    inherited = kind.close

    def close(self: Any) -> None:
        left(getattr(self, NOTES))
        inherited(self)

    return close


def _async_closing(kind: Any) -> Any:
    inherited = kind.close

    async def close(self: Any) -> None:
        left(getattr(self, NOTES))
        await inherited(self)

    return close
