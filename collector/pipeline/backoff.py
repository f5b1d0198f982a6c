"""
How long to wait after failures: growing, capped, and never the same for two.

Flow: used by the pipeline's workers. Pure but for the dice, which come in as an argument.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Doubles from `first_ms` to `most_ms`; half of each wait is left to chance, so that many do not come back at once."""

    first_ms: int
    most_ms: int
    roll: Callable[[], float]
    """0 <= roll() < 1."""

    def wait_ms(self, failures: int) -> int:
        """The wait after so many failures in a row, one at least."""
        whole = min(self.first_ms * 2 ** min(max(failures, 1) - 1, 40), self.most_ms)
        return round(whole * (1 + self.roll()) / 2)
