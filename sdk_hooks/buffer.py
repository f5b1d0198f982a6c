"""
The two bounded places where something waits: calls to be rendered, and events to be delivered.

Flow: recorder -> **Inbox** -> emitter -> **Backlog** -> transport.
The inbox refuses what does not fit, so that a host is never slowed down; the backlog lets its oldest go, so that what is
newest survives a long absence of the collector. That happens only where there is no spool on disk to take them.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Protocol

URGENT_COUNT = 500
"""So many waiting calls are not left to the emitter's next round."""


class Record(Protocol):
    """A call as the emitter sees it."""

    size_bytes: int
    settings: Any
    is_done: bool

    def drain(self) -> Iterator[Any]:
        """Events (dicts, or `heads.Headed`) that are new since the last time; sets `is_done` with the last one."""
        ...


class Inbox:
    """
    Calls that were offered and not yet looked at. Any thread may offer, one takes.

    Without a lock: a deque's ends are safe. The bytes are an estimate; what two threads at once may leave out of it is
    forgotten with the next `take`.
    """

    __slots__ = ("_bytes", "_on_full", "_on_offer", "_records", "is_awaited", "max_bytes", "room")

    def __init__(self, on_offer: Callable[[], None], on_full: Callable[[], None]) -> None:
        self._on_offer = on_offer
        self._on_full = on_full
        self._records: deque[Record] = deque()
        self._bytes = 0
        self.room = 0
        """How many fit; `max_bytes` how large they may be together. The emitter says."""
        self.max_bytes = 0
        self.is_awaited = True
        """Whether `on_offer` wants to hear of the next one; else only when many wait."""

    def offer(self, record: Record) -> bool:
        """Take a record in, in the host's thread. False: it does not fit."""
        records = self._records
        count = len(records)
        size_bytes = self._bytes + record.size_bytes
        if count >= self.room or (count and size_bytes > self.max_bytes):
            self._on_full()
            return False
        self._bytes = size_bytes
        records.append(record)
        if self.is_awaited or count == URGENT_COUNT:
            self._on_offer()
        return True

    def take(self) -> list[Record]:
        following = self._records.popleft
        taken = [following() for _ in range(len(self._records))]
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

    @property
    def size_bytes(self) -> int:
        """How much memory the events take."""
        return self._bytes

    def add(self, event: bytes) -> None:
        self._events.append(event)
        self._bytes += len(event)

    def take(self, max_events: int, max_bytes: int) -> list[bytes]:
        """Take out the oldest events that fit in one POST; at least one, if there is one."""
        events = self._events
        if len(events) <= max_events and self._bytes <= max_bytes:
            # All of them, as nearly always.
            whole = [*events]
            events.clear()
            self._bytes = 0
            return whole
        picked: list[bytes] = []
        total_bytes = 0
        while events and len(picked) < max_events:
            size_bytes = len(events[0])
            if picked and total_bytes + size_bytes > max_bytes:
                break
            total_bytes += size_bytes
            picked.append(events.popleft())
        self._bytes -= total_bytes
        return picked

    def put_back(self, events: list[bytes]) -> None:
        """What was taken out goes to its place again."""
        self._events.extendleft(reversed(events))
        self._bytes += sum(map(len, events))

    def trim(self, max_events: int, max_bytes: int) -> int:
        """Let the oldest go until the rest is within the bounds. How many went."""
        gone = 0
        while self._events and (len(self._events) > max_events or self._bytes > max_bytes):
            self._pop()
            gone += 1
        return gone

    def _pop(self) -> bytes:
        event = self._events.popleft()
        self._bytes -= len(event)
        return event
