"""
When a POST with an Idempotency-Key was first received.

Flow: ingest -> **receipts** -> validation.
An event without a time takes the time of receipt, which is part of its identity: a repeat must take the first one. Kept in
memory for the last keys, so a repeat to another process or after a restart is stored again.
"""

from collections import OrderedDict
from typing import Final

_MOST_KEPT: Final = 10_000


class FirstReceipts:
    """(project, key) -> first receipt, Unix ms; of the last 10,000 keys."""

    def __init__(self) -> None:
        self._first: OrderedDict[tuple[str, str], int] = OrderedDict()

    def first(self, project: str, key: str | None, received_ms: int) -> int:
        """When this POST first came; `received_ms` where it is new or has no key."""
        if key is None:
            return received_ms
        first_ms = self._first.setdefault((project, key), received_ms)
        self._first.move_to_end((project, key))
        if len(self._first) > _MOST_KEPT:
            self._first.popitem(last=False)
        return first_ms
