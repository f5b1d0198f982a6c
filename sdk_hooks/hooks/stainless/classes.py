"""
Let an object keep what it is to the host while its class is ours: a subclass of its own class, made once a class, same name.

Flow: stream or response from an SDK -> **the same object, of a class of ours** -> host.
Only a class can see a loop being left (`__iter__`) or an object being dropped (`__del__`). And what is put on the object itself
holds it: the object would then wait for the garbage collector, with its response and all, where it would otherwise be gone with
its last name.
"""

import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from functools import wraps
from types import MethodType
from typing import Any, cast

from sdk_hooks.hooks.stainless.copies import copy_of, is_copied_plainly
from sdk_hooks.hooks.stainless.loops import NOTES, IsEnding, ended, left, note_item, raised, resumed
from sdk_hooks.hooks.stainless.notes import Notes

Methods = dict[str, Any]
MethodsOf = Callable[[Any], Methods]
_classes: defaultdict[MethodsOf, dict[type, type]] = defaultdict(dict)

PREFIX = "_hookline"
"""How the names of what is ours on an object begin."""


def become(thing: Any, methods_of: MethodsOf) -> None:
    """The object's class becomes a subclass of its own class with these methods. It has the same name."""
    kind: Any = type(thing)  # pyright: ignore[reportUnknownVariableType]
    thing.__class__ = _classes[methods_of].get(kind) or _made(kind, methods_of)


def _made(kind: Any, methods_of: MethodsOf) -> type:
    body = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    body["__reduce_ex__"] = _reducing(kind)
    ours = type(kind.__name__, (kind,), body | methods_of(kind))
    made = _classes[methods_of]
    # Hosts may make classes as they go.
    if len(made) < 1_000:
        made[kind] = ours
    return ours


class Around:
    """`MethodsOf` that puts ours around those of these methods that there are."""

    def __init__(self, **makers: Callable[[Any], Any]) -> None:
        self._makers = makers

    def __call__(self, kind: Any) -> Methods:
        return {name: make(method_of(kind, name)) for name, make in self._makers.items() if hasattr(kind, name)}

    def cover(self, thing: Any) -> None:
        """The object's class, and what another tool has put on the object itself: that would stand before its class."""
        become(thing, self)
        own: dict[str, Any] = thing.__dict__
        for name in self._makers:
            if name in own:
                own[name] = MethodType(self._makers[name](_as_method(own[name])), thing)


def method_of(kind: Any, name: str) -> Callable[..., Any]:
    """
    The class's method as it is when it is called: what another tool puts there later is heard, and gone when it is taken away.
    """

    @wraps(getattr(kind, name))
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(kind, name)(self, *args, **kwargs)

    return method


def _as_method(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return method


def _reducing(kind: Any) -> Any:
    """Copied and pickled it is of its own class, without what is ours: by its name nobody would find ours."""

    def __reduce_ex__(self: Any, protocol: Any) -> Any:
        reduced = kind.__reduce_ex__(self, protocol)
        if type(reduced) is not tuple:
            return reduced
        parts: list[Any] = [*cast("tuple[Any, ...]", reduced)]
        if getattr(parts[0], "__name__", None) == "__newobj__":
            # By this name pickle makes objects of the class that this one has, and of no other.
            parts[0] = kind.__new__
        parts[1] = tuple(kind if part is type(self) else part for part in parts[1])
        if len(parts) > 2 and type(parts[2]) is dict:
            state = cast("dict[str, Any]", parts[2])
            parts[2] = {name: value for name, value in state.items() if not name.startswith(PREFIX)}
        return tuple(parts)

    return __reduce_ex__


def copied_watched(kind: Any) -> Methods:
    """For what is read on by its copy as well: what hears of the one hears of the other."""
    return {"__copy__": copy_of} if is_copied_plainly(kind) else {}


def watch_as(stream: Any, notes: Notes, methods_of: MethodsOf) -> None:
    """The stream gets these methods, which find `notes` under NOTES; those `methods_of` that are `followed` tell of a drop."""
    setattr(stream, NOTES, notes)
    become(stream, methods_of)


def followed(kind: Any, methods: Methods) -> Methods:
    """These methods, and one by which the notes hear of an object that is dropped."""
    return {"__del__": dropping(getattr(kind, "__del__", None)), **copied_watched(kind), **methods}


def dropping(inherited: Any) -> Any:
    def __del__(self: Any, is_ending: IsEnding = sys.is_finalizing) -> None:
        if not is_ending():
            left(self.__dict__.get(NOTES))
        if inherited is not None:
            inherited(self)

    return __del__


def stepping(kind: Any) -> Any:
    """A `__next__`, for hosts that ask for the items one by one."""

    def __next__(self: Any) -> Any:
        notes = getattr(self, NOTES)
        try:
            item = kind.__next__(self)
        except StopIteration:
            ended(notes)
            raise
        except BaseException as error:
            raised(notes, error)
            raise
        note_item(notes, item)
        return item

    return __next__


def stepping_async(kind: Any) -> Any:
    """The same for `__anext__`."""

    async def __anext__(self: Any) -> Any:
        notes = getattr(self, NOTES)
        try:
            item = await kind.__anext__(self)
        except StopAsyncIteration:
            ended(notes)
            raise
        except BaseException as error:
            raised(notes, error)
            raise
        note_item(notes, item)
        return item

    return __anext__


def looping(kind: Any) -> Any:
    def __iter__(self: Any, is_ending: IsEnding = sys.is_finalizing) -> Iterator[Any]:
        resumed(getattr(self, NOTES))
        try:
            yield from kind.__iter__(self)
        except GeneratorExit:
            # The loop was left: a break, a return, or an exception in its body.
            if not is_ending():
                left(getattr(self, NOTES))
            raise

    return __iter__


def looping_async(kind: Any) -> Any:
    async def __aiter__(self: Any, is_ending: IsEnding = sys.is_finalizing) -> AsyncIterator[Any]:
        resumed(getattr(self, NOTES))
        try:
            async for item in kind.__aiter__(self):
                yield item
        except GeneratorExit:
            if not is_ending():
                left(getattr(self, NOTES))
            raise

    return __aiter__


def looping_by(following: Callable[[Any], Any]) -> Any:
    """An `__iter__` for streams that are their own iterators: item by item, and a loop that is left is told of."""

    def __iter__(self: Any, is_ending: IsEnding = sys.is_finalizing) -> Iterator[Any]:
        resumed(getattr(self, NOTES))
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
        resumed(getattr(self, NOTES))
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
