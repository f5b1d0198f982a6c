"""
Calls in the metrics: each once, whatever comes later; exported in time, and a last time at the end.
"""

from collections.abc import Iterator

import pytest
from prometheus_client.core import Sample
from prometheus_client.parser import text_string_to_metric_families

from collector.instruments import OPERATION_DURATION, TIME_PER_OUTPUT_CHUNK, TOOL_DURATION
from collector.meter import Meter
from collector.metrics import Metrics
from collector.pipeline.metrics import MetricsWorker
from collector.spans import Measurement
from collector.storage.engines import open_store
from collector.storage.protocols import Store
from collector.storage.schema import prepare
from tests.fakes.bench import FOREIGN, IDLE_TIMEOUT_MS, SETTLE_MS, UNSAMPLED, Bench
from tests.fakes.clock import FakeClock
from tests.fakes.spans import a_resource


@pytest.fixture
def bench(store_url: str) -> Iterator[Bench]:
    prepare(store_url)
    store: Store = open_store(store_url, settle_ms=SETTLE_MS)
    yield Bench(store, ())
    store.close()


def counted(bench: Bench, metric: str = OPERATION_DURATION) -> int:
    return sum(series.histogram.count for series in bench.pipeline.meter.series() if series.metric == metric)


def test_a_settled_call_is_counted_with_its_tools_and_service(bench: Bench) -> None:
    """
    Also without any destination for spans.
    """
    bench.feed(bench.started("a"), bench.chunk("a"), bench.chunk("a"), bench.tool("a"), bench.completed("a"))
    bench.run()

    assert (1, 1, 1) == (counted(bench), counted(bench, TOOL_DURATION), counted(bench, TIME_PER_OUTPUT_CHUNK))
    assert {"shop"} == {series.resource["service.name"] for series in bench.pipeline.meter.series()}


def test_late_events_and_reassembly_count_nothing_twice(bench: Bench) -> None:
    """
    The store remembers which calls were counted.
    """
    bench.feed(*bench.whole("a"))
    bench.run()
    bench.feed(bench.chunk("a"))
    bench.run_after(5_000)
    bench.store.mark_all_dirty(project=None, request_id=None, now_ms=bench.clock.now_ms())
    bench.run()

    assert 1 == counted(bench)


def test_another_process_does_not_count_them_again(bench: Bench) -> None:
    """
    A restart begins at nothing, and a reassembly then adds nothing.
    """
    bench.feed(*bench.whole("a"))
    bench.run()
    after = Bench(bench.store, ())
    after.clock.advance(10_000)
    bench.store.mark_all_dirty(project=None, request_id=None, now_ms=after.clock.now_ms())

    assert 1 == after.run()
    assert 0 == counted(after)


def test_a_foreign_call_counts_when_it_has_settled(bench: Bench) -> None:
    """
    Not each time it is looked at before.
    """
    bench.feed(*bench.whole("a"), resource=FOREIGN)
    bench.run()
    assert 0 == counted(bench)
    bench.run_after(SETTLE_MS + 1)
    assert 1 == counted(bench)


def test_an_incomplete_call_counts_once_also_if_its_end_comes(bench: Bench) -> None:
    """
    What was counted can't be taken back: the first settling decides.
    """
    bench.feed(bench.started("a"))
    bench.run_after(IDLE_TIMEOUT_MS + 1_000)
    bench.feed(bench.completed("a"))
    bench.run()

    (series,) = (series for series in bench.pipeline.meter.series() if series.metric == OPERATION_DURATION)
    assert (1, "incomplete") == (series.histogram.count, dict(series.attributes)["error.type"])


def test_calls_of_an_unsampled_host_span_count(bench: Bench) -> None:
    """
    Metrics are about all calls.
    """
    bench.feed(*bench.whole("a", traceparent=UNSAMPLED))
    bench.run()

    assert 1 == counted(bench)


class Recorder:
    """An exporter that notes when it was asked."""

    interval_s = 60.0

    def __init__(self) -> None:
        self.at_ns: list[int] = []
        self.is_closed = False

    def export(self, now_ns: int) -> bool:
        self.at_ns.append(now_ns)
        return True

    def close(self) -> None:
        self.is_closed = True


def test_exports_come_at_their_interval_and_at_the_end() -> None:
    """
    The first one after an interval, not at the start, when there is nothing; the last one before closing.
    """
    clock, exporter = FakeClock(), Recorder()
    worker = MetricsWorker(exporter, clock=clock)
    assert (0, 60.0) == (worker.run_once(), worker.until_due_s())

    done = []
    for _ in range(5):
        clock.advance(30_000)
        done.append(worker.run_once())
    worker.finish(timeout_s=60.0)

    assert [0, 1, 0, 1, 0] == done
    assert 3 == len(exporter.at_ns)
    assert clock.now_ms() * 1_000_000 == exporter.at_ns[-1]
    assert exporter.is_closed


def test_prometheus_reads_the_same_sums(bench: Bench) -> None:
    """
    Buckets add up, a label is an attribute or the service's name; a project's reader sees its own calls only.
    """
    bench.feed(bench.started("a"), bench.tool("a"), bench.completed("a"))
    bench.run()
    metrics = Metrics()
    metrics.watch_calls(bench.pipeline.meter.series)

    samples = _samples(metrics.render())
    name = "gen_ai_client_operation_duration_seconds"
    (count,) = samples[f"{name}_count"]
    assert (1.0, "shop", "chat", "model-of-a") == (
        count.value, count.labels["service_name"], count.labels["gen_ai_operation_name"], count.labels["gen_ai_request_model"],
    )  # fmt: skip
    buckets = {sample.labels["le"]: sample.value for sample in samples[f"{name}_bucket"]}
    assert (0.0, 1.0, 1.0) == (buckets["0.08"], buckets["0.16"], buckets["+Inf"])
    assert "look_up" == samples["gen_ai_execute_tool_duration_seconds_count"][0].labels["gen_ai_tool_name"]
    assert samples["hookline_events_received_total"]

    assert not {key for key in _samples(metrics.render(project="another")) if key.startswith("gen_ai")}
    assert {key for key in _samples(metrics.render(project="default")) if key.startswith("gen_ai")}


def _samples(told: bytes) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for family in text_string_to_metric_families(told.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def test_versions_of_a_service_are_one_for_prometheus() -> None:
    """
    Where only its name is a label they would be the same series twice, which Prometheus refuses.
    """
    meter, metrics = Meter(instance_id="c"), Metrics()
    for version in ("1", "2"):
        _count(meter, version)
    metrics.watch_calls(meter.series)

    (count,) = _samples(metrics.render())["gen_ai_client_operation_duration_seconds_count"]
    assert 2.0 == count.value


def _count(meter: Meter, version: str) -> None:
    one = Measurement(metric=OPERATION_DURATION, attributes=(("gen_ai.operation.name", "chat"),), values=(1.0,))
    meter.count("default", a_resource(**{"service.version": version}), [one])
