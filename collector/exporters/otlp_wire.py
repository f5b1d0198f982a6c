"""
Attributes as protobuf writes them, without making its messages first.

Flow: otlp_encoding -> **bytes of opentelemetry.proto's KeyValue and AnyValue**.
The official encoder takes a quarter of a millisecond for a span's attributes; nearly all are short texts and numbers under names
that come again with every span. A test holds these bytes to the official encoder's.
"""

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import isfinite
from typing import Any, cast

from collector.exporters.cleaning import Clean, clean_attributes

_SHORT_CHARS = 4096
"""Texts up to this length need no look at the whole span: not even this many attributes of it would be too much."""
_MOST_SHORT = 64

# Fields of opentelemetry.proto: KeyValue.{key, value}, AnyValue.*, ArrayValue.values, KeyValueList.values.
_KEY, _VALUE = 1, 2
_STRING, _ARRAY, _LIST_OF_PAIRS, _VALUES = 1, 5, 6, 1
_TRUE, _FALSE = b"\x10\x01", b"\x10\x00"
_INT = b"\x18"
_DOUBLE = struct.Struct("<cd")


def as_field(number: int, content: bytes) -> bytes:
    """A length-delimited field (wire type 2)."""
    return bytes((number << 3 | 2,)) + as_varint(len(content)) + content


def as_text_field(number: int, text: str) -> bytes:
    """A string field."""
    return as_field(number, text.encode())


def as_varint(number: int) -> bytes:
    """A number, not negative, in groups of seven bits."""
    if number < 0x80:
        return _SMALL[number]
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)


_SMALL = tuple(bytes((number,)) for number in range(0x80))


def encode_attributes(number: int, attributes: Mapping[str, Any]) -> bytes:
    """Attributes, cleaned, in the order of their names, each as the repeated KeyValue field of this number."""
    pairs = _plain_pairs(attributes)
    if pairs is None:
        pairs = [(_head(name), _encode(value)) for name, value in clean_attributes(attributes).items()]
    tag = bytes((number << 3 | 2,))
    pieces: list[bytes] = []
    for head, value in pairs:
        size = as_varint(len(value))
        pieces += (tag, as_varint(len(head) + len(size) + len(value)), head, size, value)
    return b"".join(pieces)


def _plain_pairs(attributes: Mapping[str, Any]) -> list[tuple[bytes, bytes]] | None:
    """Heads and encoded values where nothing has to be cleaned; None where something may have to."""
    if len(attributes) > _MOST_SHORT:
        return None
    pairs: list[tuple[bytes, bytes]] = []
    for name in sorted(attributes):
        value = attributes[name]
        if value is None:
            continue
        encoded, head = _plain(value), _plain_head(name)
        if encoded is None or head is None:
            return None
        pairs.append((head, encoded))
    return pairs


@lru_cache(maxsize=4096)
def _plain_head(name: str) -> bytes | None:
    return _head(name) if 0 < len(name) <= 255 and name.isascii() and "\0" not in name else None


@lru_cache(maxsize=4096)
def _head(name: str) -> bytes:
    """The key field of a KeyValue, left out where it is empty, and the tag of its value."""
    return (as_text_field(_KEY, name) if name else b"") + bytes((_VALUE << 3 | 2,))


def _plain(value: Any) -> bytes | None:
    """An AnyValue of what cleaning would leave as it is, None where it might not."""
    kind = cast("object", type(value))
    if kind is str:
        if len(value) > _SHORT_CHARS or not value.isascii() or "\0" in value:
            return None
        return b"\n" + as_varint(len(value)) + value.encode()
    if kind is int:
        return _INT + as_varint(value) if 0 <= value < 2**63 else None
    if kind is float:
        return _DOUBLE.pack(b"\x21", value) if isfinite(value) else None
    if kind is bool:
        return _TRUE if value else _FALSE
    if kind is list and len(value) == 1 and type(value[0]) is str and (item := _plain(value[0])) is not None:
        return as_field(_ARRAY, as_field(_VALUES, item))
    return None


def _encode(value: Clean) -> bytes:
    """An AnyValue."""
    match value:
        case str():
            return as_text_field(_STRING, value)
        case bool():
            return _TRUE if value else _FALSE
        case int():
            # Negative ones are written as 64 bits in two's complement.
            return _INT + as_varint(value & 0xFFFF_FFFF_FFFF_FFFF)
        case float():
            return _DOUBLE.pack(b"\x21", value)
        case Mapping():
            pairs = cast("Mapping[str, Clean]", value).items()
            items = [as_field(_VALUES, _pair(name, _encode(item))) for name, item in pairs]
            return as_field(_LIST_OF_PAIRS, b"".join(items))
        case _:
            items = [as_field(_VALUES, _encode(item)) for item in cast("Sequence[Clean]", value)]
            return as_field(_ARRAY, b"".join(items))


def _pair(name: str, value: bytes) -> bytes:
    """A KeyValue."""
    return _head(name) + as_varint(len(value)) + value
