"""
Sends the metrics at their interval, and a last time at the end.

Flow: meter -> exporter, **when it is time**.
"""

import threading

from collector.clock import Clock
from collector.exporters.protocol import MetricsExporter


class MetricsWorker:
    """Owns the exporter: it closes it."""

    def __init__(self, exporter: MetricsExporter, *, clock: Clock) -> None:
        self._exporter = exporter
        self._clock = clock
        self._one_at_a_time = threading.Lock()
        self._next_s = clock.monotonic_s() + exporter.interval_s

    def until_due_s(self) -> float:
        """How long until the next export."""
        return max(self._next_s - self._clock.monotonic_s(), 0.0)

    def run_once(self) -> int:
        """Export if it is time; how often that was done."""
        if self.until_due_s() > 0:
            return 0
        self._next_s = self._clock.monotonic_s() + self._exporter.interval_s
        self._export()
        return 1

    def finish(self, *, timeout_s: float) -> None:
        """What was counted since the last export must not wait for a next one; but a backend that is away must not keep us."""
        last = threading.Thread(target=self._export, name="hookline-last-metrics", daemon=True)
        last.start()
        last.join(timeout_s)
        self._exporter.close()

    def _export(self) -> None:
        with self._one_at_a_time:
            self._exporter.export(self._clock.now_ms() * 1_000_000)
