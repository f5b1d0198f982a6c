"""
What processes before this one left behind: claimed one segment at a time, sent behind everything of our own.

Flow: segments that no live process holds -> **leftovers** -> delivery.
"""

from collections.abc import Callable

from sdk_hooks.encoding import Batch
from sdk_hooks.loss_counts import Losses
from sdk_hooks.spool.destination import Destination
from sdk_hooks.spool.reading import Reader
from sdk_hooks.spool.segments import Segment, claim, list_segments

LOOK_EVERY_S = 30.0


class Leftovers:
    """Other processes' batches for our collector. Nothing here raises because of the disk."""

    def __init__(
        self,
        losses: Losses,
        clock_s: Callable[[], float],
        *,
        folder: str | None,
        destination: Callable[[], Destination],
    ) -> None:
        self._losses = losses
        self._clock_s = clock_s
        self._folder = folder
        self._destination = destination
        self._reader: Reader | None = None
        self._look_at_s = float("-inf")
        self._paths: list[str] = []

    @property
    def may_have_more(self) -> bool:
        """Whether it is worth asking for another batch soon."""
        return self._reader is not None or bool(self._paths)

    def batch(self, max_events: int, max_bytes: int, *, held: list[str]) -> Batch | None:
        """The next batch that somebody left for our collector; the same again until `release`."""
        while self._reader is not None or self._claim_next(held):
            reader = self._reader
            if reader is None:
                return None
            try:
                found = reader.batch(max_events, max_bytes)
            except (OSError, ValueError, EOFError):
                self._losses.count("spool_torn", max(1, reader.waiting()))
                found = None
            if found is not None:
                return found
            self._reader = None
            _remove(reader.segment)
        return None

    def release(self) -> None:
        """What was given last is delivered, or refused for good."""
        reader = self._reader
        if reader is None:
            return
        try:
            reader.release()
        except OSError:
            self.close()
            return
        if reader.is_over:
            self._reader = None
            _remove(reader.segment)

    def close(self) -> None:
        """Whoever comes next goes on where this process stopped."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.segment.close()

    def _claim_next(self, held: list[str]) -> bool:
        if not self._paths and self._folder is not None and self._clock_s() >= self._look_at_s:
            self._look_at_s = self._clock_s() + LOOK_EVERY_S
            try:
                self._paths = [found.path for found in reversed(list_segments(self._folder)) if found.path not in held]
            except OSError:
                self._paths = []
        while self._paths:
            segment = _claimed(self._paths.pop())
            if segment is None:
                continue
            if not segment.about:
                _remove(segment)
            elif self._destination().takes(segment.about):
                self._reader = Reader(segment, self._losses)
                return True
            else:
                segment.close()
        return False


def _claimed(path: str) -> Segment | None:
    try:
        return claim(path)
    except OSError:
        return None


def _remove(segment: Segment) -> None:
    try:
        segment.remove()
    except OSError:
        # It stays; the collector recognises its events when somebody sends them again.
        segment.close()
