"""
What the collector tells about itself, for Prometheus.

Flow: ingest, storage -> **counters and a look at the store** -> GET /metrics.
Counters live in a registry of their own, so that two collectors in one process (tests, the demo) do not mix. Gauges are read
from the store when somebody asks, at most once in a few seconds.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, cast

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from collector.call_metrics import CallFamilies
from collector.errors import HooklineError, StoreError
from collector.events import Batch, Receipt, Rejection
from collector.meter import Series
from collector.rates import Rates
from collector.storage.protocols import EventWriter, Row, Store

STATE_LIFE_S = 5.0
"""How long a look at the store's tables is good for: counting rows costs, and Prometheus asks often."""


class Metrics:
    """The counters of one collector."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.rates = Rates()
        self._series: Callable[[], Sequence[Series]] = tuple
        self._received = Counter("hookline_events_received", "Events that came in and were looked at.", registry=self.registry)
        self._accepted = Counter("hookline_events_accepted", "Events stored, after commit.", registry=self.registry)
        self._duplicates = Counter("hookline_events_duplicates", "Events that were stored before.", registry=self.registry)
        self._rejected = Counter("hookline_events_rejected", "Events not stored.", ["code"], registry=self.registry)
        self._refused = Counter("hookline_posts_refused", "POSTs of events turned away whole.", ["why"], registry=self.registry)
        self._failed = Counter("hookline_commits_failed", "Batches that could not be committed.", registry=self.registry)

    def count_batch(self, batch: Batch, done: "Future[Receipt]", *, took_s: float = 0.0) -> None:
        """Count a batch whose commit ended, well or badly, so long after it came."""
        self._received.inc(len(batch.events))
        if done.cancelled() or done.exception() is not None:
            self._failed.inc()
            return
        receipt = done.result()
        self._accepted.inc(receipt.accepted)
        self._duplicates.inc(receipt.duplicates)
        self.rates.note(batch.project, receipt.accepted, took_s=took_s)

    def count_rejections(self, rejections: Sequence[Rejection]) -> None:
        """Count events that were turned away."""
        self._received.inc(len(rejections))
        for rejection in rejections:
            self._rejected.labels(rejection.code).inc()

    def count_refusal(self, error: HooklineError) -> None:
        """Count a POST of events that was turned away whole."""
        self._refused.labels(type(error).__name__).inc()

    def refused_by_reason(self) -> dict[str, int]:
        """How many POSTs were turned away whole since the start, by the error's name."""
        return {sample.labels["why"]: int(sample.value) for sample in self._samples(self._refused)}

    def rejected_by_code(self) -> dict[str, int]:
        """How many events were rejected since the start, by code."""
        return {sample.labels["code"]: int(sample.value) for sample in self._samples(self._rejected)}

    def failed_commits(self) -> int:
        """How many batches could not be committed since the start; their senders were told so."""
        return int(next(sample.value for sample in self._samples(self._failed)))

    def watch(self, store: Store, work_done: Callable[[], Mapping[str, int]]) -> "StoreGauges":
        """Add the store's gauges, and the pipeline's counts, to what is told."""
        gauges = StoreGauges(store, work_done)
        self.registry.register(gauges)
        return gauges

    @staticmethod
    def _samples(counter: Counter) -> Iterator[Sample]:
        return (sample for metric in counter.collect() for sample in metric.samples if sample.name.endswith("_total"))

    def watch_calls(self, series: Callable[[], Sequence[Series]]) -> None:
        """Add the calls' histograms to what is told."""
        self._series = series

    def render(self, *, project: str | None = None) -> bytes:
        """All of it, in Prometheus' text format; of the calls only those of a project, where one is given."""
        calls = CallFamilies(one for one in self._series() if project in (None, one.project))
        return generate_latest(self.registry) + generate_latest(cast("CollectorRegistry", calls))


class CountedWriter:
    """An EventWriter that counts what goes through it."""

    def __init__(self, writer: EventWriter, metrics: Metrics) -> None:
        self._writer = writer
        self._metrics = metrics

    def append(self, batch: Batch) -> "Future[Receipt]":
        """As EventWriter.append."""
        began_s = time.monotonic()
        future = self._writer.append(batch)
        future.add_done_callback(lambda done: self._metrics.count_batch(batch, done, took_s=time.monotonic() - began_s))
        return future

    def last_commit_age_s(self) -> float:
        """As EventWriter.last_commit_age_s."""
        return self._writer.last_commit_age_s()

    def failing_because(self) -> str | None:
        """As EventWriter.failing_because."""
        return self._writer.failing_because()

    def queued_events(self) -> int:
        """As EventWriter.queued_events."""
        return self._writer.queued_events()


class StoreGauges(Collector):
    """Queue depth, commit age, due work and exports, as gauges."""

    def __init__(
        self, store: Store, work_done: Callable[[], Mapping[str, int]], clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._work_done = work_done
        self._clock_s = clock_s
        self._state: Row = {}
        self._read_at_s: float | None = None

    def describe(self) -> list[Metric]:
        # Registering must not read the database.
        return []

    def collect(self) -> Iterator[Metric]:
        yield _gauge("hookline_queue_events", "Events waiting for a commit.", self._store.queued_events())
        yield _gauge(
            "hookline_commit_age_seconds", "Since the last commit while something waits.", self._store.last_commit_age_s()
        )
        done = CounterMetricFamily("hookline_pipeline", "What the workers did since the start.", labels=["what"])
        for what, number in self._work_done().items():
            done.add_metric([what], number)
        yield done
        try:
            state = self.state()
        except StoreError:
            yield _gauge("hookline_database_up", "Whether the database answers.", 0)
            return
        yield _gauge("hookline_database_up", "Whether the database answers.", 1)
        yield from _state_gauges(state)

    def state(self) -> Row:
        """The store's state, at most a few seconds old. Raises StoreError."""
        now_s = self._clock_s()
        if self._read_at_s is None or now_s - self._read_at_s > STATE_LIFE_S:
            self._state = self._store.state()
            self._read_at_s = now_s
        return self._state


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _state_gauges(state: Row) -> Iterator[Metric]:
    due_ms = state.get("oldest_due_ms")
    late_s = max(0.0, time.time() - due_ms / 1000) if due_ms is not None else 0.0
    yield _gauge("hookline_oldest_due_work_seconds", "How long the oldest due work waits.", late_s)
    rows = GaugeMetricFamily("hookline_rows", "Rows a table.", labels=["table"])
    for table, count in dict(state.get("rows", {})).items():
        rows.add_metric([str(table)], float(count))
    yield rows
    exports = GaugeMetricFamily("hookline_exports", "Spans to send, by destination and state.", labels=["destination", "state"])
    for item in _exports(state):
        exports.add_metric([str(item["destination"]), str(item["state"])], float(item["count"]))
    yield exports


def _exports(state: Row) -> list[dict[str, Any]]:
    return [dict(item) for item in state.get("exports", ())]
