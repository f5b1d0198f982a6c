"""
When to try again, and what the log says about it: one line when delivery begins to fail, one when it heals.

Flow: delivery -> **retrying** -> log.
"""

import os
from collections.abc import Callable

from sdk_hooks.guard import log

BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 30.0
RETRY_AFTER_MAX_S = 600.0


def jitter() -> float:
    """0.5 to 1.0, so that many clients of a restarted collector don't come back together. `random` costs 5 ms to import."""
    return 0.5 + os.urandom(1)[0] / 510


class Retrying:
    """The state between two POSTs to one collector."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._failures = 0
        self._asked_until_s = 0.0
        self._retry_at_s = 0.0

    @property
    def is_failing(self) -> bool:
        return self._failures > 0

    @property
    def due_s(self) -> float:
        """How long until the next try by ourselves."""
        return max(0.0, self._retry_at_s - self._clock_s())

    def may_try(self, *, force: bool) -> bool:
        """`force` does not wait for our own backoff, but for what the collector asked (`Retry-After`)."""
        return self._clock_s() >= (self._asked_until_s if force else self._retry_at_s)

    def reset(self) -> None:
        """Other settings: try them at once."""
        self._retry_at_s = self._asked_until_s = 0.0

    def failed(self, url: str, why: str, what_now: str) -> None:
        self._failures += 1
        if self._failures == 1:
            log("warning", "hookline: events can't be delivered to %s (%s); %s", url, why, what_now)

    def wait(self, url: str, after_s: float | None, why: str, what_now: str) -> None:
        """Not now; longer with every failure, and at least as long as the collector asked."""
        self.failed(url, why, what_now)
        backoff_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** min(self._failures - 1, 10)) * jitter()
        asked_s = 0.0 if after_s is None else min(after_s, RETRY_AFTER_MAX_S)
        self._asked_until_s = self._clock_s() + asked_s
        self._retry_at_s = self._clock_s() + max(backoff_s, asked_s)

    def healed(self, url: str) -> None:
        if self._failures:
            log("warning", "hookline: events are delivered to %s again", url)
        self._failures = 0
        self._retry_at_s = 0.0
