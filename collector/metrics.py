"""
What the collector tells about itself, for Prometheus.

Flow: ingest, storage -> **counters and a look at the store** -> GET /metrics.
Everything lives in a registry of its own, so that two collectors in one process (tests, the demo) do not mix.
docs/metrics.md lists every name; a test holds it to that.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.samples import Sample

from collector.call_metrics import CallFamilies
from collector.errors import HooklineError
from collector.events import Batch, Receipt, Rejection
from collector.meter import Series
from collector.rates import Rates
from collector.retention_metrics import RetentionCounts, RetentionTold
from collector.storage.protocols import EventWriter, Store
from collector.store_metrics import StoreGauges

_COUNTED_TOGETHER = 256
COMMIT_WAITS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counters of one collector."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._rates = Rates()
        self._counting = threading.Lock()
        self._landed: deque[tuple[float, str, int, Receipt, float]] = deque()
        self._series: Callable[[], Sequence[Series]] = tuple
        self._received = Counter("hookline_events_received", "Events that came in and were looked at.", registry=self.registry)
        self._accepted = Counter("hookline_events_accepted", "Events stored, after commit.", registry=self.registry)
        self._duplicates = Counter("hookline_events_duplicates", "Events that were stored before.", registry=self.registry)
        self._rejected = Counter("hookline_events_rejected", "Events not stored.", ["code"], registry=self.registry)
        self._refused = Counter("hookline_posts_refused", "POSTs of events turned away whole.", ["why"], registry=self.registry)
        self._failed = Counter("hookline_commits_failed", "Batches that could not be committed.", registry=self.registry)
        self._waits = Histogram(
            "hookline_commit_wait_seconds",
            "From a batch's arrival to its synced commit.",
            buckets=COMMIT_WAITS_S,
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)

    @property
    def rates(self) -> Rates:
        """How much comes in, lately."""
        self._count_landed()
        return self._rates

    def count_batch(self, batch: Batch, done: "Future[Receipt]", *, took_s: float = 0.0) -> None:
        """Count a batch whose commit ended, well or badly, so long after it came."""
        if done.cancelled() or done.exception() is not None:
            self._received.inc(len(batch.events))
            self._failed.inc()
            return
        # Counters cost more than a line in a list: they are moved for many at once, and before anybody looks.
        self._landed.append((self._rates.now_s(), batch.project, len(batch.events), done.result(), took_s))
        if len(self._landed) >= _COUNTED_TOGETHER:
            self._count_landed()

    def _count_landed(self) -> None:
        received = accepted = duplicates = 0
        with self._counting, contextlib.suppress(IndexError):
            while True:
                at_s, project, events, receipt, took_s = self._landed.popleft()
                received += events
                accepted += receipt.accepted
                duplicates += receipt.duplicates
                self._waits.observe(took_s)
                self._rates.note(project, receipt.accepted, took_s=took_s, at_s=at_s)
        self._received.inc(received)
        self._accepted.inc(accepted)
        self._duplicates.inc(duplicates)

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

    def watch_retention(self, retention: RetentionTold) -> None:
        """Add what retention removed."""
        self.registry.register(RetentionCounts(retention))

    def watch_process(self, about: Mapping[str, str], *, held_bytes: Callable[[], int], followers: Callable[[], int]) -> None:
        """Add what is running, and how much it holds in memory for others."""
        build = Gauge("hookline_build_info", "Always 1; the labels tell what runs.", list(about), registry=self.registry)
        build.labels(**about).set(1)
        bodies = Gauge("hookline_request_bodies_bytes", "Bodies in memory, until their commit.", registry=self.registry)
        bodies.set_function(held_bytes)
        live = Gauge("hookline_live_followers", "Who follows GET /v1/live.", registry=self.registry)
        live.set_function(followers)

    @staticmethod
    def _samples(counter: Counter) -> Iterator[Sample]:
        return (sample for metric in counter.collect() for sample in metric.samples if sample.name.endswith("_total"))

    def watch_calls(self, series: Callable[[], Sequence[Series]]) -> None:
        """Add the calls' histograms to what is told."""
        self._series = series

    def render(self, *, project: str | None = None) -> bytes:
        """All of it, in Prometheus' text format; of the calls only those of a project, where one is given."""
        self._count_landed()
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
