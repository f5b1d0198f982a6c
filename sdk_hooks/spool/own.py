"""
What this process could not deliver yet, on disk and in order.

Flow: delivery -> **own spool** -> delivery.
A chain of segments, each locked by this process; the last one grows. Not for several threads: the emitter's lock is around it.
"""

import os
from collections import deque
from collections.abc import Callable
from time import time_ns

from sdk_hooks.encoding import Batch
from sdk_hooks.guard import log
from sdk_hooks.loss_counts import Losses
from sdk_hooks.spool.destination import Destination
from sdk_hooks.spool.reading import Reader
from sdk_hooks.spool.records import encode_record
from sdk_hooks.spool.room import drop, make_room
from sdk_hooks.spool.segments import create, make_folder

SEGMENTS = 16
"""Into how many the bound is divided: so much goes at once when it is reached, and so many files may be open."""
LEAST_SEGMENT_BYTES = 64 * 1024
LOOKS_A_SEGMENT = 16
"""How often the folder is looked at while one segment grows: other processes write there too."""
TRY_AGAIN_S = 60.0


class OwnSpool:
    """Batches on disk, first in, first out. Nothing here raises because of the disk."""

    def __init__(
        self,
        losses: Losses,
        clock_s: Callable[[], float],
        *,
        folder: str | None,
        max_bytes: int,
        max_age_s: float,
        destination: Callable[[], Destination],
    ) -> None:
        self._losses = losses
        self._clock_s = clock_s
        self._folder = folder if max_bytes > 0 else None
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._destination = destination
        self._readers: deque[Reader] = deque()
        self._segment_bytes = max(LEAST_SEGMENT_BYTES, max_bytes // SEGMENTS)
        self._unchecked_bytes = 0
        self._try_again_s = float("-inf")
        self._is_told = False

    def __len__(self) -> int:
        """How many events wait."""
        return sum(reader.waiting() for reader in self._readers)

    @property
    def is_empty(self) -> bool:
        return not self._readers

    def paths(self) -> list[str]:
        """The files that this process holds."""
        return [reader.segment.path for reader in self._readers]

    def append(self, batch: Batch) -> bool:
        """Write a batch behind the others. False: there is no disk for it, now."""
        if self._folder is None or self._clock_s() < self._try_again_s:
            return False
        record = encode_record(batch.body, is_gzip=batch.is_gzip, count=batch.event_count, prefix_bytes=batch.prefix_bytes)
        try:
            reader = self._writable(self._folder, len(record))
            reader.segment.append(record)
        except (OSError, ValueError) as error:
            self._unavailable(self._folder, error)
            return False
        reader.added(batch.event_count)
        self._is_told = False
        return True

    def batch(self, max_events: int, max_bytes: int, *, joins: bool = True) -> Batch | None:
        """The oldest that waits, with `joins` together with those behind it; until `release` it stays the oldest."""
        while self._readers:
            try:
                found = self._readers[0].batch(max_events, max_bytes, joins=joins)
            except (OSError, ValueError, EOFError) as error:
                self._lost_sight(error)
                continue
            if found is not None:
                return found
            self._remove_first()
        return None

    def release(self) -> None:
        """The batch that was given last is done with."""
        if not self._readers:
            return
        try:
            self._readers[0].release()
            if self._readers[0].is_over:
                self._remove_first()
        except OSError as error:
            self._lost_sight(error)

    def close(self) -> None:
        """Give the segments to whoever comes next."""
        while self._readers:
            self._readers.popleft().segment.close()

    def _writable(self, folder: str, size: int) -> Reader:
        """The segment for the next record; makes room for it first."""
        last = self._readers[-1] if self._readers else None
        self._unchecked_bytes += size
        is_full = last is None or last.segment.end + size > self._segment_bytes
        if is_full or self._unchecked_bytes * LOOKS_A_SEGMENT > self._segment_bytes:
            self._make_room(folder, size)
            last = self._readers[-1] if self._readers else None
        if last is None or is_full or not last.segment.is_in_place():
            now_ms = time_ns() // 1_000_000
            make_folder(folder)
            segment = create(folder, f"{now_ms:012x}{os.urandom(4).hex()}", self._destination().about(now_ms))
            last = Reader(segment, self._losses)
            last.waiting()
            self._readers.append(last)
        return last

    def _make_room(self, folder: str, size: int) -> None:
        self._unchecked_bytes = 0
        bound = max(0, self._max_bytes - size)
        excess = make_room(folder, max_bytes=bound, max_age_s=self._max_age_s, held=self.paths(), losses=self._losses)
        while excess > 0 and self._readers:
            oldest = self._readers.popleft().segment
            excess -= oldest.end
            drop(oldest, "spool_full", self._losses)

    def _remove_first(self) -> None:
        segment = self._readers.popleft().segment
        try:
            segment.remove()
        except OSError as error:
            self._tell("hookline: a delivered file of the spool can't be removed (%s); its events are sent again", error)

    def _lost_sight(self, error: Exception) -> None:
        """The oldest segment can't be read: its events are lost, those behind it are not."""
        reader = self._readers.popleft()
        self._losses.count("spool_torn", max(1, reader.waiting()))
        reader.segment.close()
        self._tell("hookline: a file of the spool can't be read (%s)", error)

    def _unavailable(self, folder: str, error: Exception) -> None:
        self._try_again_s = self._clock_s() + TRY_AGAIN_S
        if not self._is_told:
            self._is_told = True
            why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else type(error).__name__
            log(
                "warning",
                "hookline: the spool at %s can't be written (%s); events wait in memory, as far as there is room",
                folder,
                why,
            )

    def _tell(self, message: str, error: Exception) -> None:
        log("warning", message, type(error).__name__)
