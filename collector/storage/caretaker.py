"""
What a store needs done for it now and then, and the receipts that repeated requests refer to.

Flow: pipeline.upkeep -> **Caretaker** -> partitions, receipts ; ingest -> **first_receipt** -> receipts.
"""

from collections.abc import Sequence
from typing import Protocol


class Caretaker(Protocol):
    """A part of `protocols.Store`, in a file of its own."""

    def make_room(self, *, now_ms: int) -> Sequence[str]:
        """Make partitions of events ahead of time, where the engine has some; the new ones' names. Safe to repeat."""
        ...

    def drop_empty_partitions(self, *, now_ms: int) -> Sequence[str]:
        """Drop old partitions that retention has emptied, a week after their end; their names."""
        ...

    def bring_forward(self, *, later_than_ms: int, to_ms: int) -> int:
        """
        Make calls and spans due that are due later than they can have been meant: how many.

        A clock that was far ahead for a while leaves such work behind; nobody would come for it.
        """
        ...

    def first_receipt(self, project: str, idempotency_key: str, *, received_ms: int) -> int:
        """When a request with this key first came, to any collector: `received_ms` where it is new. Back after the commit."""
        ...

    def forget_receipts(self, *, before_ms: int) -> int:
        """Forget keys that first came before; how many."""
        ...
