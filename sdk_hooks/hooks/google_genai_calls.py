"""
One call of a model, from the JSON that is sent to the JSON that comes back.

Flow: the API client's `request` -> **call** -> recorder.
The JSON text of an answer is kept as it came; it is read in the emitter's thread.
"""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from time import perf_counter_ns
from typing import Any, NamedTuple

from sdk_hooks.config import Layer
from sdk_hooks.guard import guard
from sdk_hooks.hooks.google_genai_answers import StreamRead, WholeRead
from sdk_hooks.hooks.google_genai_shapes import kind_of, model_of
from sdk_hooks.patching import Begin
from sdk_hooks.recorder import Call, start_call


class State:
    """What one hooked API client carries."""

    __slots__ = ("is_active", "layer", "provider")

    def __init__(self, layer: Layer, provider: str) -> None:
        self.layer = layer
        self.provider = provider
        self.is_active = True


def beginning(state: State, *, is_stream: bool) -> Begin:
    """What looks at (method, path, JSON, …) before it is sent."""

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> "_Whole | _Stream | None":
        path: str = args[1] if len(args) > 1 else kwargs["path"]
        request: Any = args[2] if len(args) > 2 else kwargs.get("request_dict")
        kind = kind_of(path, request)
        if kind is None or not state.is_active:
            return None
        model = model_of(path)
        call = start_call(kind.shape, request, provider=state.provider, model=model, streaming=is_stream, layer=state.layer)
        if call is None:
            return None
        return _Stream(call) if is_stream else _Whole(call, kind.read)

    return begin


class _Whole(NamedTuple):
    call: Call
    read: Callable[[Any], Any]

    def returned(self, result: Any) -> Any:
        self.call.complete(WholeRead(self.read, getattr(result, "body", None)))
        return result

    def raised(self, error: BaseException) -> None:
        self.call.fail(error)


class _Stream(NamedTuple):
    call: Call

    def returned(self, result: Any) -> Any:
        notes = _Notes(self.call)
        return _AsyncItems(result, notes) if hasattr(result, "__anext__") else _Items(result, notes)

    def raised(self, error: BaseException) -> None:
        self.call.fail(error)


class _Notes:
    """What is written down about one stream."""

    __slots__ = ("_append", "_call", "_pieces", "_read")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._append = call.append
        self._read = StreamRead()
        self._pieces = self._read.pieces

    def item(self, response: Any) -> None:
        # Written out: this runs for every piece of a stream.
        self._read.last = body = response.body
        append = self._append
        append(perf_counter_ns())
        append((self._pieces, body))

    def ended(self) -> None:
        self._call.complete(self._read)

    def raised(self, error: BaseException) -> None:
        # What is no Exception is somebody leaving: `fail` knows.
        self._call.fail(error, response=self._read)

    def left(self) -> None:
        if self._read.has_finished():
            self.ended()
        else:
            self._call.abort(self._read)


class _Items:
    """
    Stands for the SDK's inner generator, which no host sees: the host's own one drops it when the host leaves.
    """

    __slots__ = ("_items", "_notes")

    def __init__(self, items: Iterator[Any], notes: _Notes) -> None:
        self._items = items
        self._notes = notes

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            item = next(self._items)
        except BaseException as error:
            _stopped(self._notes, error, StopIteration)
            raise
        try:
            self._notes.item(item)
        except Exception:
            _report()
        return item

    def __getattr__(self, name: str) -> Any:
        return getattr(self._items, name)

    def __del__(self, is_ending: Callable[[], bool] = sys.is_finalizing) -> None:
        if not is_ending():
            with guard("google.left"):
                self._notes.left()


class _AsyncItems(_Items):
    """The same for the async one."""

    __slots__ = ()
    _items: Any

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            item = await anext(self._items)
        except BaseException as error:
            _stopped(self._notes, error, StopAsyncIteration)
            raise
        try:
            self._notes.item(item)
        except Exception:
            _report()
        return item


def _stopped(notes: _Notes, error: BaseException, end: type[Exception]) -> None:
    with guard("google.stream"):
        if isinstance(error, end):
            notes.ended()
        else:
            notes.raised(error)


def _report() -> None:
    """What `with guard` does with the exception in hand."""
    with guard("google.chunk"):
        raise
