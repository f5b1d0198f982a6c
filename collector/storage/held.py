"""
Who has which work, where nobody else can take any: in memory, so that a claim is no write.

Flow: claiming -> **Held**. SQLite has one process; what it had in hand when it died is free again by itself.
On a database that several collectors share, leases stand in the tables instead.
"""

import threading
from collections.abc import Generator, Hashable, Iterable
from contextlib import contextmanager
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Held(Generic[K]):
    """Keys of claimed work with the ends of their leases (Unix ms)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until_ms: dict[K, int] = {}

    @contextmanager
    def claiming(self, now_ms: int) -> Generator[dict[K, int]]:
        """
        What is held, to be added to; one claim at a time.

        Enter before looking into the database: work that is settled meanwhile then still counts as held, whatever the look saw.
        """
        with self._lock:
            for key in [key for key, until_ms in self._until_ms.items() if until_ms <= now_ms]:
                del self._until_ms[key]
            yield self._until_ms

    def release(self, keys: Iterable[K]) -> None:
        """Let go of work, after the commit that says what became of it."""
        with self._lock:
            for key in keys:
                self._until_ms.pop(key, None)

    def now(self) -> dict[K, int]:
        """A copy of what is held."""
        with self._lock:
            return dict(self._until_ms)
