"""
What people type into the filter bar, as query parameters.

Flow: `model:gpt-4o -status:error refund` -> **(name, value) pairs** -> the list's address. Pure.
A word with an unknown key is text: people search for addresses and for JSON, too.
"""

import re
from collections.abc import Mapping
from typing import Final

KEYS: Final[Mapping[str, str]] = {
    "model": "model",
    "provider": "provider",
    "status": "status",
    "kind": "operation",
    "operation": "operation",
    "client": "client_id",
    "session": "session_id",
    "tool": "tool",
    "service": "service",
    "slower": "min_duration_ms",
}
"""What one types -> the parameter of `/v1/calls`."""
SHORT: Final[Mapping[str, str]] = {
    "client_id": "client",
    "session_id": "session",
    "operation": "kind",
    "min_duration_ms": "slower",
}
"""How chips name parameters that have a longer name."""

_WORD = re.compile(r'(-?)([a-z_]+):("[^"]*"|\S+)|"([^"]*)"|(\S+)')


def parse_filter(text: str) -> list[tuple[str, str]]:
    """Pairs of parameter and value; loose words become one `q`. A quoted value may hold spaces."""
    pairs: list[tuple[str, str]] = []
    words: list[str] = []
    for found in _WORD.finditer(text):
        minus, key, value, quoted, word = found.groups()
        name = _parameter(key)
        if name is None:
            words.append(quoted if quoted is not None else word or found[0])
            continue
        plain = value.removeprefix('"').removesuffix('"') if value.startswith('"') else value
        if plain.strip("!"):
            pairs.append((name, f"!{plain}" if minus and name != "min_duration_ms" else plain))
    return [*pairs, ("q", " ".join(words))] if words else pairs


def _parameter(key: str | None) -> str | None:
    """By its short name, or by the parameter's own."""
    if key is None:
        return None
    return KEYS.get(key) or (key if key in KEYS.values() else None)
