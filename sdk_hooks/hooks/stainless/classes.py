"""
Let an object keep what it is to the host while its class is ours: a subclass of its own class, made once a class, same name.

Flow: stream or response from an SDK -> **the same object, of a class of ours** -> host.
Only a class can see a loop being left (`__iter__`) or an object being dropped (`__del__`). And what is put on the object itself
holds it: the object would then wait for the garbage collector, with its response and all, where it would otherwise be gone with
its last name.
"""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from sdk_hooks.hooks.stainless.loops import NOTES, IsEnding, ended, left, note_item, raised, resumed
from sdk_hooks.hooks.stainless.notes import Notes

Methods = dict[str, Any]
MethodsOf = Callable[[Any], Methods]
_classes: dict[tuple[type, MethodsOf], type] = {}


def become(thing: Any, methods_of: MethodsOf) -> None:
    """The object's class becomes a subclass of its own class with these methods. It has the same name."""
    kind: Any = type(thing)  # pyright: ignore[reportUnknownVariableType]
    ours = _classes.get((kind, methods_of))
    if ours is None:
        body = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
        _classes[kind, methods_of] = ours = type(kind.__name__, (kind,), body | methods_of(kind))
    thing.__class__ = ours


def watch_as(stream: Any, notes: Notes, methods_of: MethodsOf) -> None:
    """The stream gets these methods, which find `notes` under NOTES; those `methods_of` that are `followed` tell of a drop."""
    setattr(stream, NOTES, notes)
    become(stream, methods_of)


def followed(kind: Any, methods: Methods) -> Methods:
    """These methods, and one by which the notes hear of an object that is dropped."""
    return {"__del__": dropping(getattr(kind, "__del__", None)), **methods}


def dropping(inherited: Any) -> Any:
    def __del__(self: Any, is_ending: IsEnding = sys.is_finalizing) -> None:
        if not is_ending():
            left(self.__dict__.get(NOTES))
        if inherited is not None:
            inherited(self)

    return __del__


def stepping(following: Callable[[Any], Any]) -> Any:
    """A `__next__`, for hosts that ask for the items one by one."""

    def __next__(self: Any) -> Any:
        notes = getattr(self, NOTES)
        try:
            item = following(self)
        except StopIteration:
            ended(notes)
            raise
        except BaseException as error:
            raised(notes, error)
            raise
        note_item(notes, item)
        return item

    return __next__


def stepping_async(following: Callable[[Any], Any]) -> Any:
    """The same for `__anext__`."""

    async def __anext__(self: Any) -> Any:
        notes = getattr(self, NOTES)
        try:
            item = await following(self)
        except StopAsyncIteration:
            ended(notes)
            raise
        except BaseException as error:
            raised(notes, error)
            raise
        note_item(notes, item)
        return item

    return __anext__


def looping(loop: Callable[[Any], Iterator[Any]]) -> Any:
    def __iter__(self: Any, is_ending: IsEnding = sys.is_finalizing) -> Iterator[Any]:
        resumed(self)
        try:
            yield from loop(self)
        except GeneratorExit:
            # The loop was left: a break, a return, or an exception in its body.
            if not is_ending():
                left(getattr(self, NOTES))
            raise

    return __iter__


def looping_async(loop: Callable[[Any], AsyncIterator[Any]]) -> Any:
    async def __aiter__(self: Any, is_ending: IsEnding = sys.is_finalizing) -> AsyncIterator[Any]:
        resumed(self)
        try:
            async for item in loop(self):
                yield item
        except GeneratorExit:
            if not is_ending():
                left(getattr(self, NOTES))
            raise

    return __aiter__


def looping_by(following: Callable[[Any], Any]) -> Any:
    """An `__iter__` for streams that are their own iterators: item by item, and a loop that is left is told of."""

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
            if not is_ending():
                left(getattr(self, NOTES))
            raise

    return __iter__


def looping_by_async(following: Callable[[Any], Any]) -> Any:
    """The same for `__aiter__`."""

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


def closing(inherited: Any) -> Any:
    """A `close` or `aclose` that tells first; a coroutine where `inherited` gives one."""

    def close(self: Any) -> Any:
        left(getattr(self, NOTES))
        return inherited(self)

    return close
