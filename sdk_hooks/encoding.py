"""
Events to JSON bytes, batches to bodies.

Flow: emitter -> **encoding** -> transport.
Pure, and it always gives valid JSON: one bad value must not cost a batch.
"""

from collections.abc import Callable, Sequence
from functools import cache
from math import isfinite
from typing import Any, NamedTuple, cast

from sdk_hooks.errors import NotRenderable

GZIP_FROM_BYTES = 1024
MAX_RATIO = 80
"""Collectors take a body that grows by more than 100 for an attack; text that repeats itself can."""
MAX_DEPTH = 60
"""A little under what a collector accepts."""


class Batch(NamedTuple):
    """What one POST carries: its body, how many events are in it, and where in the plain text the first one begins."""

    body: bytes
    is_gzip: bool
    event_count: int
    prefix_bytes: int


@cache
def encoder() -> Callable[[Any], str]:
    """
    The standard library's own encoder, which it makes anew for every value: made once it takes a fifth less.

    `JSONEncoder.encode` does the same, where the interpreter has no such function in C.
    """
    # Imported with the first event, in the emitter's thread: a host's import must not wait for it.
    import json
    from json import encoder as json_encoder

    encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False)
    make: Any = getattr(json_encoder, "c_make_encoder", None)
    quote: Any = getattr(json_encoder, "encode_basestring", None)
    if make is None or quote is None:
        return encoder.encode
    parts = make(None, encoder.default, quote, None, ":", ",", False, False, False)
    return lambda event: "".join(parts(event, 0))


@cache
def quote() -> Callable[[str], str]:
    """What makes a text a string of JSON."""
    from json import encoder as json_encoder

    return json_encoder.encode_basestring


def encode_event(event: dict[str, Any]) -> bytes:
    """The event as compact UTF-8 JSON."""
    try:
        return encoder()(event).encode()
    except (TypeError, ValueError, RecursionError):
        # Rare: a NaN, a lone surrogate, bytes, something foreign. ValueError includes UnicodeEncodeError.
        pass
    try:
        return encoder()(_plain(event, 0)).encode("utf-8", "replace")
    except (TypeError, ValueError, RecursionError) as error:
        raise NotRenderable(type(error).__name__) from None


def _plain(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if isinstance(value, str):
        return value
    if depth >= MAX_DEPTH:
        return "<too deep>"
    if isinstance(value, dict):
        return {str(key): _plain(item, depth + 1) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth + 1) for item in cast("list[Any]", value)]
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    return f"<{type(value).__name__}>"


def encode_batch(resource: bytes, events: Sequence[bytes], *, store: str | None = None, compresses: bool = True) -> Batch:
    """The body of one POST. With `store` it may refer to what that store has, and asks for its name."""
    named = b"" if store is None else b',"store":"%s"' % store.encode()
    prefix = b"".join((b'{"resource":', resource, named, b',"events":['))
    body = b"".join((prefix, b",".join(events), b"]}"))
    return pack(body, len(events), len(prefix)) if compresses else Batch(body, False, len(events), len(prefix))


def pack(body: bytes, count: int, prefix_bytes: int) -> Batch:
    """A body as it goes over the wire: compressed where that pays."""
    if len(body) < GZIP_FROM_BYTES:
        return Batch(body, False, count, prefix_bytes)
    import zlib

    # 31: a gzip header; level 1 costs a third of 6. zlib lets other threads run meanwhile.
    packed = zlib.compress(body, 1, 31)
    if len(body) > MAX_RATIO * len(packed):
        return Batch(body, False, count, prefix_bytes)
    return Batch(packed, True, count, prefix_bytes)
