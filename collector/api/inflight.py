"""
How many bytes of bodies are in memory at once, from their first byte to the commit.

Flow: ingest -> **Inflight** <- bodies. The queue is bounded by events; a thousand connections with large bodies each would fill
the memory before any of them gets there.
"""

import threading
from typing import Final

from collector.errors import StoreBusy

_STEP_BYTES: Final = 64 * 1024


class Inflight:
    """Of one process. May be used from any thread."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._held_bytes = 0
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """At this moment."""
        return self._held_bytes

    def take(self, size_bytes: int) -> None:
        """Raises StoreBusy where others hold too much. A single body is let in whatever its size: that has limits of its own."""
        with self._lock:
            if self._held_bytes and self._held_bytes + size_bytes > self._most_bytes:
                raise StoreBusy(f"{self._held_bytes} bytes wait to be stored: try again in a moment")
            self._held_bytes += size_bytes

    def give_back(self, size_bytes: int) -> None:
        """What was taken."""
        with self._lock:
            self._held_bytes -= size_bytes


class Held:
    """What one request has taken."""

    def __init__(self, inflight: Inflight) -> None:
        self._inflight = inflight
        self._taken_bytes = 0
        self._needed_bytes = 0

    def grow(self, size_bytes: int) -> None:
        """So much more. Taken in steps, because bodies come in small pieces. Raises StoreBusy."""
        self._needed_bytes += size_bytes
        if self._needed_bytes > self._taken_bytes:
            more = max(self._needed_bytes - self._taken_bytes, min(self._taken_bytes, _STEP_BYTES))
            self._inflight.take(more)
            self._taken_bytes += more

    def release(self) -> None:
        """The request is over."""
        if self._taken_bytes:
            self._inflight.give_back(self._taken_bytes)
            self._taken_bytes = 0
