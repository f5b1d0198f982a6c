"""
The stream ribbon: when a call's chunks came, as a tiny barcode.

Flow: `calls.ribbon` (made at assembly) -> **SVG paths** -> a row of the list. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

PARTS: Final = 64
HEIGHT: Final = 16
GAP: Final = 0.3
"""Between neighbours of different shade, and so between all bars of a thin stream."""
SHADES: Final = 3
"""For few, some and many chunks, by the most of this call."""


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
    most = max(map(int, digits))
    shades = [0 if digit == "0" else -(-int(digit) * SHADES // most) for digit in digits]
    return Ribbon(wait=wait, bars=tuple(_bars(shades, shade, scale) for shade in range(1, SHADES + 1)))


def _bars(shades: Sequence[int], shade: int, scale: float) -> str:
    """Runs of one shade, as pieces of one thick line: a few characters each."""
    path, place, end = "", 0, 0.0
    for found, run in groupby(shades):
        length = len(list(run))
        if found == shade:
            path += f"m{place * scale - end:g} 0h{length * scale - GAP:g}"
            end = (place + length) * scale - GAP
        place += length
    return f"M0 {HEIGHT / 2:g}{path}" if path else ""
