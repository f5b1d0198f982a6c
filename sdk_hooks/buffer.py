"""
The two bounded places where something waits: calls to be rendered, and events to be delivered.

Flow: recorder -> **Inbox** -> emitter -> **Backlog** -> transport.
The inbox refuses what does not fit, so that a host is never slowed down; the backlog lets its oldest go, so that what is
newest survives a long absence of the collector. A spool on disk would take what the backlog lets go.
"""

from collections import deque
from collections.abc import Iterator
from threading import RLock
from typing import Any, Protocol


class Record(Protocol):
    """A call as the emitter sees it."""

    size_bytes: int
    settings: Any
    is_done: bool

    def drain(self) -> Iterator[dict[str, Any]]:
        """Events that are new since the last time; sets `is_done` with the last one."""
        ...


class Inbox:
    """Calls that were offered and not yet looked at. Any thread may offer, one takes."""

    def __init__(self) -> None:
        # Reentrant: a destructor may end a call in the middle of an offer.
        self._lock = RLock()
        self._records: deque[Record] = deque()
        self._bytes = 0

    def offer(self, record: Record, *, room: int, max_bytes: int) -> bool:
        """False when it does not fit."""
        with self._lock:
            count = len(self._records)
            if count >= room or (count and self._bytes + record.size_bytes > max_bytes):
                return False
            self._bytes += record.size_bytes
            self._records.append(record)
            return True

    def take(self) -> list[Record]:
        with self._lock:
            taken = list(self._records)
            self._records.clear()
            self._bytes = 0
            return taken

    def __len__(self) -> int:
        return len(self._records)


class Backlog:
    """Encoded events in order, until the collector has them. For the emitter's thread only."""

    def __init__(self) -> None:
        self._events: deque[bytes] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: bytes) -> None:
        self._events.append(event)
        self._bytes += len(event)

    def batch(self, max_events: int, max_bytes: int) -> list[bytes]:
        """The oldest events that fit in one POST; at least one."""
        picked: list[bytes] = []
        total_bytes = 0
        for event in self._events:
            total_bytes += len(event)
            if picked and (total_bytes > max_bytes or len(picked) >= max_events):
                break
            picked.append(event)
        return picked

    def release(self, count: int) -> None:
        """Forget the oldest: delivered, or given up."""
        for _ in range(count):
            self._bytes -= len(self._events.popleft())

    def trim(self, max_events: int, max_bytes: int) -> int:
        """Let the oldest go until the rest is within the bounds. How many went."""
        gone = 0
        while self._events and (len(self._events) > max_events or self._bytes > max_bytes):
            self.release(1)
            gone += 1
        return gone
