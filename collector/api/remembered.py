"""
One answer of the database, used again for a second.

Flow: known_keys -> **Remembered** -> storage. One that gets old is asked for again beside the request that uses it, so a busy
sender never waits for the database; one that is too old is asked for at once.
"""

import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from collector.errors import StoreError

T = TypeVar("T")

KEPT_FOR_S: Final = 1.0
_RENEWED_AFTER_S: Final = 0.5

Later = Callable[[Callable[[], None]], None]
"""Does something beside the request that asks for it."""


def run_in_thread(job: Callable[[], None]) -> None:
    """`Later`, by a thread that ends with the process."""
    threading.Thread(target=job, name="hookline-access", daemon=True).start()


class Remembered(Generic[T]):
    """May be called from any thread."""

    def __init__(self, ask: Callable[[], T], monotonic_s: Callable[[], float], later: Later) -> None:
        self._ask = ask
        self._monotonic_s = monotonic_s
        self._later = later
        self._told: tuple[float, T] | None = None
        """When it was asked for, and the answer."""
        self._is_renewing = False

    def is_fresh(self) -> bool:
        """Whether `get` needs no database."""
        return self._age_s() < KEPT_FOR_S

    def last(self) -> T | None:
        """The answer as of late, however old; None before the first."""
        return self._told[1] if self._told else None

    def get(self) -> T:
        """May ask the database. Raises what it raises."""
        told, age_s = self._told, self._age_s()
        if told is None or age_s >= KEPT_FOR_S:
            return self._renewed()
        if age_s >= _RENEWED_AFTER_S and not self._is_renewing:
            self._is_renewing = True
            self._later(self._renew_quietly)
        return told[1]

    def _age_s(self) -> float:
        return KEPT_FOR_S if self._told is None else self._monotonic_s() - self._told[0]

    def _renewed(self) -> T:
        asked_at_s = self._monotonic_s()
        value = self._ask()
        self._told = (asked_at_s, value)
        return value

    def _renew_quietly(self) -> None:
        try:
            self._renewed()
        except StoreError:
            # What is remembered gets too old by itself, and then the request is told.
            pass
        finally:
            self._is_renewing = False
