"""
Gauges of the store and counts of the workers, for Prometheus.

Flow: storage, pipeline -> **families** -> metrics -> GET /metrics. Tables are looked at when somebody asks, at most once in a few
seconds: counting rows costs, and Prometheus asks often.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from collector.errors import StoreError
from collector.storage.protocols import Row, Store

STATE_LIFE_S = 5.0
"""How long a look at the store's tables is good for."""


class StoreGauges(Collector):
    """Queues, their age, what is to be exported, and what the workers did."""

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
        store = self._store
        yield _gauge("hookline_queue_events", "Events waiting for a commit.", store.queued_events())
        yield _gauge("hookline_commit_age_seconds", "Since the last commit while something waits.", store.last_commit_age_s())
        yield _gauge("hookline_commits_failing", "Whether the last commit failed.", store.failing_because() is not None)
        yield from _work_families(self._work_done())
        try:
            state = self.state()
        except StoreError:
            yield _gauge("hookline_database_up", "Whether the database answers.", 0)
            return
        yield _gauge("hookline_database_up", "Whether the database answers.", 1)
        yield from _state_families(state, time.time() * 1000)

    def state(self) -> Row:
        """The store's state, at most a few seconds old. Raises StoreError."""
        now_s = self._clock_s()
        if self._read_at_s is None or now_s - self._read_at_s > STATE_LIFE_S:
            self._state = self._store.state()
            self._read_at_s = now_s
        return self._state


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _work_families(done: Mapping[str, int]) -> Iterator[Metric]:
    """The pipeline's counts: `calls_<outcome>`, and `<destination>_<outcome>` of spans."""
    calls = CounterMetricFamily("hookline_calls", "Calls that were worked on, by outcome.", labels=["outcome"])
    spans = CounterMetricFamily(
        "hookline_export_spans", "Spans that were worked on, by outcome.", labels=["destination", "outcome"]
    )
    for name, number in done.items():
        whose, _, outcome = name.partition("_")
        if whose == "calls":
            calls.add_metric([outcome], number)
        else:
            spans.add_metric([whose, outcome], number)
    yield calls
    yield spans


def _state_families(state: Row, now_ms: float) -> Iterator[Metric]:
    late_s = _age_s(state.get("oldest_due_ms"), now_ms)
    yield _gauge("hookline_oldest_due_work_seconds", "How long the oldest due call waits to be assembled.", late_s)
    counts = dict(state.get("rows", {}))
    yield _gauge("hookline_calls_waiting", "Calls with news that are not assembled yet.", float(counts.get("call_work", 0)))
    rows = GaugeMetricFamily("hookline_rows", "Rows a table, roughly where there are many.", labels=["table"])
    for table, count in counts.items():
        rows.add_metric([str(table)], float(count))
    yield rows
    yield from _export_families([dict(item) for item in state.get("exports", ())], now_ms)


def _export_families(groups: list[dict[str, Any]], now_ms: float) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("hookline_exports", "Spans to send, by destination and state.", labels=["destination", "state"])
    lag = GaugeMetricFamily(
        "hookline_export_lag_seconds", "How long the oldest span waits that is to be sent.", labels=["destination"]
    )
    for group in groups:
        destination = str(group["destination"])
        waiting.add_metric([destination, str(group["state"])], float(group["count"]))
        if group["state"] == "pending":
            lag.add_metric([destination], _age_s(group.get("oldest_queued_ms"), now_ms))
    yield waiting
    yield lag


def _age_s(since_ms: Any, now_ms: float) -> float:
    return max(0.0, (now_ms - float(since_ms)) / 1000) if since_ms is not None else 0.0
