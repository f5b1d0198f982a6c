"""
Stores for the conformance suite: each engine in turn, opened and closed.
"""

from collections.abc import Iterator

import pytest

from collector.storage.engines import open_store
from collector.storage.protocols import Store

SETTLE_MS = 1_000


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """
    A store on a fresh database, on each engine.
    """
    opened = open_store(store_url, settle_ms=SETTLE_MS)
    yield opened
    opened.close()
