"""
What a database needs now and then: partitions ahead of time, an end for receipts that nobody will ask for again, and work brought
back that a clock far ahead has put into the future.

Flow: clock -> **UpkeepWorker** -> storage (Caretaker).
"""

from typing import Any

import structlog

from collector.clock import Clock
from collector.errors import StoreError
from collector.storage.caretaker import Caretaker

log: Any = structlog.get_logger(__name__)

EVERY_S = 600.0
AGAIN_S = 15.0
"""A lock that somebody held: the present partition may be missing, but the default one takes events meanwhile."""
RECEIPTS_LAST_MS = 48 * 3_600_000
"""So long a client may repeat a request with an Idempotency-Key."""
LONGEST_WAIT_MS = 25 * 3_600_000
"""No backoff and no Retry-After is longer: work that is due later than that was put there by a wrong clock."""


class UpkeepWorker:
    """Cheap, and safe from several collectors at once."""

    def __init__(self, store: Caretaker, *, clock: Clock, idle_timeout_ms: int = 0) -> None:
        self._longest_wait_ms = LONGEST_WAIT_MS + idle_timeout_ms
        self._store = store
        self._clock = clock
        self._next_s = clock.monotonic_s()

    def until_due_s(self) -> float:
        """How long there is nothing to do."""
        return max(self._next_s - self._clock.monotonic_s(), 0.0)

    def run_once(self) -> int:
        """Do it, if it is time. Always 0: the wait comes after it. Raises StoreError."""
        if self.until_due_s() > 0:
            return 0
        self._next_s = self._clock.monotonic_s() + AGAIN_S
        now_ms = self._clock.now_ms()
        try:
            made, dropped = self._store.make_room(now_ms=now_ms), self._store.drop_empty_partitions(now_ms=now_ms)
        except StoreError as exc:
            log.info("partitions_put_off", reason=str(exc))
            return 0
        if made or dropped:
            log.info("partitions_kept_up", made=made, dropped=dropped)
        brought = self._store.bring_forward(later_than_ms=now_ms + self._longest_wait_ms, to_ms=now_ms)
        if brought:
            log.warning("clock_was_ahead", brought_forward=brought)
        self._store.forget_receipts(before_ms=now_ms - RECEIPTS_LAST_MS)
        self._next_s = self._clock.monotonic_s() + EVERY_S
        return 0
