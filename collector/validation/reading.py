"""
A request's body -> the events in it, still as bytes.

Flow: HTTP -> **reading** -> decoding -> dialects -> columns.
Four forms: an array, `{"resource": …, "events": […]}`, one event, NDJSON. An event's index is its place among them; blank
NDJSON lines are no events and don't count.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final, Literal

import msgspec

from collector.errors import BadRequest, TooLarge
from collector.events import Resource
from collector.validation.codes import Refused
from collector.validation.decoding import UNREADABLE, NotJson, decode_event
from collector.validation.limits import Limits
from collector.validation.resource import NOBODY, resource_of
from collector.validation.splitting import array_items, has_more_items, object_members

Media = Literal["json", "ndjson"]
Piece = bytes | msgspec.Raw

_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_NOTHING = msgspec.Raw(b"")


class _Wrapper(msgspec.Struct):
    """The members that tell the four forms apart. Others are passed over: a dictionary of millions would fill the memory."""

    type: msgspec.Raw = _NOTHING
    resource: msgspec.Raw = _NOTHING
    events: msgspec.Raw = _NOTHING
    store: msgspec.Raw = _NOTHING


class _Usual(msgspec.Struct):
    """What our own hooks send, read in one step."""

    events: list[msgspec.Raw]
    type: msgspec.Raw = _NOTHING
    resource: msgspec.Raw | None = None
    store: str | None = None


_USUAL = msgspec.json.Decoder(_Usual)
_STORE = msgspec.json.Decoder(str | None)
_WRAPPER = msgspec.json.Decoder(_Wrapper)
_NAMES = frozenset(_Wrapper.__struct_fields__)
_LONGEST_NAME = 2 + 6 * max(map(len, _NAMES))
"""With quotes, and every letter escaped."""
_LINE = re.compile(rb"[^ \t\r\n][^\n]*")
_MANY = 2_000_000
"""Commas or lines that may be counted as they are: so many references fit into memory beside the body."""
_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_RESOURCES_KEPT: Final = 256
_KEPT_RESOURCE_BYTES: Final = 2048


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one body carries, and who sent it."""

    resource: Resource
    pieces: Sequence[Piece]
    store: str | None = None
    """What the sender takes this store for; None where it neither refers to what is here nor asks."""


def read_parcel(body: bytes, *, media: Media, limits: Limits) -> Parcel:
    """Split a body into its events. Raises BadRequest for what is not JSON, TooLarge for too many events."""
    body = body.removeprefix(_BOM)
    parcel = Parcel(NOBODY, _lines(body, limits)) if media == "ndjson" else _read_json(body.strip(_SPACE), limits)
    if len(parcel.pieces) > limits.events:
        raise _too_many(limits)
    return parcel


def _too_many(limits: Limits) -> TooLarge:
    return TooLarge(f"more than {limits.events} events in one request: send smaller batches")


def _lines(body: bytes, limits: Limits) -> Sequence[Piece]:
    if body.count(b"\n") <= _MANY:
        return [line for line in body.split(b"\n") if line.strip(_SPACE)]
    return [line[0] for line in islice(_LINE.finditer(body), limits.events + 1)]


def _read_json(body: bytes, limits: Limits) -> Parcel:
    if not body:
        raise BadRequest("the body is empty: send a JSON array of events, one event, or {resource, events}")
    if body.startswith(b"["):
        return Parcel(NOBODY, _items(body, limits))
    if body.startswith(b"{"):
        if len(body) <= _MANY and (usual := _read_usual(body, limits)) is not None:
            return usual
        members = _members(body)
        if "type" not in members and ("events" in members or "resource" in members):
            pieces = _items(bytes(members.get("events", b"")), limits)
            return Parcel(_resource(members.get("resource"), limits), pieces, _store(members.get("store")))
    return Parcel(NOBODY, [body])


def _read_usual(body: bytes, limits: Limits) -> Parcel | None:
    """None for what is none of ours, or is odd: then it is looked at more closely."""
    try:
        wrapper = _USUAL.decode(body)
    except UNREADABLE:
        return None
    return Parcel(_resource(wrapper.resource, limits), wrapper.events, wrapper.store) if wrapper.type is _NOTHING else None


def _store(raw: Piece | None) -> str | None:
    try:
        return None if raw is None else _STORE.decode(raw)
    except UNREADABLE:
        return None


def _items(body: bytes, limits: Limits) -> Sequence[Piece]:
    if not body.startswith(b"["):
        raise BadRequest("`events` is not an array: send {resource, events: [event, …]}")
    if body.count(b",") > _MANY and has_more_items(body, limits.events):
        raise _too_many(limits)
    try:
        return _ITEMS.decode(body)
    except UNREADABLE:
        return array_items(body)


def _members(body: bytes) -> dict[str, Piece]:
    """Those of `_NAMES` that an object has."""
    try:
        wrapper = _WRAPPER.decode(body)
    except UNREADABLE:
        named = ((_name(key), value) for key, value in object_members(body) if len(key) <= _LONGEST_NAME)
        return {name: value for name, value in named if name in _NAMES}
    return {name: value for name in _NAMES if (value := getattr(wrapper, name)) is not _NOTHING}


def _name(key: bytes) -> str:
    try:
        return decode_event(key, max_depth=1).value
    except NotJson:
        raise BadRequest("the body is not JSON: an object's name is malformed") from None


def _resource(raw: Piece | None, limits: Limits) -> Resource:
    if raw is None:
        return NOBODY
    text = bytes(raw)
    if len(text) > limits.resource_bytes:
        raise TooLarge(f"`resource` is over {limits.resource_bytes} bytes: send fewer attributes")
    return _known_resource(text, limits) if len(text) <= _KEPT_RESOURCE_BYTES else _read_resource(text, limits)


# A sender says the same with every POST.
@lru_cache(_RESOURCES_KEPT)
def _known_resource(raw: bytes, limits: Limits) -> Resource:
    return _read_resource(raw, limits)


def _read_resource(raw: bytes, limits: Limits) -> Resource:
    try:
        value = decode_event(raw, max_depth=limits.depth).value
    except NotJson:
        raise BadRequest("the body is not JSON: `resource` is malformed") from None
    except Refused as exc:
        raise BadRequest(f"`resource`: {exc}") from None
    # A resource of another type says nothing about the sender; its events are worth keeping all the same.
    return resource_of(value if type(value) is dict else None)  # pyright: ignore[reportUnknownArgumentType]
