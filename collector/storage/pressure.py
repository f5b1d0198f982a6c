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
HOLDS_S: Final = 2 * WINDOW_S


class Pressure:
    """Noted by the writer's thread, asked by any. Times are those of one monotonic clock."""

    def __init__(self) -> None:
        self._began_s = float("-inf")
        self._requests_s = self._jobs_s = 0.0
        self._until_s = float("-inf")

    def note(self, now_s: float, *, requests_s: float = 0.0, jobs_s: float = 0.0) -> None:
        """So long the writer was at work, until now."""
        self._requests_s += requests_s
        self._jobs_s += jobs_s
        elapsed_s = now_s - self._began_s
        if elapsed_s < WINDOW_S:
            return
        is_full = self._requests_s + self._jobs_s >= FULL_SHARE * elapsed_s
        if is_full and self._requests_s >= REQUESTS_SHARE * elapsed_s:
            self._until_s = now_s + HOLDS_S
        else:
            self._until_s = float("-inf")
        self._began_s, self._requests_s, self._jobs_s = now_s, 0.0, 0.0

    def note_many_senders(self, until_s: float) -> None:
        """A commit answered many requests at once: their senders come again, whatever the writer's share was."""
        self._until_s = max(self._until_s, until_s)

    def is_high(self, now_s: float) -> bool:
        """Whether requests press just now."""
        return now_s < self._until_s
