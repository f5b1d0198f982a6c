"""
Record calls whose answer the host wants raw: `with_raw_response`, `with_streaming_response`.

Flow: LegacyAPIResponse, APIResponse -> **what the host reads of it** -> recorder.
Nothing is parsed or read on the host's behalf. If the host calls `.parse()`, what that gives is recorded; if it reads the body
itself, a copy of the bytes goes to the emitter's thread, which reads the answer out of them.
"""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import wraps
from inspect import iscoroutinefunction, unwrap
from typing import Any

from sdk_hooks.guard import guard
from sdk_hooks.hooks.stainless.bodies import Body
from sdk_hooks.hooks.stainless.classes import Around, Methods, copied_watched
from sdk_hooks.hooks.stainless.endpoints import Endpoint, Sdk
from sdk_hooks.hooks.stainless.notes import is_interruption
from sdk_hooks.hooks.stainless.streams import is_watched, watch
from sdk_hooks.recorder import Call

READER = "_hookline_reader"


def watch_raw(raw: Any, call: Call, sdk: Sdk, endpoint: Endpoint, *, is_stream: bool) -> None:
    """From now on what the host does with the raw response ends the call."""
    response = raw.http_response
    body = Body(sdk, endpoint, response.headers.get("content-type"), is_stream=is_stream, start_ns=call.start_ns)
    if not is_stream and response.is_closed:
        # with_raw_response reads a plain answer at once: the call is over, parsing may or may not follow.
        body.add(response.content)
        end(call, body)
        return
    reader = _BodyReader(call, body)
    setattr(response, READER, reader)
    READING.cover(response)
    if is_stream:
        setattr(raw, READER, reader)
        PARSING.cover(raw)


def end(call: Call, body: Body) -> None:
    """The whole body was read."""
    failure = body.failure()
    if failure is not None:
        call.fail(name=failure[0], message=failure[1], response=body)
    else:
        call.complete(body)


class _BodyReader:
    """Sees the decoded bytes that the host reads, and whether it reads them all. Dropped with the response."""

    __slots__ = ("_body", "_call", "is_parsed", "is_reading")

    def __init__(self, call: Call, body: Body) -> None:
        self._call = call
        self._body = body
        self.is_reading = False
        """The host waits for bytes: what closes the response now is their own end."""
        self.is_parsed = False
        """The host took the SDK's stream: that is watched instead."""

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

    def failed(self, error: BaseException) -> None:
        with guard("raw"):
            if not self.is_parsed and is_interruption(error):
                self._call.abort(self._body)
            elif not self.is_parsed:
                self._call.fail(error, response=self._body)

    def read_all(self) -> None:
        with guard("raw"):
            if not self.is_parsed:
                end(self._call, self._body)

    def add(self, piece: bytes) -> None:
        if not self.is_parsed:
            with guard("raw"):
                self._body.add(piece)

    def adopt(self, parsed: Any) -> None:
        """The stream that `.parse()` gave is watched."""
        with guard("parse"):
            if hasattr(parsed, "_iterator") and not is_watched(parsed):
                self.is_parsed = True
                watch(parsed, self._body.endpoint.notes(self._call))


# -- what a response has in place of its own methods ----------------------------------------------------------------------


def _reader_of(response: Any) -> _BodyReader:
    return getattr(response, READER)


def _tee(inherited: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
    @wraps(inherited)
    def iter_bytes(self: Any, *args: Any, **kwargs: Any) -> Iterator[bytes]:
        reader = _reader_of(self)
        try:
            reader.is_reading = True
            for piece in inherited(self, *args, **kwargs):
                reader.add(piece)
                reader.is_reading = False
                yield piece
                reader.is_reading = True
        except GeneratorExit:
            raise
        except BaseException as error:
            reader.failed(error)
            raise
        finally:
            reader.is_reading = False
        reader.read_all()

    return iter_bytes


def _async_tee(inherited: Callable[..., AsyncIterator[bytes]]) -> Callable[..., AsyncIterator[bytes]]:
    @wraps(inherited)
    async def aiter_bytes(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
        reader = _reader_of(self)
        try:
            reader.is_reading = True
            async for piece in inherited(self, *args, **kwargs):
                reader.add(piece)
                reader.is_reading = False
                yield piece
                reader.is_reading = True
        except GeneratorExit:
            raise
        except BaseException as error:
            reader.failed(error)
            raise
        finally:
            reader.is_reading = False
        reader.read_all()

    return aiter_bytes


def _raw_tee(inherited: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
    """For hosts that hand the bytes on as they came; `iter_bytes` reads them by this too, and is watched itself."""
    watched = _tee(inherited)

    @wraps(inherited)
    def iter_raw(self: Any, *args: Any, **kwargs: Any) -> Iterator[bytes]:
        return (inherited if _reader_of(self).is_reading else watched)(self, *args, **kwargs)

    return iter_raw


def _async_raw_tee(inherited: Callable[..., AsyncIterator[bytes]]) -> Callable[..., AsyncIterator[bytes]]:
    watched = _async_tee(inherited)

    @wraps(inherited)
    def aiter_raw(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
        return (inherited if _reader_of(self).is_reading else watched)(self, *args, **kwargs)

    return aiter_raw


def _closing(inherited: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @wraps(inherited)
    def close(self: Any) -> Any:
        # The body's own end closes the response from inside our iterator.
        reader = _reader_of(self)
        if not reader.is_reading:
            reader.left()
        return inherited(self)

    return close


def _async_closing(inherited: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @wraps(inherited)
    async def aclose(self: Any) -> None:
        reader = _reader_of(self)
        if not reader.is_reading:
            reader.left()
        await inherited(self)

    return aclose


def _parsing(inherited: Callable[..., Any]) -> Callable[..., Any]:
    """`.parse()` as it was, lazy and cached."""

    @wraps(inherited)
    def parse(self: Any, *args: Any, **kwargs: Any) -> Any:
        parsed = inherited(self, *args, **kwargs)
        _reader_of(self).adopt(parsed)
        return parsed

    @wraps(inherited)
    async def parse_async(self: Any, *args: Any, **kwargs: Any) -> Any:
        parsed = await inherited(self, *args, **kwargs)
        _reader_of(self).adopt(parsed)
        return parsed

    return parse_async if iscoroutinefunction(unwrap(inherited)) else parse


READING = Around(
    iter_bytes=_tee,
    aiter_bytes=_async_tee,
    iter_raw=_raw_tee,
    aiter_raw=_async_raw_tee,
    close=_closing,
    aclose=_async_closing,
)


class _Parsing(Around):
    """A copy of a raw response is parsed as well as itself."""

    def __call__(self, kind: Any) -> Methods:
        return {**copied_watched(kind), **super().__call__(kind)}


PARSING = _Parsing(parse=_parsing)
