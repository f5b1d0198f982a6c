"""
Make a span's values such that any encoder takes them: one bad value must not cost its span, one bad span not its batch.

Flow: span -> **clean values** -> encoders of the exporters.
Pure. Where something had to be changed it is shown in the value (U+FFFD, a note of how much was cut), never raised.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard, cast

from collector import semconv

Clean = bool | int | float | str | Sequence["Clean"] | Mapping[str, "Clean"]

MAX_VALUE_CHARS = 256 * 1024
"""Of one text. Messages are cut at 64 KiB on their way in, so that only a list of many gets near."""
MAX_SPAN_CHARS = 768 * 1024
"""Of all of a span's values; at worst four bytes a character, and a span must fit a request of 4 MiB."""
MAX_DEPTH = 8
MAX_ITEMS = 1024
_MAX_INT = 2**63 - 1
_SHORT_CHARS, _MOST_SHORT = 4096, 64
"""So many texts of that length fit a span in any case."""
_OUR_NAMES = frozenset(name for constant, name in vars(semconv).items() if constant.isupper() and isinstance(name, str))
"""Clean by their looks: nearly all that there are."""
_MAX_TIME_NS = 2**64 - 1


def clean_text(text: str, max_chars: int = MAX_VALUE_CHARS) -> str:
    """Valid UTF-8 without NUL, cut in the middle where too long."""
    if not text.isascii() or "\0" in text:
        text = text.replace("\0", "�").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if len(text) <= max_chars:
        return text
    half = max_chars // 2
    return f"{text[:half]}…[{len(text) - 2 * half} characters cut]…{text[-half:]}"


def clean_times(start_ns: int, end_ns: int) -> tuple[int, int]:
    """Times that fit an unsigned 64-bit number, the end not before the start."""
    start_ns = min(max(int(start_ns), 0), _MAX_TIME_NS)
    return start_ns, min(max(int(end_ns), start_ns), _MAX_TIME_NS)


def clean_attributes(attributes: Mapping[Any, Any]) -> dict[str, Clean]:
    """Attributes in the order of their names; None is left out, foreign types become text, the longest shrink first."""
    cleaned = {clean_text(str(name), 255): _clean(value, MAX_DEPTH) for name, value in attributes.items() if _is_named(name)}
    kept = {name: value for name, value in sorted(cleaned.items()) if value is not None}
    return _fitted(kept)


def is_clean(attributes: Mapping[str, Any]) -> bool:
    """
    Whether cleaning would surely do no more than sort and leave None out.

    Told fast, because nearly all spans hold a few short texts and numbers.
    """
    if len(attributes) > _MOST_SHORT:
        return False
    for name, value in attributes.items():
        if name not in _OUR_NAMES and not (0 < len(name) <= 255 and name.isascii() and "\0" not in name):
            return False
        # The commonest kind without a call: this runs for every attribute of every span.
        if type(value) is str:
            if len(value) > _SHORT_CHARS or not value.isascii() or "\0" in value:
                return False
        elif not _is_clean(value):
            return False
    return True


def _is_clean(value: Any) -> bool:
    kind = cast("object", type(value))
    if kind is str:
        return len(value) <= _SHORT_CHARS and value.isascii() and "\0" not in value
    if kind is int:
        return -_MAX_INT <= value <= _MAX_INT
    if kind is float:
        return math.isfinite(value)
    if kind is list:
        # Finish reasons, stop sequences: mostly one.
        return len(value) == 1 and type(value[0]) is str and _is_clean(value[0])
    return value is None or kind is bool


def _is_named(name: object) -> TypeGuard[str]:
    return isinstance(name, str) and name != ""


def _clean(value: Any, depth: int) -> Clean | None:
    match value:
        case None:
            return None
        case bool():
            return value
        case str():
            return clean_text(str(value))
        case int():
            return int(value) if -_MAX_INT <= value <= _MAX_INT else str(float(value) if abs(value) < 1e300 else "out of range")
        case float():
            return float(value) if math.isfinite(value) else str(value)
        case bytes() | bytearray():
            return clean_text(value.decode("utf-8", "replace"))
        case Mapping() if depth:
            return _clean_mapping(cast(Mapping[Any, Any], value), depth)
        case list() | tuple() if depth:
            return _clean_items(cast(Sequence[Any], value), depth)
        case set() | frozenset() if depth:
            return _clean_items(sorted(cast(set[Any], value), key=str), depth)
        case _:
            return f"({type(value).__name__})"


def _clean_mapping(value: Mapping[Any, Any], depth: int) -> dict[str, Clean]:
    items = ((clean_text(str(key), 255), _clean(item, depth - 1)) for key, item in list(value.items())[:MAX_ITEMS])
    return {key: item for key, item in items if item is not None}


def _clean_items(value: Sequence[Any], depth: int) -> list[Clean]:
    cleaned = [_clean(item, depth - 1) for item in value[:MAX_ITEMS]]
    # A list of OpenTelemetry has one type; mixed ones are told as text rather than lost.
    kept = [item for item in cleaned if item is not None]
    kinds = {type(item) for item in kept}
    if kinds <= {int, float} or len(kinds) <= 1:
        return [float(item) for item in kept if isinstance(item, int | float)] if kinds == {int, float} else kept
    return [item if isinstance(item, str) else str(item) for item in kept]


def _fitted(attributes: dict[str, Clean]) -> dict[str, Clean]:
    """The same attributes, the largest replaced by notes until all together fit."""
    sizes = {name: _chars(value) for name, value in attributes.items()}
    total = sum(sizes.values())
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        if total <= MAX_SPAN_CHARS:
            break
        value = attributes[name]
        shorter = clean_text(value, 1024) if isinstance(value, str) else f"[{sizes[name]} characters cut]"
        attributes[name] = shorter
        total += len(shorter) - sizes[name]
    return attributes


def _chars(value: Clean) -> int:
    match value:
        case str():
            return len(value)
        case Mapping():
            return 8 + sum(len(key) + 8 + _chars(item) for key, item in value.items())
        case bool() | int() | float():
            return 8
        case _:
            return 8 + sum(_chars(item) for item in value)
