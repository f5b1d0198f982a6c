"""
Sampling of exports: what is always sent, what a rate means, and that SQL keeps everything.
"""

import hashlib
from collections.abc import Iterator

import pytest

from collector.keeping.sampling import ATTRIBUTE, Sampling, is_in_sample
from collector.storage.engines import open_store
from collector.storage.protocols import Store
from tests.fakes.bench import Bench
from tests.fakes.exporter import RecordingExporter


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """
    One engine: what is sampled is decided before storage.
    """
    opened = open_store(sqlite_url, settle_ms=1000)
    yield opened
    opened.close()


def sent(exporter: RecordingExporter) -> dict[str, float]:
    """Names of the calls' spans that went out, with what each stands for."""
    spans = [span for part in exporter.sends for span in part]
    return {span.name: span.attributes[ATTRIBUTE] for span in spans if ATTRIBUTE in span.attributes}


def test_trouble_is_always_sent(store: Store):
    """
    At rate 0 a failed call goes out, an aborted one, one that never ended, a slow one, and one with a failed tool; a good one
    does not. SQL has all of them.
    """
    exporter = RecordingExporter()
    bench = Bench(store, [exporter], sampling=Sampling(rate=0.0, slow_ms=5_000))
    error = {"error": {"name": "RateLimitError", "message": "429"}, "duration": 12}
    bench.feed(*bench.whole("good"))
    bench.feed(*bench.whole("slow", duration=5_000.0))
    bench.feed(bench.started("failed"), bench._event("failed", "text:request:error", **error))  # pyright: ignore[reportPrivateUsage]
    bench.feed(bench.started("broken"), bench._event("broken", "text:request:aborted", **error))  # pyright: ignore[reportPrivateUsage]
    bench.feed(bench.started("tool"), bench.tool("tool", error={"message": "no"}), bench.completed("tool"))
    bench.feed(bench.started("endless"))
    bench.run_after(1_000)
    bench.run_after(61_000)

    expected = {f"chat model-of-{name}" for name in ("slow", "failed", "broken", "tool", "endless")}
    assert expected == {name for name in exporter.names() if name.startswith("chat")}
    assert {1.0} == set(sent(exporter).values())
    assert ["ok", "incomplete"] == [bench.status("good"), bench.status("endless")]


def test_what_is_sent_says_what_it_stands_for(store: Store):
    """
    A sampled call's span carries the rate, so that a backend can count; without sampling there is no attribute.
    """
    exporter, plain = RecordingExporter(), RecordingExporter()
    bench = Bench(store, [exporter], sampling=Sampling(rate=0.5))
    names = [f"r{number}" for number in range(40)]
    for name in names:
        bench.feed(*bench.whole(name))
    bench.run_after(1_000)

    assert 8 < len(sent(exporter)) < 32
    assert {0.5} == set(sent(exporter).values())
    assert all(bench.status(name) == "ok" for name in names)

    other = Bench(store, [plain])
    other.clock.advance(3_600_000)
    other.feed(*other.whole("whole"))
    other.run_after(1_000)
    assert ["chat model-of-whole"] == plain.names()
    assert {} == sent(plain)


def test_a_trace_is_whole_or_not_there():
    """
    The trace id alone decides, for every collector alike; a smaller rate keeps a part of what a larger one keeps.
    """
    traces = [hashlib.sha256(b"%d" % number).hexdigest()[:32] for number in range(10_000)]
    kept = {rate: {trace for trace in traces if is_in_sample(trace, rate)} for rate in (0.0, 0.1, 0.5, 1.0)}

    assert kept[0.0] <= kept[0.1] <= kept[0.5] <= kept[1.0] == set(traces)
    assert 0 == len(kept[0.0])
    assert 800 < len(kept[0.1]) < 1_200
