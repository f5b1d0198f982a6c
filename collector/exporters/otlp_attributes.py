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
_KEPT_PAIRS: Final = 1024
_LONGEST_KEPT_CHARS: Final = 128

_double = struct.Struct("<d").pack


def encode_attributes(tag: bytes, attributes: Mapping[str, Any]) -> bytes:
    """The attributes, cleaned, in the order of their names, each as a field with this tag."""
    pairs = sorted(attributes.items()) if is_clean(attributes) else clean_attributes(attributes).items()
    return b"".join([delimited(tag, _known_or_new_pair(name, value)) for name, value in pairs if value is not None])


def _known_or_new_pair(name: str, value: Clean) -> bytes:
    if name in _FEW_WORDS and type(value) is str and len(value) <= _LONGEST_KEPT_CHARS:
        return _kept_pair(name, value)
    return _pair(name, value)


def _pair(name: str, value: Clean) -> bytes:
    # A text without a further call: most are.
    told = delimited(_STRING, value.encode()) if type(value) is str else _any_value(value)
    return _key(name) + delimited(_VALUE, told)


_kept_pair = lru_cache(_KEPT_PAIRS)(_pair)


@lru_cache(_KEPT_PAIRS)
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
            return delimited(_KVLIST, b"".join([delimited(_VALUES, _pair(name, item)) for name, item in pairs.items()]))
        case _:
            told = cast("Sequence[Clean]", value)
            return delimited(_ARRAY, b"".join([delimited(_VALUES, _any_value(item)) for item in told]))
