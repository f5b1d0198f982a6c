"""
When a POST with an Idempotency-Key was first received.

Flow: ingest -> **receipts** -> storage (Caretaker.first_receipt).
An event without a time takes the time of receipt, which is part of its identity: a repeat must take the first one, also when it
comes to another collector, or after a restart. Asked for such events only; the last keys are remembered here.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_MOST_REMEMBERED: Final = 10_000


def _as_new(project: str, key: str, received_ms: int) -> int:
    return received_ms


class FirstReceipts:
    """(project, key) -> first receipt, Unix ms. `keep` stores a key that is not there, and tells what is; it may block."""

    def __init__(self, keep: Callable[[str, str, int], int] = _as_new) -> None:
        self._keep = keep
        self._lock = threading.Lock()
        self._first: OrderedDict[tuple[str, str], int] = OrderedDict()

    def first(self, project: str, key: str, received_ms: int) -> int:
        """When this POST first came; `received_ms` where it is new. From any thread. Raises what `keep` raises."""
        with self._lock:
            known = self._first.get((project, key))
        first_ms = self._keep(project, key, received_ms) if known is None else known
        with self._lock:
            first_ms = self._first.setdefault((project, key), first_ms)
            self._first.move_to_end((project, key))
            if len(self._first) > _MOST_REMEMBERED:
                self._first.popitem(last=False)
        return first_ms
