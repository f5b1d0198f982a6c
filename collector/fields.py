"""
Read fields whose type nobody has checked.

Flow: events -> **typed values** -> dialects, assembly. A payload is kept as the sender wrote it, so any field may hold anything;
what has another type than expected counts as absent.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

LONGEST_TEXT_BYTES = 512
"""Of an indexed column: PostgreSQL refuses index rows from 2,704 bytes on, and one such event would block its batch."""
_NOTHING: Mapping[str, Any] = {}
_LISTS = (list, tuple)
_NO_FLOAT = 2**1000
"""JSON's whole numbers have no end; from about here on they fit no float."""
LARGEST_AMOUNT = 1e12
"""No call lasts 31 years or uses a million millions of anything; what claims so would break the sums of all the others."""
compact_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
"""Any value as JSON without spaces; what JSON has no form for as its `str`. `json.dumps` would make an encoder each time."""


def text(value: object) -> str | None:
    """The string, the empty one included."""
    return value if isinstance(value, str) else None


def name(value: object) -> str | None:
    """A string that says something: an id, a model's name."""
    return value if isinstance(value, str) and value else None


def bounded(text: str) -> str:
    """
    The text, or for a very long one its beginning and its hash; the payload keeps the whole.

    What columns hold, so whoever looks for an id by its own name, or makes another id from it, does the same.
    """
    if len(text) <= LONGEST_TEXT_BYTES // 4:
        return text
    # An id in a query may hold half a surrogate pair; nothing stored does.
    whole = text.encode("utf-8", "surrogatepass")
    if len(whole) <= LONGEST_TEXT_BYTES:
        return text
    head = whole[: LONGEST_TEXT_BYTES - 48].decode("utf-8", "ignore")
    return f"{head}~{hashlib.sha256(whole).hexdigest()[:40]}"


def number(value: object) -> float | None:
    """A finite number; true and false are none."""
    # Decoded JSON has no other numbers than these two, and asking for their classes too costs four times as much.
    if type(value) is int:
        return value if -_NO_FLOAT < value < _NO_FLOAT else None
    return value if type(value) is float and math.isfinite(value) else None


def flag(value: object) -> bool | None:
    """True or false."""
    return value if isinstance(value, bool) else None


def amount(value: object) -> float | None:
    """A number that is not below zero, and not beyond all measure: a duration, a price."""
    # As in `number`; what is no number at all, or beyond a double, is beyond this too.
    if type(value) is float or type(value) is int:
        return value if 0 <= value <= LARGEST_AMOUNT else None
    return None


def whole(value: object) -> int | None:
    """A whole number not below zero. JavaScript's BigInt comes as `{"__type": "bigint", "value": "123"}`."""
    # Nearly all that is asked for: a plain count, or nothing.
    if value is None:
        return None
    if type(value) is int:
        return value if 0 <= value < 2**63 else None
    if isinstance(value, dict):
        digits = cast("Mapping[str, Any]", value).get("value")
        return int(digits) if isinstance(digits, str) and digits.isascii() and digits.isdigit() and len(digits) < 19 else None
    found = number(value)
    return int(found) if found is not None and found == int(found) and 0 <= found < 2**63 else None


def count(value: object) -> int | None:
    """How many there are of something that is added up, like tokens."""
    if type(value) is int:
        return value if 0 <= value <= LARGEST_AMOUNT else None
    found = whole(value)
    return found if found is not None and found <= LARGEST_AMOUNT else None


def mapping(value: object) -> Mapping[str, Any]:
    """The object, or an empty one. Decoded JSON has no other mapping than dict, and asking for any costs four times as much."""
    return value if isinstance(value, dict) else _NOTHING  # pyright: ignore[reportUnknownVariableType]


def items(value: object) -> Sequence[Any]:
    """The array, or an empty one."""
    return value if isinstance(value, _LISTS) else ()  # pyright: ignore[reportUnknownVariableType]


def as_json(value: object) -> str | None:
    """A string as it is, None as None, anything else as compact JSON."""
    if value is None or isinstance(value, str):
        return value
    return compact_json(value)
