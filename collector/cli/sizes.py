"""
Sizes as people write and read them.

Flow: options of commands -> **bytes** -> options' values, and back.
"""

import re

from collector.errors import BadRequest

_UNITS = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([a-z]*)")


def read_size(text: str) -> int:
    """Bytes. Raises BadRequest."""
    found = _SIZE.fullmatch(text.strip().lower())
    if found is None or found[2] not in _UNITS:
        raise BadRequest(f"{text[:40]!r} is no size: write 500MB, 10GB or a number of bytes")
    return int(float(found[1]) * _UNITS[found[2]])


def show_size(size: int) -> str:
    """In the unit that leaves a few digits."""
    for unit in ("TB", "GB", "MB", "kB"):
        least = _UNITS[unit.lower()]
        if size >= least:
            return f"{size / least:.1f} {unit}"
    return f"{size} B"
