"""
The workers behind the store: due calls are assembled, waiting spans are sent, and nobody waits for anybody.

Flow: ingest -> storage -> **pipeline (assembly, exporters)** -> storage.
Everything it knows is in the store's work tables: a crash repeats work, safely; `wake` only makes it quick.
"""

import contextlib
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from collector.clock import Clock, SystemClock
from collector.errors import StoreError
from collector.exporters.protocol import Exporter, MetricsExporter
from collector.keeping.retention import RetentionWorker
from collector.keeping.sampling import Sampling
from collector.meter import Meter
from collector.pipeline import calls, exports
from collector.pipeline.backoff import Backoff
from collector.pipeline.bench import Assemble, Bench, Timing, real_assembly
from collector.pipeline.benches import Benches
from collector.pipeline.calls import CallWorker
from collector.pipeline.exports import DestinationState, ExportWorker
from collector.pipeline.loop import Loop
from collector.pipeline.metrics import MetricsWorker
from collector.pipeline.upkeep import UpkeepWorker
from collector.pipeline.worker_process import WorkerProcess
from collector.storage.membership import new_owner
from collector.storage.outbox import ExportClaim, SpanLease
from collector.storage.protocols import WorkQueue

POLL_S = 1.0
"""Work that another process put into the store is found so soon at least; our own commits ring."""
ASSEMBLY_WAITS_MS = (1_000, 3_600_000)
LAST_EXPORT_S = 1.0
"""What the last export of metrics may take, even where stopping took all of its time."""


class Pipeline:
    """
    One thread for calls, one a destination, one for each of the rest. The exporters are its own: it closes them.

    `run_once` is the same work without threads; `worker_process` assembles where there is much of it. `on_settled` is told the
    projects whose calls changed, after the commit.
    """

    def __init__(
        self,
        store: WorkQueue,
        exporters: Sequence[Exporter],
        *,
        settle_ms: int,
        idle_timeout_ms: int,
        capture_content: bool = False,
        clock: Clock | None = None,
        owner: str | None = None,
        assemble: Assemble | None = None,
        on_settled: Callable[[tuple[str, ...]], None] = lambda projects: None,
        roll: Callable[[], float] = random.random,
        poll_s: float = POLL_S,
        meter: Meter | None = None,
        metrics_exporter: MetricsExporter | None = None,
        retention: RetentionWorker | None = None,
        upkeep: UpkeepWorker | None = None,
        sampling: Sampling = Sampling(),  # noqa: B008  (frozen)
        worker_process: WorkerProcess | None = None,
        is_always_beside: bool = False,
    ) -> None:
        self._store = store
        self._exporters = tuple(exporters)
        self._clock = clock or SystemClock()
        self._owner = owner = owner or new_owner()
        self.meter = meter or Meter(instance_id=owner)
        bench = Bench(
            store,
            assemble or real_assembly(capture_content=capture_content),
            {exporter.destination: exporter.encode for exporter in self._exporters},
            timing=Timing(settle_ms=settle_ms, idle_timeout_ms=idle_timeout_ms),
            sampling=sampling,
        )
        self._calls = CallWorker(
            store,
            Benches(bench, worker_process, is_always_beside=is_always_beside),
            clock=self._clock,
            owner=owner,
            backoff=_backoff(ASSEMBLY_WAITS_MS, roll),
            on_settled=on_settled,
            lease_spans=self._lease_spans,
            on_leased=self._hand_over,
            count=self.meter.count,
        )
        self._exports = tuple(
            ExportWorker(store, exporter, clock=self._clock, owner=owner, roll=roll) for exporter in self._exporters
        )
        self._call_loop = self._loop_of_calls(poll_s)
        self._export_loops = tuple(self._export_loop(worker, poll_s) for worker in self._exports)
        self._metrics = None if metrics_exporter is None else MetricsWorker(metrics_exporter, clock=self._clock)
        self._retention = retention
        others = (("metrics", self._metrics), ("retention", retention), ("upkeep", upkeep))
        self._other_loops = tuple(
            Loop(f"hookline-{name}", worker.run_once, worker.until_due_s, poll_s=poll_s)
            for name, worker in others
            if worker is not None
        )
        self._is_started = False

    @property
    def destinations(self) -> tuple[str, ...]:
        """Where spans go."""
        return tuple(exporter.destination for exporter in self._exporters)

    def run_once(self) -> int:
        """Do once what is due; how much was done. 0: nothing is due, or destinations rest."""
        return self._calls.run_once() + sum(worker.run_once() for worker in self._exports)

    def start(self) -> None:
        """Start the threads."""
        self._is_started = True
        for loop in self._loops():
            loop.start()

    def wake(self) -> None:
        """A commit may have made work: look now. From any thread, at any rate."""
        self._call_loop.ring()

    def send_now(self) -> None:
        """Let destinations rest no longer, and send what is due. From any thread."""
        for worker in self._exports:
            worker.send_now()
        self._ring_exports()

    def destination_states(self) -> tuple[DestinationState, ...]:
        """How it stands with each destination. From any thread."""
        return tuple(worker.state() for worker in self._exports)

    def stop(self, timeout_s: float) -> bool:
        """Let rounds that run end, within the time; whether all did. What was not done stays in the store."""
        ends_s = time.monotonic() + timeout_s
        loops = self._loops() if self._is_started else ()
        for worker in self._exports:
            worker.wind_down()
        for loop in loops:
            loop.ask_to_stop()
        ended = [loop.join(ends_s - time.monotonic()) for loop in loops]
        if all(ended):
            self._finish()
        for exporter in self._exporters:
            exporter.close()
        if self._metrics is not None:
            self._metrics.finish(timeout_s=max(ends_s - time.monotonic(), LAST_EXPORT_S))
        return all(ended)

    @property
    def retention(self) -> RetentionWorker | None:
        """What it removed, and when."""
        return self._retention

    def counts(self) -> Mapping[str, int]:
        """Since the start: `calls_assembled`, `calls_failed`, … and `<destination>_sent`, `_put_off`, `_dead`, `_rejected`."""
        told = {f"calls_{name}": count for name, count in asdict(self._calls.counts).items()}
        for exporter, worker in zip(self._exporters, self._exports, strict=True):
            told |= {f"{exporter.destination}_{name}": count for name, count in asdict(worker.counts).items()}
            told[f"{exporter.destination}_rejected"] = exporter.rejected_spans
        return told

    def _loop_of_calls(self, poll_s: float) -> Loop:
        return Loop(
            "hookline-calls",
            self._calls.run_on,
            self._until_due_s,
            poll_s=poll_s,
            full=calls.CLAIM_LIMIT,
            breath_s=calls.BREATH_S,
            is_pressed=self._store.is_pressed,
        )

    def _export_loop(self, worker: ExportWorker, poll_s: float) -> Loop:
        name = f"hookline-export-{worker.destination}"
        return Loop(name, worker.run_on, worker.until_due_s, poll_s=poll_s, full=exports.CLAIM_LIMIT)

    def _loops(self) -> tuple[Loop, ...]:
        return (self._call_loop, *self._export_loops, *self._other_loops)

    def _finish(self) -> None:
        """After the last round. What can't be stored now is worked on again at the next start, or when its lease ends."""
        for worker in (self._calls, *self._exports):
            with contextlib.suppress(StoreError):
                worker.finish()

    def _until_due_s(self) -> float | None:
        now_ms = self._clock.now_ms()
        due_ms = self._store.next_due_ms(now_ms=now_ms)
        return None if due_ms is None else (due_ms - now_ms) / 1000

    def _lease_spans(self) -> SpanLease:
        """Which workers take spans as they are stored."""
        until_ms = {worker.destination: until for worker in self._exports if (until := worker.next_lease_ms()) is not None}
        return SpanLease(owner=self._owner, until_ms=until_ms)

    def _hand_over(self, claims: Sequence[ExportClaim]) -> None:
        """Spans were queued, these with a lease."""
        for worker in self._exports:
            worker.hand_over([claim for claim in claims if claim.destination == worker.destination])
        self._ring_exports()

    def _ring_exports(self) -> None:
        for loop in self._export_loops:
            loop.ring()


def _backoff(waits_ms: tuple[int, int], roll: Callable[[], float]) -> Backoff:
    return Backoff(first_ms=waits_ms[0], most_ms=waits_ms[1], roll=roll)
