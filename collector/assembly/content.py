"""
Content as the JSON text of an attribute, never longer than a limit, and JSON all the same.

Flow: messages, parts -> **JSON text** -> content attributes.
Cutting the text of the JSON itself would leave something that no backend can read.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from collector.fields import compact_json

MAX_CHARS = 128 * 1024
"""Of one attribute. Four of them fit a span."""
_TEXT_LIMITS = (32 * 1024, 8 * 1024, 2 * 1024, 512)
_KEPT_ENDS = 8
_MAX_DEPTH = 50
_WORDS = frozenset({str, type(None)})
_encode_words = msgspec.json.Encoder().encode


def as_content(value: Sequence[Any], *, max_chars: int = MAX_CHARS) -> str | None:
    """JSON text; None for nothing. Too long: first the long texts are cut in their middle, then entries in the middle go."""
    if not value:
        return None
    told = _dump(value)
    for limit in _TEXT_LIMITS:
        if len(told) <= max_chars:
            return told
        told = _dump(_cut(value, limit))
    if len(told) <= max_chars:
        return told
    told = _dump(_cut(_ends(value), _TEXT_LIMITS[-1]))
    return told if len(told) <= max_chars else _dump([_note(f"[{len(value)} entries cut]")])


def _ends(value: Sequence[Any]) -> list[Any]:
    cut = len(value) - 2 * _KEPT_ENDS
    if cut <= 0:
        return list(value)
    return [*value[:_KEPT_ENDS], _note(f"[{cut} entries cut]"), *value[-_KEPT_ENDS:]]


def _note(words: str) -> dict[str, Any]:
    """Valid among messages, and among parts as one of a type of its own."""
    return {"type": "note", "role": "system", "parts": [{"type": "text", "content": words}], "content": words}


def _cut(value: Any, limit: int, depth: int = _MAX_DEPTH) -> Any:
    match value:
        case str() if len(value) > limit:
            half = limit // 2
            return f"{value[:half]}…[{len(value) - 2 * half} characters cut]…{value[-half:]}"
        case list() | tuple() if depth:
            return [_cut(item, limit, depth - 1) for item in cast("Sequence[Any]", value)]
        case Mapping() if depth:
            return {key: _cut(item, limit, depth - 1) for key, item in cast("Mapping[str, Any]", value).items()}
        case _:
            return value


def _dump(value: Sequence[Any]) -> str:
    # msgspec takes an eighth of the time, but writes some numbers in another way and no half surrogate pairs.
    if all(map(_is_of_words, value)):
        try:
            return _encode_words(value).decode()
        except UnicodeEncodeError:
            pass
    return compact_json(value)


def _is_of_words(entry: Any) -> bool:
    """Whether it is a part, or a message of parts, with nothing but texts in it: nearly all are."""
    if type(entry) is not dict:
        return False
    for value in cast("dict[str, Any]", entry).values():
        if type(value) is list:
            if not all(type(part) is dict and _WORDS.issuperset(map(type, part.values())) for part in cast("list[Any]", value)):
                return False
        elif type(value) not in _WORDS:
            return False
    return True
