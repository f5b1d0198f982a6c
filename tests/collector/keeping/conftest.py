"""
A store on each engine, for what keeping does.
"""

from collections.abc import Iterator

import pytest

from collector.storage.engines import open_store
from collector.storage.protocols import Store


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """
    A store on a fresh database, on each engine.
    """
    opened = open_store(store_url, settle_ms=0)
    yield opened
    opened.close()
