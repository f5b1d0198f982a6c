"""
One event's bytes -> its object, mended where SQL could not hold it.

Flow: reading -> **decoding** -> dialects -> columns.
Almost every event takes the first line of `decode_event`. The rest is for text that is JSON by its grammar but that no
database takes: NUL, halves of surrogate pairs, bytes that are not UTF-8, numbers beyond a double.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, NoReturn

import msgspec

from collector.validation.codes import NOT_AN_OBJECT, TOO_DEEP, Refused

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="deterministic").encode

_ESCAPE = re.compile(
    r"\\(?:u(?:[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>[dD][89a-fA-F][0-9a-fA-F]{2})|(?P<nul>0000))|.)",
    re.DOTALL,
)
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that it can make nothing of."""
_LONGEST_INTEGER = 300
"""Digits; what is longer than any double is no number for a reader."""


class NotJson(ValueError):
    """The bytes are not JSON."""


class Decoded(NamedTuple):
    """An event's object, its JSON text, and what had to be mended (names for the column `reduced`)."""

    value: Any
    text: str
    mended: tuple[str, ...] = ()


def decode_event(raw: bytes | msgspec.Raw, *, max_depth: int) -> Decoded:
    """The event's value and text. Raises NotJson, or Refused for one that lies too deep."""
    data = bytes(raw)
    try:
        decoded = _as_it_is(data) or _mended(data)
    except RecursionError:
        raise Refused(TOO_DEEP, f"more than {max_depth} levels of objects and arrays: flatten the event") from None
    if data.count(b"[") + data.count(b"{") > max_depth and is_deeper(decoded.value, max_depth):
        raise Refused(TOO_DEEP, f"more than {max_depth} levels of objects and arrays: flatten the event")
    return decoded


def may_need_mending(raw: bytes) -> bool:
    """Whether text in these bytes may be such that no database takes it; invalid UTF-8 is found by decoding it."""
    # One byte is found ten times as fast as two.
    return b"\\" in raw and b"\\u" in raw and (b"\\u0000" in raw or b"\\ud" in raw or b"\\uD" in raw)


def require_object(value: object) -> dict[str, Any]:
    """The value as an object. Raises Refused."""
    if type(value) is dict:
        return value  # pyright: ignore[reportUnknownVariableType]
    raise Refused(NOT_AN_OBJECT, f"an event is a JSON object, this is {_kind(value)}")


def encode(value: object) -> str:
    """Compact JSON."""
    return _encode(value).decode()


def canonical_json(value: object) -> bytes:
    """JSON with sorted keys: equal objects give equal bytes."""
    return _encode_sorted(value)


def is_deeper(value: object, levels: int) -> bool:
    """Whether objects and arrays lie in each other more than `levels` deep. Walks without recursion."""
    layer: list[Any] = [value]
    for _ in range(levels + 1):
        layer = [item for item in layer if type(item) is dict or type(item) is list]
        if not layer:
            return False
        layer = [child for item in layer for child in children(item)]
    return True


def children(node: Any) -> Iterable[Any]:
    """The values in an object or array."""
    return node.values() if type(node) is dict else node  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]


def _as_it_is(data: bytes) -> Decoded | None:
    """None for what can't be read, or stored, without mending."""
    if b"\\u0000" in data:
        return None
    try:
        return Decoded(_decode(data), data.decode())
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _mended(data: bytes) -> Decoded:
    """The slow way: replace what can't be stored, then read again."""
    mended: dict[str, None] = {}
    text = data.decode("utf-8", "replace")
    # Bytes count: what replacing changed encodes to something else.
    if text.encode() != data:
        mended["invalid_utf8"] = None

    def mend(found: re.Match[str]) -> str:
        if found["half"]:
            mended["lone_surrogate"] = None
        elif found["nul"]:
            mended["nul"] = None
        else:
            return found[0]
        return "\\ufffd"

    text = _ESCAPE.sub(mend, text)
    try:
        return Decoded(_decode(text), text, tuple(mended))
    except msgspec.ValidationError:
        value = _decode_wide_numbers(text)
        return Decoded(value, encode(value), (*mended, "number_out_of_range"))
    except msgspec.DecodeError as exc:
        raise NotJson(str(exc)) from None


def _decode_wide_numbers(text: str) -> Any:
    """Numbers that no double holds become null; everything else as it is."""
    try:
        return json.loads(text, parse_float=_float_or_none, parse_int=_int_or_none, parse_constant=_refuse_constant)
    except ValueError as exc:
        raise NotJson(str(exc)) from None


def _float_or_none(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _int_or_none(digits: str) -> int | None:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _kind(value: object) -> str:
    return _KINDS.get(type(value).__name__, "something else")


_KINDS: Final = {
    "NoneType": "null",
    "bool": "a boolean",
    "str": "a string",
    "list": "an array",
    "int": "a number",
    "float": "a number",
}
