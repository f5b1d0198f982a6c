"""
Watch an EventStream without changing what it is to the host.

Flow: EventStream or EventStreamAsync from the SDK -> **the same object, watched** -> host.
Its generator is put into one that takes notes. Its class becomes a subclass of its own class (made once a class, same name):
only a class can see a loop being left (`__iter__`), a close, or the object being dropped before it was read (`__del__`).
"""

from typing import Any, cast

from sdk_hooks.hooks.stainless.notes import Notes
from sdk_hooks.hooks.stainless.streams import (
    NOTES,
    closing,
    left,
    looping_by,
    looping_by_async,
    observe,
    observe_async,
    watch_as,
)


def is_stream(result: Any) -> bool:
    return hasattr(result, "generator") and hasattr(result, "response")


def watch(stream: Any, notes: Notes) -> None:
    """From now on `notes` hears of every item and of the stream's end."""
    around: Any = observe_async if hasattr(cast("type[Any]", type(stream)), "__anext__") else observe
    stream.generator = around(stream.generator, notes)
    watch_as(stream, notes, _methods)


def _methods(kind: Any) -> dict[str, Any]:
    if hasattr(kind, "__anext__"):
        return {"__aiter__": looping_by_async(kind.__anext__), "close": _async_closing(kind)}
    return {"__iter__": looping_by(kind.__next__), "close": closing(kind.close)}


def _async_closing(kind: Any) -> Any:
    inherited = kind.close

    async def close(self: Any) -> None:
        left(getattr(self, NOTES))
        await inherited(self)

    return close
