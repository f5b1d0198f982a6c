"""
What time it is, as an argument: workers hold a Clock, tests hand them one that stands still.

Flow: used at every edge that waits or stamps; nothing pure reads a clock.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Two times: one that people share, and one that never jumps back."""

    def now_ms(self) -> int:
        """Unix milliseconds."""
        ...

    def monotonic_s(self) -> float:
        """Seconds from some start; only differences mean something."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic()
