"""
What retention removed, for Prometheus.

Flow: keeping.retention -> **families** -> metrics -> GET /metrics.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

TABLES = (
    "events", "calls", "spans", "tool_calls", "token_usage", "call_health", "exports", "blobs", "blob_refs", "hook_states",
    "resources",
)  # fmt: skip
"""From the start each has a number, so that the first removal is an increase."""


class RetentionTold(Protocol):
    """A worker that counts."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows by table, `bytes` and `partitions`, since the start."""
        ...

    def pass_age_s(self) -> float:
        """How long ago its last pass came to an end."""
        ...


class RetentionCounts(Collector):
    """Rows, bytes, partitions, and when it was last all looked through."""

    def __init__(self, retention: RetentionTold) -> None:
        self._retention = retention

    def collect(self) -> Iterator[Metric]:
        counts = self._retention.counts
        rows = CounterMetricFamily("hookline_retention_rows_removed", "Rows that retention removed.", labels=["table"])
        for table in TABLES:
            rows.add_metric([table], counts.get(table, 0))
        yield rows
        yield CounterMetricFamily(
            "hookline_retention_bytes_removed", "About how many bytes these had, and media.", value=counts.get("bytes", 0)
        )
        yield CounterMetricFamily(
            "hookline_retention_partitions_dropped", "Partitions of events that went whole.", value=counts.get("partitions", 0)
        )
        yield GaugeMetricFamily(
            "hookline_retention_pass_age_seconds", "Since a pass of this process ended.", value=self._retention.pass_age_s()
        )
