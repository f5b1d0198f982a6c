"""
The database's clock, kept in this process: what several collectors write down must be of one clock.

Flow: postgresql_presence sets it -> **DatabaseClock** -> leases, due times, times of receipt.
Between two readings it runs by the monotonic clock, so a machine whose own clock jumps disturbs nobody.
"""

import time

from collector.clock import Clock, SystemClock

LEAST_CORRECTION_MS = 25.0
"""A smaller difference is the way to the server and back."""


class DatabaseClock(Clock):
    """The machine's clock until it was set for the first time."""

    def __init__(self, machine: Clock | None = None) -> None:
        self._machine = machine or SystemClock()
        self._ahead_ms: float | None = None

    def now_ms(self) -> int:
        """Unix milliseconds."""
        ahead_ms = self._ahead_ms
        return self._machine.now_ms() if ahead_ms is None else int(self._machine.monotonic_s() * 1000 + ahead_ms)

    def monotonic_s(self) -> float:
        """The machine's."""
        return self._machine.monotonic_s()

    def set(self, database_ms: float, *, at_s: float | None = None) -> None:
        """The database's clock showed this at a moment of the monotonic clock."""
        at_s = time.monotonic() if at_s is None else at_s
        ahead_ms = database_ms - at_s * 1000
        if self._ahead_ms is None or abs(ahead_ms - self._ahead_ms) >= LEAST_CORRECTION_MS:
            self._ahead_ms = ahead_ms
