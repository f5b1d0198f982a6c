"""
Watch a stream object without changing what it is to the host.

Flow: Stream or AsyncStream from the SDK -> **the same object, watched** -> host.
The object's class becomes a subclass of its own class (made once a class), because only a class can see a loop being left
(`__iter__`) or the object being dropped (`__del__`). Its `response.close` is covered too: the SDK's stream helpers close that
and not the stream.
"""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

from sdk_hooks.guard import guard
from sdk_hooks.hooks.stainless.notes import Notes
from sdk_hooks.patching import is_replaced

NOTES = "_hookline_notes"

PLAIN_LOOPS = frozenset(("openai._streaming",))
"""Where a class's own loop does nothing but hand on what its iterator gives: then one generator less will do."""

IsEnding = Callable[[], bool]
"""`sys.is_finalizing`, bound early: at the interpreter's end our modules' names are gone, and the last flush was before."""

_classes: dict[type, type] = {}


def is_watched(stream: Any) -> bool:
    return NOTES in vars(stream)


def watch(stream: Any, notes: Notes) -> None:
    """From now on `notes` hears of every item and of the stream's end."""
    kind = cast("type[Any]", type(stream))
    watched = _classes.get(kind)
    if watched is None:
        _classes[kind] = watched = _watched_class(kind)
    is_async = hasattr(kind, "__anext__")
    stream._iterator = observe_async(stream._iterator, notes) if is_async else observe(stream._iterator, notes)
    setattr(stream, NOTES, notes)
    stream.__class__ = watched
    _watch_close(stream.response, stream._iterator, notes, is_async)


def _watched_class(kind: type) -> type:
    is_async = hasattr(kind, "__anext__")
    body: dict[str, Any] = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    body["__del__"] = dropping(getattr(kind, "__del__", None))
    if is_async:
        body["__aiter__"] = _async_looping(kind)
    else:
        body["__iter__"] = _looping(kind)
    return type(kind.__name__, (kind,), body)


def dropping(inherited: Any) -> Any:
    def __del__(self: Any, is_ending: IsEnding = sys.is_finalizing) -> None:
        if not is_ending():
            left(self.__dict__.get(NOTES))
        if inherited is not None:
            inherited(self)

    return __del__


def _looping(kind: Any) -> Any:
    loop = kind.__iter__

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


def _async_looping(kind: Any) -> Any:
    loop = kind.__aiter__
    is_plain = loop.__module__ in PLAIN_LOOPS

    async def __aiter__(self: Any, is_ending: IsEnding = sys.is_finalizing) -> AsyncIterator[Any]:
        resumed(self)
        try:
            async for item in self._iterator if is_plain else loop(self):
                yield item
        except GeneratorExit:
            if not is_ending():
                left(getattr(self, NOTES))
            raise

    return __aiter__


def observe(items: Iterator[Any], notes: Notes, is_ending: IsEnding = sys.is_finalizing) -> Iterator[Any]:
    note = notes.item
    try:
        for item in items:
            # Written out, not `with guard`: this runs for every chunk, and a try costs nothing.
            try:
                note(item)
            except Exception:
                _report("chunk")
            yield item
    except GeneratorExit:
        if not is_ending():
            left(notes)
        raise
    except BaseException as error:
        with guard("stream"):
            notes.raised(error)
        raise
    with guard("stream"):
        notes.ended()


async def observe_async(items: AsyncIterator[Any], notes: Notes, is_ending: IsEnding = sys.is_finalizing) -> AsyncIterator[Any]:
    note = notes.item
    try:
        async for item in items:
            try:
                note(item)
            except Exception:
                _report("chunk")
            yield item
    except GeneratorExit:
        if not is_ending():
            left(notes)
        raise
    except BaseException as error:
        with guard("stream"):
            notes.raised(error)
        raise
    with guard("stream"):
        notes.ended()


def _report(place: str) -> None:
    """What `with guard(place)` does with the exception in hand."""
    with guard(place):
        raise


def resumed(stream: Any) -> None:
    """A loop over the stream begins."""
    try:
        getattr(stream, NOTES).resumed()
    except Exception:
        _report("resumed")


def left(notes: Notes | None) -> None:
    """The host stopped reading; nothing happens if the stream had ended."""
    if notes is not None:
        try:
            notes.left()
        except Exception:
            _report("left")


def _watch_close(response: Any, iterator: Any, notes: Notes, is_async: bool) -> None:
    """A close from inside the iterator is the SDK's own, at the end; any other is the host's."""
    name = "aclose" if is_async else "close"
    if is_replaced(response, name):
        return
    original = getattr(response, name)

    def close() -> None:
        if not iterator.gi_running:
            left(notes)
        original()

    async def aclose() -> None:
        if not iterator.ag_running:
            left(notes)
        await original()

    # Nobody takes it away again: a response lives as long as its stream.
    setattr(response, name, aclose if is_async else close)
