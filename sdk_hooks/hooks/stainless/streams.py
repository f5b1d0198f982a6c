"""
Watch a stream object without changing what it is to the host.

Flow: Stream or AsyncStream from the SDK -> **the same object, watched** -> host.
The object's class becomes a subclass of its own class (made once a class), because only a class can see a loop being left
(`__iter__`) or the object being dropped (`__del__`). Its `response.close` is covered too: the SDK's stream helpers close that
and not the stream.
"""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from sdk_hooks.guard import guard
from sdk_hooks.hooks.stainless.notes import Notes
from sdk_hooks.patching import is_replaced

NOTES = "_hookline_notes"

PLAIN_LOOPS = frozenset((("_iterator",), ("_iterator", "_observer", "item")))
"""
The names that a class's own loop uses where it does nothing but hand on what its iterator gives, and tell an observer if it has
one. Where it has none, ours stands in its place and not around it. A loop that does anything else has other names in it.
"""

IsEnding = Callable[[], bool]
"""`sys.is_finalizing`, bound early: at the interpreter's end our modules' names are gone, and the last flush was before."""

MethodsOf = Callable[[Any], dict[str, Any]]
_classes: dict[tuple[type, MethodsOf], type] = {}


def is_watched(stream: Any) -> bool:
    return NOTES in vars(stream)


def watch(stream: Any, notes: Notes) -> None:
    """From now on `notes` hears of every item and of the stream's end."""
    is_async = hasattr(type(stream), "__anext__")  # pyright: ignore[reportUnknownArgumentType]
    if _hands_on(type(stream)) and getattr(stream, "_observer", None) is None:  # pyright: ignore[reportUnknownArgumentType]
        iterator = stream._iterator
        watch_as(stream, notes, _own_loops)
    else:
        iterator = stream._iterator = (observe_async if is_async else observe)(stream._iterator, notes)
        watch_as(stream, notes, _loops)
    response = stream.response
    # A close from inside the iterator is the SDK's own, at the end; any other is the host's. Nobody takes ours away again: a
    # response lives as long as its stream.
    if not is_replaced(response, "aclose" if is_async else "close"):
        if is_async:
            response.aclose = _closing_async(response.aclose, iterator, notes)
        else:
            response.close = _closing(response.close, iterator, notes)


def watch_as(stream: Any, notes: Notes, methods_of: MethodsOf) -> None:
    """
    The object's class becomes a subclass of its own class with these methods, which find `notes` under NOTES.

    The subclass is made once a class and has its name; also an object that is dropped is told of.
    """
    kind: Any = type(stream)  # pyright: ignore[reportUnknownVariableType]
    watched = _classes.get((kind, methods_of))
    if watched is None:
        body = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
        body |= {"__del__": dropping(getattr(kind, "__del__", None)), **methods_of(kind)}
        _classes[kind, methods_of] = watched = type(kind.__name__, (kind,), body)
    setattr(stream, NOTES, notes)
    stream.__class__ = watched


def _hands_on(kind: Any) -> bool:
    """Whether the class's own loop is a plain one. Remembered by class."""
    found = _plain.get(kind)
    if found is None:
        is_async = hasattr(kind, "__anext__")
        loop: Any = getattr(kind, "__aiter__" if is_async else "__iter__")
        found = (is_async or hasattr(kind, "__next__")) and names_in(loop) in PLAIN_LOOPS
        if len(_plain) < 1_000:
            _plain[kind] = found
    return found


_plain: dict[type, bool] = {}


def names_in(function: Any) -> tuple[str, ...] | None:
    """The names of attributes and globals that a function uses: another version of an SDK does something else, with others."""
    code = getattr(function, "__code__", None)
    return None if code is None else code.co_names


def _own_loops(kind: Any) -> dict[str, Any]:
    """For plain loops: the very items are read here, and handed on."""
    if hasattr(kind, "__anext__"):
        return {"__aiter__": _own_loop_async, "__anext__": stepping_async(kind.__anext__)}
    return {"__iter__": _own_loop, "__next__": stepping(kind.__next__)}


def _loops(kind: Any) -> dict[str, Any]:
    """For others: the iterator is watched, and whether its loop is left."""
    if hasattr(kind, "__anext__"):
        return {"__aiter__": _looping_async(kind.__aiter__)}
    return {"__iter__": _looping(kind.__iter__)}


def dropping(inherited: Any) -> Any:
    def __del__(self: Any, is_ending: IsEnding = sys.is_finalizing) -> None:
        if not is_ending():
            left(self.__dict__.get(NOTES))
        if inherited is not None:
            inherited(self)

    return __del__


def _own_loop(stream: Any) -> Iterator[Any]:
    return observe(stream._iterator, getattr(stream, NOTES), stream)


def _own_loop_async(stream: Any) -> AsyncIterator[Any]:
    return observe_async(stream._iterator, getattr(stream, NOTES), stream)


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
        _note(notes, item)
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
        _note(notes, item)
        return item

    return __anext__


def _looping(loop: Callable[[Any], Iterator[Any]]) -> Any:
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


def _looping_async(loop: Callable[[Any], AsyncIterator[Any]]) -> Any:
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


def observe(items: Iterator[Any], notes: Notes, stream: Any = None, is_ending: IsEnding = sys.is_finalizing) -> Iterator[Any]:
    """
    The items, one by one: a loop that is left leaves `items` open, for the next loop.

    `stream`, if it is this that the host reads, is held as long: one that is dropped is left.
    """
    if stream is not None:
        resumed(stream)
    note = notes.item
    try:
        for item in items:
            # Written out, not `_note`: this runs for every chunk, and a try costs nothing.
            try:
                note(item)
            except Exception:
                report("chunk")
            yield item
    except GeneratorExit:
        if not is_ending():
            left(notes)
        raise
    except BaseException as error:
        raised(notes, error)
        raise
    ended(notes)


async def observe_async(
    items: AsyncIterator[Any], notes: Notes, stream: Any = None, is_ending: IsEnding = sys.is_finalizing
) -> AsyncIterator[Any]:
    """The same for `async for`."""
    if stream is not None:
        resumed(stream)
    note = notes.item
    try:
        async for item in items:
            try:
                note(item)
            except Exception:
                report("chunk")
            yield item
    except GeneratorExit:
        if not is_ending():
            left(notes)
        raise
    except BaseException as error:
        raised(notes, error)
        raise
    ended(notes)


def _note(notes: Notes, item: Any) -> None:
    try:
        notes.item(item)
    except Exception:
        report("chunk")


def raised(notes: Notes, error: BaseException) -> None:
    with guard("stream"):
        notes.raised(error)


def ended(notes: Notes) -> None:
    try:
        notes.ended()
    except Exception:
        report("stream")


def report(place: str) -> None:
    """What `with guard(place)` does with the exception in hand."""
    with guard(place):
        raise


def resumed(stream: Any) -> None:
    """A loop over the stream begins."""
    try:
        getattr(stream, NOTES).resumed()
    except Exception:
        report("resumed")


def left(notes: Notes | None) -> None:
    """The host stopped reading; nothing happens if the stream had ended."""
    if notes is not None:
        try:
            notes.left()
        except Exception:
            report("left")


def _closing(original: Callable[[], None], iterator: Any, notes: Notes) -> Callable[[], None]:
    def close() -> None:
        if not getattr(iterator, "gi_running", False):
            left(notes)
        original()

    return close


def _closing_async(original: Callable[[], Any], iterator: Any, notes: Notes) -> Callable[[], Any]:
    async def aclose() -> None:
        if not getattr(iterator, "ag_running", False):
            left(notes)
        await original()

    return aclose
