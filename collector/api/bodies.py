"""
Read a request's body, whatever it claims to be, without taking in more than the limits.

Flow: HTTP -> **bodies** -> validation. Counts while reading and while inflating; a header's word is never enough.
"""

import asyncio
import types
import zlib
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, MutableMapping
from typing import Any, Final

import zstandard

from collector.api.inflight import Held
from collector.errors import BadRequest, TooLarge, TooSlow, UnsupportedMedia
from collector.validation import Limits, Media

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

_MEDIA: Final[dict[str, Media]] = {
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/x-jsonlines": "ndjson",
}
_UTF8_NAMES: Final = frozenset({"utf-8", "utf8", "us-ascii"})
_STEP_BYTES: Final = 64 * 1024
_MAX_ZSTD_WINDOW: Final = 8 * 1024 * 1024
_ZSTD_STEP_BYTES: Final = 256
_MAX_MEMBERS: Final = 1000


class SenderGone(Exception):
    """The sender hung up before its body was complete: there is nobody to answer."""


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """A header's value, the first of several; None where it is missing."""
    return next((value.decode("latin-1").strip() for key, value in headers if key.lower() == name), None)


def media_of(content_type: str | None) -> Media:
    """
    What the body is. Raises UnsupportedMedia.

    A page of another site can send text/plain or a form without asking first, and JSON only after asking (CORS): so the
    media type is part of access and not only of parsing.
    """
    name, *parameters = (content_type or "").split(";")
    media = _MEDIA.get(name.strip().lower())
    if media is None:
        raise UnsupportedMedia("the Content-Type is not one for events: send application/json or application/x-ndjson")
    for parameter in parameters:
        key, _, value = parameter.strip().lower().partition("=")
        if key == "charset" and value.strip('"') not in _UTF8_NAMES:
            raise UnsupportedMedia("events are read as UTF-8 only: send them without a charset, or with utf-8")
    return media


def encoding_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """How the body is compressed, `identity` for not at all. Raises UnsupportedMedia."""
    encoding = (header(headers, b"content-encoding") or "identity").lower()
    if encoding not in ("identity", "gzip", "x-gzip", "zstd"):
        raise UnsupportedMedia("the Content-Encoding is not one that is read here: send gzip, zstd or none")
    return encoding


def most_bytes(told: str | None, encoding: str, limits: Limits) -> int:
    """What may come over the wire. Raises TooLarge, BadRequest by what Content-Length tells."""
    most = limits.expanded_bytes if encoding == "identity" else limits.body_bytes
    if told is None:
        return most
    if not (told.isascii() and told.isdecimal()):
        raise BadRequest("the Content-Length is not a number: leave it to your HTTP client")
    if len(told) > 15 or int(told) > most:
        raise _too_large(most)
    return most


async def read_body(receive: Receive, most: int, timeout_s: float, held: Held) -> bytes:
    """The body as it came over the wire. Raises TooLarge, TooSlow, StoreBusy, SenderGone."""
    step = receive().__await__()
    waits_for: Any = None
    message: Message | None = None
    try:
        waits_for = next(step)
    except StopIteration as told:
        # Nearly every small body is here before it is asked for: no need to set a clock.
        message = told.value
        if message is not None and message["type"] == "http.request" and not message.get("more_body", False):
            return _taken(message, 0, most, held)
    try:
        async with asyncio.timeout(timeout_s):
            return await _read_on(await _awaited(step, waits_for) if message is None else message, receive, most, held)
    except TimeoutError:
        raise TooSlow(f"the body was not complete after {timeout_s:.0f} s: send smaller batches") from None


@types.coroutine
def _awaited(step: Generator[Any, Any, Message], waits_for: Any) -> Generator[Any, Any, Message]:
    """Go on with an awaitable that was started by hand, and waits for this."""
    try:
        yield waits_for
    except BaseException as exc:
        step.throw(exc)
        raise
    return (yield from step)


async def _read_on(message: Message, receive: Receive, most: int, held: Held) -> bytes:
    received = bytearray()
    while True:
        if message["type"] == "http.disconnect":
            raise SenderGone
        received += _taken(message, len(received), most, held)
        if not message.get("more_body", False):
            return bytes(received)
        message = await receive()


def _taken(message: Message, before: int, most: int, held: Held) -> bytes:
    piece: bytes = message.get("body", b"")
    if before + len(piece) > most:
        raise _too_large(most)
    held.grow(len(piece))
    return piece


def inflate(body: bytes, encoding: str, limits: Limits, held: Held) -> bytes:
    """The body without its encoding. Stops at the first byte over a limit. Raises TooLarge, BadRequest, StoreBusy."""
    if encoding == "identity":
        return body
    inflated = bytearray()
    pieces = _zstd_pieces(body) if encoding == "zstd" else _gzip_pieces(body)
    for piece in pieces:
        inflated += piece
        held.grow(len(piece))
        if len(inflated) > limits.expanded_bytes:
            raise _too_large(limits.expanded_bytes)
        if len(inflated) > max(limits.ratio_free_bytes, limits.ratio * len(body)):
            raise TooLarge(f"the body inflates to more than {limits.ratio} times its size: send it with less compression")
    return bytes(inflated)


def _gzip_pieces(body: bytes) -> Iterator[bytes]:
    """Each step's output. Several members one after another are one text, as gzip has it."""
    inflater, members = zlib.decompressobj(wbits=31), 0
    try:
        for start in range(0, len(body), _STEP_BYTES):
            rest = body[start : start + _STEP_BYTES]
            while rest:
                if inflater.eof:
                    inflater, members = zlib.decompressobj(wbits=31), members + 1
                    _check_members(members)
                yield inflater.decompress(rest, _STEP_BYTES)
                rest = inflater.unconsumed_tail or inflater.unused_data
        while not inflater.eof and (piece := inflater.decompress(b"", _STEP_BYTES)):
            yield piece
    except zlib.error:
        raise BadRequest("the body is not gzip, though its Content-Encoding says so: compress it or drop the header") from None
    if not inflater.eof:
        raise BadRequest("the gzip body ends too early: it was cut on its way, send it again")


def _zstd_pieces(body: bytes) -> Iterator[bytes]:
    """
    Each step's output.

    The steps are small because zstandard's object can't be told to stop: four bytes of input may become 128 KiB. Its reader
    can, but takes a frame that was cut off for a whole one.
    """
    factory = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW)
    inflater, members = factory.decompressobj(), 0
    try:
        for start in range(0, len(body), _ZSTD_STEP_BYTES):
            rest = body[start : start + _ZSTD_STEP_BYTES]
            while rest:
                if inflater.eof:
                    inflater, members = factory.decompressobj(), members + 1
                    _check_members(members)
                yield inflater.decompress(rest)
                rest = inflater.unused_data
    except zstandard.ZstdError:
        raise BadRequest("the body is not zstd with a window of 8 MiB or less: compress it again, at level 19 or lower") from None
    if not inflater.eof:
        raise BadRequest("the zstd body ends too early: it was cut on its way, send it again")


def _check_members(members: int) -> None:
    if members > _MAX_MEMBERS:
        raise BadRequest("the compressed body has too many parts: compress it as one")


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"the body is over {most} bytes: send smaller batches")
