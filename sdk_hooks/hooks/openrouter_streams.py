"""
Watch an EventStream without changing what it is to the host.

Flow: EventStream or EventStreamAsync from the SDK -> **the same object, watched** -> host.
Its class becomes a subclass of its own class (made once a class, same name): only a class can see a loop being left
(`__iter__`), a close, or the object being dropped before it was read (`__del__`). The loop reads the SDK's generator itself
where the SDK's own step does nothing else; where it does, the generator is put into one that takes notes.
"""

import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

from sdk_hooks.hooks.stainless.classes import (
    Methods,
    closing,
    followed,
    looping_by,
    looping_by_async,
    method_of,
    stepping,
    stepping_async,
    watch_as,
)
from sdk_hooks.hooks.stainless.loops import NOTES, IsEnding, ended, left, observe, observe_async, raised, report, resumed
from sdk_hooks.hooks.stainless.notes import Notes
from sdk_hooks.hooks.stainless.streams import names_in

PLAIN_STEPS = frozenset(
    (("_closed", "StopIteration", "next", "generator"), ("_closed", "StopAsyncIteration", "generator", "__anext__"))
)
"""The names that `__next__` and `__anext__` use where they do nothing but ask the generator, unless the stream was closed."""


def is_stream(result: Any) -> bool:
    return hasattr(result, "generator") and hasattr(result, "response")


def watch(stream: Any, notes: Notes) -> None:
    """From now on `notes` hears of every item and of the stream's end."""
    kind: Any = cast("type[Any]", type(stream))
    is_async = hasattr(kind, "__anext__")
    if names_in(kind.__anext__ if is_async else kind.__next__) in PLAIN_STEPS:
        watch_as(stream, notes, _own_methods)
    else:
        stream.generator = (observe_async if is_async else observe)(stream.generator, notes)
        watch_as(stream, notes, _methods)


def _own_methods(kind: Any) -> Methods:
    if hasattr(kind, "__anext__"):
        loop = {"__aiter__": _own_loop_async, "__anext__": stepping_async(kind), "close": _async_closing(kind)}
    else:
        loop = {"__iter__": _own_loop, "__next__": stepping(kind), "close": closing(method_of(kind, "close"))}
    return followed(kind, loop)


def _methods(kind: Any) -> Methods:
    if hasattr(kind, "__anext__"):
        return followed(kind, {"__aiter__": looping_by_async(method_of(kind, "__anext__")), "close": _async_closing(kind)})
    return followed(kind, {"__iter__": looping_by(method_of(kind, "__next__")), "close": closing(method_of(kind, "close"))})


def _own_loop(stream: Any, is_ending: IsEnding = sys.is_finalizing) -> Iterator[Any]:
    """What `streams.observe` does, and as the SDK's step does it: a closed stream has no more items, though its generator may."""
    if stream._closed:
        return
    notes: Notes = getattr(stream, NOTES)
    resumed(notes)
    note = notes.item
    try:
        for item in stream.generator:
            try:
                note(item)
            except Exception:
                report("chunk")
            yield item
            if stream._closed:
                return
    except GeneratorExit:
        if not is_ending():
            left(notes)
        raise
    except BaseException as error:
        raised(notes, error)
        raise
    ended(notes)


async def _own_loop_async(stream: Any, is_ending: IsEnding = sys.is_finalizing) -> AsyncIterator[Any]:
    """The same for `async for`."""
    if stream._closed:
        return
    notes: Notes = getattr(stream, NOTES)
    resumed(notes)
    note = notes.item
    try:
        async for item in stream.generator:
            try:
                note(item)
            except Exception:
                report("chunk")
            yield item
            if stream._closed:
                return
    except GeneratorExit:
        if not is_ending():
            left(notes)
        raise
    except BaseException as error:
        raised(notes, error)
        raise
    ended(notes)


def _async_closing(kind: Any) -> Any:
    inherited = method_of(kind, "close")

    async def close(self: Any) -> None:
        left(getattr(self, NOTES))
        await inherited(self)

    return close
