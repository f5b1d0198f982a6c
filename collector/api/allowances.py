"""
How much a key may send: events and bytes a second.

Flow: access -> **Allowance.require** -> ingest reads the body -> **Allowance.spend**.
What a request costs is known only after it was read, so it is let in while something is left, and may leave a debt that later
ones wait for. So the rate holds over time, and no batch is too large to ever get through. In memory: each process counts for
itself, and a restart forgives.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from collector.errors import RateLimited

BURST_S: Final = 10.0
"""Who was quiet for so long may send as much at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """A second; None where nothing is limited."""

    events: float | None = None
    bytes: float | None = None

    @property
    def is_limited(self) -> bool:
        """Whether there is anything to count."""
        return self.events is not None or self.bytes is not None

    def over(self, other: "Rates") -> "Rates":
        """These, and the other's where these say nothing."""
        return Rates(
            events=other.events if self.events is None else self.events, bytes=other.bytes if self.bytes is None else self.bytes
        )


class Allowance:
    """What is left for one key. May be called from any thread."""

    def __init__(self, rates: Rates, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._buckets = tuple(_Bucket(rate, monotonic_s()) for rate in (rates.events, rates.bytes))
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()

    def require(self) -> None:
        """Raises RateLimited while nothing is left. A request costs an event, also one that turns out to hold none."""
        now_s = self._monotonic_s()
        with self._lock:
            wait_s = max(bucket.wait_s(now_s) for bucket in self._buckets)
            if not wait_s:
                self._buckets[0].take(1)
        if wait_s:
            raise RateLimited("this key sends more than it may: send again after the time in Retry-After", after_s=wait_s)

    def spend(self, *, events: int, size_bytes: int) -> None:
        """What a request that was let in turned out to hold."""
        with self._lock:
            self._buckets[0].take(max(0, events - 1))
            self._buckets[1].take(size_bytes)


class _Bucket:
    """Fills by `rate` a second up to BURST_S of it."""

    def __init__(self, rate: float | None, now_s: float) -> None:
        self._rate = rate
        # With less than one a second the burst must still hold a request.
        self._most = max(1.0, BURST_S * rate) if rate else 0.0
        self._left = self._most
        self._at_s = now_s

    def wait_s(self, now_s: float) -> float:
        if not self._rate:
            return 0.0
        self._left = min(self._most, self._left + self._rate * max(0.0, now_s - self._at_s))
        self._at_s = now_s
        return 0.0 if self._left > 0 else (1e-3 - self._left) / self._rate

    def take(self, cost: float) -> None:
        if self._rate:
            self._left -= cost
