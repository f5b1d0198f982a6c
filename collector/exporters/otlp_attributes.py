"""
Attributes as fields of opentelemetry.proto.

Flow: otlp_encoding, otlp_histograms -> **KeyValue messages, as bytes**.
Objects of protobuf's own, filled in place, take twice as long; a test holds the bytes to the official encoder's.
"""

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, cast

from collector import semconv
from collector.exporters.cleaning import Clean, clean_attributes, is_clean
from collector.exporters.protobuf import FIXED64, VARINT, delimited, tag, varint

# Fields of opentelemetry.proto: KeyValue.{key, value}, the kinds of AnyValue, and ArrayValue.values, KeyValueList.values.
_KEY, _VALUE = tag(1), tag(2)
_STRING, _BOOL, _INT, _DOUBLE = tag(1), tag(2, VARINT), tag(3, VARINT), tag(4, FIXED64)
_ARRAY, _KVLIST = tag(5), tag(6)
_VALUES = tag(1)

_FEW_WORDS: Final = frozenset({
    semconv.OPERATION_NAME, semconv.PROVIDER_NAME, semconv.REQUEST_MODEL, semconv.RESPONSE_MODEL, semconv.OUTPUT_TYPE,
    semconv.AGENT_NAME, semconv.TOOL_NAME, semconv.ERROR_TYPE, semconv.SERVER_ADDRESS, semconv.OPENAI_API_TYPE,
})  # fmt: skip
"""Attributes that say the same for thousands of spans."""
_KEPT_FIELDS: Final = 1024
_LONGEST_KEPT_CHARS: Final = 128

_double = struct.Struct("<d").pack


def encode_attributes(tag: bytes, attributes: Mapping[str, Any]) -> bytes:
    """The attributes, cleaned, in the order of their names, each as a field with this tag."""
    pairs = sorted(attributes.items()) if is_clean(attributes) else clean_attributes(attributes).items()
    fields: list[bytes] = []
    for name, value in pairs:
        if name in _FEW_WORDS and type(value) is str and len(value) <= _LONGEST_KEPT_CHARS:
            fields.append(_kept_field(tag, name, value))
        elif value is not None:
            fields.append(_field(tag, name, value))
    return b"".join(fields)


def _field(tag: bytes, name: str, value: Clean) -> bytes:
    # The commonest kinds without a further call: this runs for every attribute of every span.
    if type(value) is str:
        told = delimited(_STRING, value.encode())
    elif type(value) is float:
        told = _DOUBLE + _double(value)
    else:
        told = _any_value(value)
    pair = _key(name) + _VALUE + varint(len(told)) + told
    return tag + varint(len(pair)) + pair


_kept_field = lru_cache(_KEPT_FIELDS)(_field)


@lru_cache(_KEPT_FIELDS)
def _key(name: str) -> bytes:
    # An empty one is the default, which is not sent.
    return delimited(_KEY, name.encode()) if name else b""


def _any_value(value: Clean) -> bytes:
    match value:
        case str():
            return delimited(_STRING, value.encode())
        case bool():
            return _BOOL + varint(value)
        case int():
            # Below zero: as 64 bits of two's complement.
            return _INT + varint(value & 0xFFFF_FFFF_FFFF_FFFF)
        case float():
            return _DOUBLE + _double(value)
        case Mapping():
            pairs = cast("Mapping[str, Clean]", value)
            return delimited(_KVLIST, b"".join([_field(_VALUES, name, item) for name, item in pairs.items()]))
        case _:
            told = cast("Sequence[Clean]", value)
            return delimited(_ARRAY, b"".join([delimited(_VALUES, _any_value(item)) for item in told]))
