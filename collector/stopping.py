"""
How long a stop may take, and who has which part of it.

Flow: SIGTERM -> server (running requests) -> app (pipeline, then store): each asks **Stopping** what is left.
"""

import os
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import structlog

log: Any = structlog.get_logger(__name__)

DEFAULT_STOP_TIMEOUT_S: Final = 10.0
REQUESTS_SHARE: Final = 0.4
"""Of the whole limit: running requests."""
WORK_SHARE: Final = 0.6
"""Of what the requests left: rounds of assembly and exports that run. The rest is for the store's queue."""
GRACE_S: Final = 2.0
"""So long after the limit the process ends, whatever hangs."""


class Stopping:
    """Counts from `begin`. May be used from any thread."""

    def __init__(self, limit_s: float = DEFAULT_STOP_TIMEOUT_S, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.limit_s = limit_s
        self._clock_s = clock_s
        self._began_s: float | None = None

    @property
    def requests_s(self) -> float:
        """For requests that run."""
        return self.limit_s * REQUESTS_SHARE

    def begin(self) -> None:
        """The stop was asked for; only the first time counts."""
        if self._began_s is None:
            self._began_s = self._clock_s()

    def left_s(self) -> float:
        """What is left of the limit."""
        gone_s = 0.0 if self._began_s is None else self._clock_s() - self._began_s
        return max(self.limit_s - gone_s, 0.0)

    def for_work_s(self) -> float:
        """For rounds that run: the store keeps its part."""
        return self.left_s() * WORK_SHARE

    def watch(self) -> None:
        """End the process when the limit is over by far: what is stored is safe, and nothing else may keep us."""
        threading.Thread(target=self._end_late, name="hookline-stop", daemon=True).start()

    def _end_late(self) -> None:
        time.sleep(self.limit_s + GRACE_S)
        log.error("stop_took_too_long", limit_s=self.limit_s, note="what was acknowledged is stored")
        os._exit(1)
