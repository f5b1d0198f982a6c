"""
Follow what is new in a project: events as they commit, calls as they change.

Flow: ingest, pipeline -> **LiveHub.wake** ; api -> **Follower** -> storage (Reader).
A follower pulls from the store at its own pace, from a position it holds. So a slow reader costs no memory, none can hold up
the way in, and a reader that comes back says where it was and misses nothing.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, Self

from collector.errors import BadRequest, RateLimited
from collector.storage.protocols import Reader, Row

MAX_FOLLOWERS = 100
PAGE = 200
# On PostgreSQL two collectors stamp rows before they commit, so an older stamp may become visible a little later.
_OVERLAP_MS = 300
_SEEN = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a follower is: the arrival of its last event, the change time of its last call."""

    arrival: int
    updated_ms: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From a `Last-Event-ID`. Raises BadRequest."""
        arrival, dash, updated_ms = text.partition("-")
        if not (dash and arrival.isdecimal() and updated_ms.isdecimal() and max(len(arrival), len(updated_ms)) < 19):
            raise BadRequest("Last-Event-ID: not one of ours. Send the `id` of the last message that you got, or none.")
        return cls(arrival=int(arrival), updated_ms=int(updated_ms))

    def __str__(self) -> str:
        return f"{self.arrival}-{self.updated_ms}"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One new event or one changed call, and the position behind it."""

    kind: Literal["event", "call"]
    position: Position
    row: Row


class Follower:
    """
    Reads what is new since a position; `read` is called from one thread at a time.

    An event comes once. A call comes again whenever its row changed; after a resume its last state may come a second time.
    """

    def __init__(self, reader: Reader, project: str, position: Position, *, only_calls: bool = False) -> None:
        self._reader = reader
        self._only_calls = only_calls
        self._project = project
        self._position = position
        self._seen: OrderedDict[tuple[str, int], None] = OrderedDict()

    def read(self) -> list[News]:
        """What is new, a page or so of each kind; empty for nothing. A StoreError leaves the position as it was."""
        # Calls are looked for first and told last: what a call was made of is there before it, also if both come meanwhile.
        calls = self._fresh_calls()
        events = () if self._only_calls else self._reader.events_after(self._project, self._position.arrival, limit=PAGE)
        return [*map(self._event_news, events), *map(self._call_news, calls)]

    def _fresh_calls(self) -> list[Row]:
        since_ms, limit = max(0, self._position.updated_ms - _OVERLAP_MS), PAGE
        while True:
            rows = self._reader.calls_updated_after(self._project, since_ms, limit=limit)
            fresh = [row for row in rows if _change(row) not in self._seen]
            if fresh or len(rows) < limit:
                return fresh
            # A page of nothing but known rows hides what lies behind it.
            limit *= 2

    def _event_news(self, row: Row) -> News:
        self._position = replace(self._position, arrival=int(row["arrival"]))
        return News(kind="event", position=self._position, row=row)

    def _call_news(self, row: Row) -> News:
        self._seen[_change(row)] = None
        while len(self._seen) > _SEEN:
            self._seen.popitem(last=False)
        self._position = replace(self._position, updated_ms=max(self._position.updated_ms, int(row["updated_ms"])))
        return News(kind="call", position=self._position, row=row)


def _change(row: Row) -> tuple[str, int]:
    return str(row["request_id"]), int(row["updated_ms"])


class Doorbell:
    """One follower's wait for news. Rung from any thread; several rings before it looks are one."""

    def __init__(self, project: str, loop: asyncio.AbstractEventLoop) -> None:
        self.project = project
        self._loop = loop
        self._rung = asyncio.Event()

    def ring(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._rung.set)

    async def wait(self, timeout_s: float) -> None:
        """Until it rings or time is up."""
        try:
            await asyncio.wait_for(self._rung.wait(), timeout_s)
        except TimeoutError:
            return
        self._rung.clear()


class LiveHub:
    """Who follows which project. `wake` may be called from any thread and never blocks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bells: set[Doorbell] = set()
        self.is_closed = False

    def require_room(self) -> None:
        """Raises RateLimited when too many follow."""
        if self.followers() >= MAX_FOLLOWERS:
            raise RateLimited(f"{MAX_FOLLOWERS} readers follow already; close one, or try again later")

    @contextmanager
    def follow(self, project: str) -> Generator[Doorbell]:
        """A doorbell of the running event loop, as long as the block lasts."""
        bell = Doorbell(project, asyncio.get_running_loop())
        with self._lock:
            self._bells.add(bell)
        try:
            yield bell
        finally:
            with self._lock:
                self._bells.discard(bell)

    def wake(self, projects: Sequence[str] | None = None) -> None:
        """Something changed in these projects; None: anywhere."""
        with self._lock:
            bells = [bell for bell in self._bells if projects is None or bell.project in projects]
        for bell in bells:
            bell.ring()

    def close(self) -> None:
        """The server stops: end every stream."""
        self.is_closed = True
        self.wake()

    def followers(self) -> int:
        """How many follow now."""
        with self._lock:
            return len(self._bells)


def start_position(reader: Reader, project: str, *, last_event_id: str | None, now_ms: int) -> Position:
    """Where a follower starts: where it was, or now. Raises BadRequest."""
    if last_event_id:
        return Position.parse(last_event_id)
    return Position(arrival=reader.last_arrival(project), updated_ms=now_ms)
