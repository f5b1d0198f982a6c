"""
Watch a stream of litellm without changing what it is to the host.

Flow: CustomStreamWrapper and its like -> **the same object, watched** -> host.
litellm's streams are their own iterators, some for sync and async loops alike. The object's class becomes a subclass of its own
class (made once a class, same name), which sees every item, a loop being left, a close, and the object being dropped.
"""

import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

from sdk_hooks import context
from sdk_hooks.guard import guard
from sdk_hooks.hooks.stainless.notes import Notes
from sdk_hooks.hooks.stainless.streams import NOTES, IsEnding, dropping, left, resumed

_classes: dict[type, type] = {}


def is_stream(result: Any) -> bool:
    kind = cast("type[Any]", type(result))
    # A model or a dict can be looped over too; only these give one item after the other.
    return hasattr(kind, "__next__") or hasattr(kind, "__anext__")


def watch(stream: Any, notes: Notes) -> None:
    """From now on `notes` hears of every item and of the stream's end."""
    kind = cast("type[Any]", type(stream))
    watched = _classes.get(kind)
    if watched is None:
        _classes[kind] = watched = _watched_class(kind)
    setattr(stream, NOTES, notes)
    stream.__class__ = watched


def _watched_class(kind: Any) -> type:
    body: dict[str, Any] = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    body["__del__"] = dropping(getattr(kind, "__del__", None))
    for name, make in _METHODS.items():
        if hasattr(kind, name):
            body[name] = make(getattr(kind, name))
    return type(kind.__name__, (kind,), body)


def _following(inherited: Any) -> Any:
    def __next__(self: Any) -> Any:
        silence = context.suppress()
        try:
            item = inherited(self)
        except StopIteration:
            _ended(self)
            raise
        except BaseException as error:
            _raised(self, error)
            raise
        finally:
            context.unsuppress(silence)
        _note(self, item)
        return item

    return __next__


def _following_async(inherited: Any) -> Any:
    async def __anext__(self: Any) -> Any:
        silence = context.suppress()
        try:
            item = await inherited(self)
        except StopAsyncIteration:
            _ended(self)
            raise
        except BaseException as error:
            _raised(self, error)
            raise
        finally:
            context.unsuppress(silence)
        _note(self, item)
        return item

    return __anext__


def _looping(inherited: Any) -> Any:
    def __iter__(self: Any, is_ending: IsEnding = sys.is_finalizing) -> Iterator[Any]:
        resumed(self)
        try:
            while True:
                try:
                    item = next(self)
                except StopIteration:
                    return
                yield item
        except GeneratorExit:
            # The loop was left: a break, a return, or an exception in its body.
            if not is_ending():
                left(getattr(self, NOTES))
            raise

    return __iter__


def _looping_async(inherited: Any) -> Any:
    async def __aiter__(self: Any, is_ending: IsEnding = sys.is_finalizing) -> AsyncIterator[Any]:
        resumed(self)
        try:
            while True:
                try:
                    item = await anext(self)
                except StopAsyncIteration:
                    return
                yield item
        except GeneratorExit:
            if not is_ending():
                left(getattr(self, NOTES))
            raise

    return __aiter__


def _closing(inherited: Any) -> Any:
    def close(self: Any) -> Any:
        left(getattr(self, NOTES))
        # A coroutine where `aclose` is one.
        return inherited(self)

    return close


_METHODS = {
    "__next__": _following,
    "__anext__": _following_async,
    "__iter__": _looping,
    "__aiter__": _looping_async,
    "close": _closing,
    "aclose": _closing,
}


def _note(stream: Any, item: Any) -> None:
    with guard("litellm.chunk"):
        getattr(stream, NOTES).item(item)


def _ended(stream: Any) -> None:
    with guard("litellm.stream"):
        getattr(stream, NOTES).ended()


def _raised(stream: Any, error: BaseException) -> None:
    with guard("litellm.stream"):
        getattr(stream, NOTES).raised(error)
