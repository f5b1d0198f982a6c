"""
What became of spans that were sent, until it is stored.

Flow: ExportWorker -> **Outcomes** -> storage (TX 3). None is forgotten, which would send its span again.
A commit waits for its turn among the others; spans that were assembled meanwhile need not wait for it, too.
"""

from collections.abc import Iterable, Sequence

from collector.clock import Clock
from collector.storage.outbox import ExportOutcome, Outbox, Underway

MOST_KEPT = 4_096
"""Beyond that the worker waits for the commit: were the database that slow, it would send what it can't write down."""


class Outcomes:
    """One worker's, used by its thread alone. All that writes raises StoreUnavailable, and may be tried again."""

    def __init__(self, store: Outbox, clock: Clock, *, most_kept: int = MOST_KEPT) -> None:
        self._store = store
        self._clock = clock
        self._most_kept = most_kept
        self._kept: list[ExportOutcome] = []
        self._begun: list[ExportOutcome] = []
        self._underway: Underway | None = None

    @property
    def kept(self) -> Sequence[ExportOutcome]:
        """Those that nobody stores yet."""
        return self._kept

    @property
    def is_open(self) -> bool:
        """Whether something is not known to be stored."""
        return bool(self._kept) or self._underway is not None

    def add(self, outcomes: Iterable[ExportOutcome]) -> None:
        """Keep them."""
        self._kept.extend(outcomes)

    def drop_kept(self) -> None:
        """Somebody stored them together with something else."""
        self._kept = []

    def begin(self) -> None:
        """See to it that all are stored soon: one commit at a time, and only a full one is waited for."""
        if self._underway is not None:
            if not self._underway.is_over() and len(self._kept) < self._most_kept:
                return
            self._end()
        if self._kept:
            self._underway = self._store.begin_settling(self._kept, now_ms=self._clock.now_ms())
            self._begun, self._kept = self._kept, []

    def settle(self) -> None:
        """Store all of them."""
        if self._underway is not None:
            self._end()
        if self._kept:
            self._store.settle_exports(self._kept, now_ms=self._clock.now_ms())
            self._kept = []

    def _end(self) -> None:
        assert self._underway is not None
        underway, begun = self._underway, self._begun
        self._underway, self._begun = None, []
        try:
            underway.result()
        except BaseException:
            self._kept = [*begun, *self._kept]
            raise
