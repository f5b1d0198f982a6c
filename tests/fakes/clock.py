"""
A clock that stands still until a test moves it.
"""


class FakeClock:
    """`collector.clock.Clock` for tests: both times move together, by `advance`; `jump` moves the one that people share."""

    def __init__(self, now_ms: int = 1_764_000_000_000) -> None:
        self._start_ms = now_ms
        self._now_ms = float(now_ms)
        self._jumped_ms = 0.0

    def now_ms(self) -> int:
        return int(self._now_ms)

    def monotonic_s(self) -> float:
        return (self._now_ms - self._jumped_ms - self._start_ms) / 1000

    def advance(self, ms: float) -> None:
        """Let time pass."""
        self._now_ms += ms

    def jump(self, ms: float) -> None:
        """The machine's clock is set anew; no time passes."""
        self._now_ms += ms
        self._jumped_ms += ms
