"""
A machine's clock may be set back, or be years ahead for a while: nothing stays behind for ever.
"""

from collections.abc import Iterator

import pytest

from collector.exporters.protocol import Later
from collector.pipeline.upkeep import EVERY_S, UpkeepWorker
from collector.storage.engines import open_store
from tests.fakes.bench import FOREIGN, Bench
from tests.fakes.exporter import RecordingExporter

HOUR_MS = 3_600_000
YEARS_MS = 10 * 365 * 24 * HOUR_MS


@pytest.fixture
def bench(store_url: str, exporter: RecordingExporter) -> Iterator[Bench]:
    """
    A pipeline on each engine.
    """
    store = open_store(store_url, settle_ms=1_000)
    yield Bench(store, [exporter])
    store.close()


def test_clock_set_back(bench: Bench, exporter: RecordingExporter) -> None:
    """
    What comes after the jump is assembled and sent as ever; what waited for its time before it does so at the latest when the
    clock is there again. Each span goes out once.
    """
    bench.feed(*bench.whole("before"), resource=FOREIGN)
    bench.clock.jump(-HOUR_MS)
    bench.feed(*bench.whole("after"), resource=FOREIGN)
    bench.run_after(2_000)
    assert "ok" == bench.status("after")
    bench.run_after(HOUR_MS)

    assert "ok" == bench.status("before")
    assert ["chat model-of-after", "chat model-of-before"] == exporter.names()


def test_clock_far_ahead_for_a_while(bench: Bench, exporter: RecordingExporter) -> None:
    """
    Work that was put ten years into the future is brought back when the clock is right again.
    """
    upkeep = UpkeepWorker(bench.store, clock=bench.clock)
    upkeep.run_once()
    bench.clock.jump(YEARS_MS)
    exporter.will(Later(reason="away"))
    bench.feed(*bench.whole("unsent"))
    bench.run()
    bench.feed(*bench.whole("unsettled"), resource=FOREIGN)
    bench.clock.jump(-YEARS_MS)
    bench.run_after(EVERY_S * 1000)
    assert [] == exporter.names()[1:]

    upkeep.run_once()
    bench.run_after(1_000)
    assert ["ok", "ok"] == [bench.status("unsent"), bench.status("unsettled")]
    assert {"chat model-of-unsent", "chat model-of-unsettled"} == set(exporter.names()[1:])
    assert 3 == len(exporter.names())
