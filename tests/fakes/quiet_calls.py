"""
The calls of a database as they are once it has long been quiet, by a clock that stands there: none of the test's time passes.
"""

import time
from typing import Any

from collector.pipeline.pipeline import Pipeline
from collector.storage.engines import open_store
from tests.end_to_end.database import query
from tests.fakes.clock import FakeClock

QUIET_MS = 60_000


def quiet_calls(url: str) -> list[dict[str, Any]]:
    """All calls. No collector may have the database open."""
    store = open_store(url, settle_ms=0)
    try:
        clock = FakeClock(round(time.time() * 1000) + QUIET_MS)
        pipeline = Pipeline(store, (), settle_ms=0, idle_timeout_ms=30 * QUIET_MS, clock=clock)
        while pipeline.run_once():
            pass
    finally:
        store.close()
    return query(url, "SELECT * FROM calls")
