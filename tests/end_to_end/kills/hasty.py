"""
A collector that is broken on purpose: it acknowledges before the commit. The harness has to notice.

Loaded only in a process that the harness started as `serve_hastily`.
"""

import threading
from concurrent.futures import Future

from collector.events import Batch, Receipt
from collector.storage import engines
from collector.storage.writer import GroupWriter

HELD_S = 2.0
"""Longer than a round of the test lasts: whenever the kill falls, something acknowledged is in memory alone."""


class HastyWriter(GroupWriter):
    """Says 200 while the events are still in memory, as a collector does that answers from its queue and stores now and then."""

    def append(self, batch: Batch) -> Future[Receipt]:
        storing = threading.Timer(HELD_S, super().append, (batch,))
        storing.daemon = True
        storing.start()
        told: Future[Receipt] = Future()
        told.set_result(Receipt(accepted=len(batch.events), duplicates=0))
        return told


def acknowledge_before_commit() -> None:
    """From now on every store of this process has that writer."""
    engines.GroupWriter = HastyWriter
