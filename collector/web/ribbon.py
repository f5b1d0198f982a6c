"""
The stream ribbon: when a call's chunks came, as a tiny barcode.

Flow: `calls.ribbon` (made at assembly) -> **SVG paths** -> a row of the list. Pure.
"""

from dataclasses import dataclass
from typing import Final

PARTS: Final = 64
HEIGHT: Final = 16
_LEVELS: Final = ("1", "23", "456789")
"""Digits of few, some and many chunks a part: three shades."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ribbon:
    """SVG paths on a field PARTS wide and HEIGHT high."""

    wait: str
    """From the start to the first chunk."""
    bars: tuple[str, ...]
    """By shade, the palest first."""


def draw_ribbon(text: str | None) -> Ribbon | None:
    """The paths of `<milliseconds>:<digits>`; None where no chunk came."""
    digits = (text or "").rpartition(":")[2]
    if not digits.isdecimal() or not digits.strip("0"):
        return None
    scale = PARTS / len(digits)
    first = len(digits) - len(digits.lstrip("0"))
    wait = f"M0 {HEIGHT / 2:g}H{first * scale:g}" if first else ""
    return Ribbon(wait=wait, bars=tuple(_bars(digits, level, scale) for level in _LEVELS))


def _bars(digits: str, level: str, scale: float) -> str:
    return "".join(f"M{place * scale:g} 0v{HEIGHT}" for place, digit in enumerate(digits) if digit in level)
