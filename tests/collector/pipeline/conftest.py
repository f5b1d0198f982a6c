"""
A pipeline over SQLite with an exporter that keeps what it is sent; what is to hold for both engines has a `store` of its own.
"""

from collections.abc import Iterator

import pytest

from collector.storage.engines import open_store
from collector.storage.protocols import Store
from tests.fakes.bench import SETTLE_MS, Bench
from tests.fakes.exporter import RecordingExporter


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """
    A store on an empty database.
    """
    opened = open_store(sqlite_url, settle_ms=SETTLE_MS)
    yield opened
    opened.close()


@pytest.fixture
def exporter() -> RecordingExporter:
    """
    Takes every span, until a test wants it otherwise.
    """
    return RecordingExporter()


@pytest.fixture
def bench(store: Store, exporter: RecordingExporter) -> Bench:
    """
    The pipeline between them, and a way to feed it.
    """
    return Bench(store, [exporter])
