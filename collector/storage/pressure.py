"""
Whether requests take all the time that the writer has, so that other work should step back.

Flow: GroupWriter -> **Pressure** -> the store's `is_pressed` -> pipeline.
"""

from typing import Final

WINDOW_S: Final = 0.25
"""Long enough for some commits, short enough to step back while it still helps."""
FULL_SHARE: Final = 0.9
"""Of a window in which the writer had something to do."""
REQUESTS_SHARE: Final = 0.5
"""Of a window that went to requests; where assembly has more than a little of the time, both may just fit, and it must go on."""
CROWD_EVENTS: Final = 250
"""A commit, on average. Smaller ones show that requests come one by one: a full writer is full of something else then."""
HOLDS_S: Final = 2 * WINDOW_S


class Pressure:
    """Noted by the writer's thread, asked by any. Times are those of one monotonic clock."""

    def __init__(self) -> None:
        self._began_s = float("-inf")
        self._requests_s = self._jobs_s = 0.0
        self._commits = self._events = 0
        self._until_s = float("-inf")

    def note_requests(self, now_s: float, *, took_s: float, events: int) -> None:
        """A commit of so many events ended now."""
        self._requests_s += took_s
        self._commits += 1
        self._events += events
        self._look(now_s)

    def note_jobs(self, now_s: float, *, took_s: float) -> None:
        """Other work of the writer ended now."""
        self._jobs_s += took_s
        self._look(now_s)

    def note_many_senders(self, until_s: float) -> None:
        """A commit answered many requests at once: their senders come again, whatever the writer's share was."""
        self._until_s = max(self._until_s, until_s)

    def is_high(self, now_s: float) -> bool:
        """Whether requests press just now."""
        return now_s < self._until_s

    def _look(self, now_s: float) -> None:
        elapsed_s = now_s - self._began_s
        if elapsed_s < WINDOW_S:
            return
        is_full = self._requests_s + self._jobs_s >= FULL_SHARE * elapsed_s
        is_crowded = self._events >= CROWD_EVENTS * self._commits
        if is_full and is_crowded and self._requests_s >= REQUESTS_SHARE * elapsed_s:
            self._until_s = now_s + HOLDS_S
        else:
            self._until_s = float("-inf")
        self._began_s, self._requests_s, self._jobs_s, self._commits, self._events = now_s, 0.0, 0.0, 0, 0
