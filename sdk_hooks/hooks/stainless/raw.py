"""
Record calls whose answer the host wants raw: `with_raw_response`, `with_streaming_response`.

Flow: LegacyAPIResponse, APIResponse -> **what the host reads of it** -> recorder.
Nothing is parsed or read on the host's behalf. If the host calls `.parse()`, what that gives is recorded; if it reads the body
itself, a copy of the bytes goes to the emitter's thread, which reads the answer out of them.
"""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from sdk_hooks.guard import guard
from sdk_hooks.hooks.stainless.bodies import Body
from sdk_hooks.hooks.stainless.endpoints import Endpoint, Sdk
from sdk_hooks.hooks.stainless.notes import is_interruption
from sdk_hooks.hooks.stainless.streams import is_watched, watch
from sdk_hooks.patching import replace
from sdk_hooks.recorder import Call

READER = "_hookline_reader"


def watch_raw(raw: Any, call: Call, sdk: Sdk, endpoint: Endpoint, *, is_stream: bool) -> None:
    """From now on what the host does with the raw response ends the call."""
    response = raw.http_response
    if not is_stream and response.is_closed:
        # with_raw_response reads a plain answer at once: the call is over, parsing may or may not follow.
        body = Body(sdk, endpoint, response.headers.get("content-type"), is_stream=False, start_ns=call.start_ns)
        body.add(response.content)
        end(call, body)
        return
    body = Body(sdk, endpoint, response.headers.get("content-type"), is_stream=is_stream, start_ns=call.start_ns)
    reader = _BodyReader(call, body)
    setattr(response, READER, reader)
    replace(response, "iter_bytes", reader.tee)
    replace(response, "aiter_bytes", reader.async_tee)
    replace(response, "iter_raw", reader.raw_tee)
    replace(response, "aiter_raw", reader.async_raw_tee)
    replace(response, "close", reader.closing)
    replace(response, "aclose", reader.async_closing)
    if is_stream:
        replace(raw, "parse", lambda original: _parsing(original, reader, endpoint))


def end(call: Call, body: Body) -> None:
    """The whole body was read."""
    failure = body.failure()
    if failure is not None:
        call.fail(name=failure[0], message=failure[1], response=body)
    else:
        call.complete(body)


class _BodyReader:
    """Sees the decoded bytes that the host reads, and whether it reads them all. Dropped with the response."""

    __slots__ = ("_body", "_call", "_is_reading", "is_parsed")

    def __init__(self, call: Call, body: Body) -> None:
        self._call = call
        self._body = body
        self._is_reading = False
        self.is_parsed = False
        """The host took the SDK's stream: that is watched instead."""

    @property
    def call(self) -> Call:
        return self._call

    def __del__(self, is_ending: Callable[[], bool] = sys.is_finalizing) -> None:
        # At the interpreter's end our modules' names are gone.
        if not is_ending():
            self.left()

    def left(self) -> None:
        if self.is_parsed:
            return
        with guard("raw"):
            if self._body.is_whole():
                end(self._call, self._body)
            else:
                self._call.abort(self._body)

    def _failed(self, error: BaseException) -> None:
        with guard("raw"):
            if not self.is_parsed and is_interruption(error):
                self._call.abort(self._body)
            elif not self.is_parsed:
                self._call.fail(error, response=self._body)

    def _read_all(self) -> None:
        with guard("raw"):
            if not self.is_parsed:
                end(self._call, self._body)

    def tee(self, original: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
        @wraps(original)
        def iter_bytes(*args: Any, **kwargs: Any) -> Iterator[bytes]:
            try:
                self._is_reading = True
                for piece in original(*args, **kwargs):
                    self._add(piece)
                    self._is_reading = False
                    yield piece
                    self._is_reading = True
            except GeneratorExit:
                raise
            except BaseException as error:
                self._failed(error)
                raise
            finally:
                self._is_reading = False
            self._read_all()

        return iter_bytes

    def async_tee(self, original: Callable[..., AsyncIterator[bytes]]) -> Callable[..., AsyncIterator[bytes]]:
        @wraps(original)
        async def aiter_bytes(*args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
            try:
                self._is_reading = True
                async for piece in original(*args, **kwargs):
                    self._add(piece)
                    self._is_reading = False
                    yield piece
                    self._is_reading = True
            except GeneratorExit:
                raise
            except BaseException as error:
                self._failed(error)
                raise
            finally:
                self._is_reading = False
            self._read_all()

        return aiter_bytes

    def raw_tee(self, original: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
        """For hosts that hand the bytes on as they came; `iter_bytes` reads them by this too, and is watched itself."""
        watched = self.tee(original)

        @wraps(original)
        def iter_raw(*args: Any, **kwargs: Any) -> Iterator[bytes]:
            return (original if self._is_reading else watched)(*args, **kwargs)

        return iter_raw

    def async_raw_tee(self, original: Callable[..., AsyncIterator[bytes]]) -> Callable[..., AsyncIterator[bytes]]:
        watched = self.async_tee(original)

        @wraps(original)
        def aiter_raw(*args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
            return (original if self._is_reading else watched)(*args, **kwargs)

        return aiter_raw

    def _add(self, piece: bytes) -> None:
        if not self.is_parsed:
            with guard("raw"):
                self._body.add(piece)

    def closing(self, original: Callable[[], None]) -> Callable[[], None]:
        @wraps(original)
        def close() -> None:
            # The body's own end closes the response from inside our iterator.
            if not self._is_reading:
                self.left()
            original()

        return close

    def async_closing(self, original: Callable[[], Any]) -> Callable[[], Any]:
        @wraps(original)
        async def aclose() -> None:
            if not self._is_reading:
                self.left()
            await original()

        return aclose


def _parsing(original: Callable[..., Any], reader: _BodyReader, endpoint: Endpoint) -> Callable[..., Any]:
    """`.parse()` as it was, lazy and cached; the stream that it gives is watched."""

    def adopt(parsed: Any) -> None:
        if hasattr(parsed, "_iterator") and not is_watched(parsed):
            reader.is_parsed = True
            watch(parsed, endpoint.notes(reader.call))

    @wraps(original)
    def parse(*args: Any, **kwargs: Any) -> Any:
        parsed = original(*args, **kwargs)
        with guard("parse"):
            adopt(parsed)
        return parsed

    @wraps(original)
    async def parse_async(*args: Any, **kwargs: Any) -> Any:
        parsed = await original(*args, **kwargs)
        with guard("parse"):
            adopt(parsed)
        return parsed

    return parse_async if iscoroutinefunction(original) else parse
