"""
The workers of a collector, and where their results go.

Flow: app -> **open_exits, open_pipeline** -> exporters, pipeline.
"""

from collections.abc import Callable
from dataclasses import dataclass

from collector.exporters import Exporter, ExportSettings, MetricsExporter, open_exporters, open_metrics
from collector.keeping.retention import RetentionLimits, RetentionWorker
from collector.keeping.sampling import Sampling
from collector.meter import Meter
from collector.pipeline.bench import Timing
from collector.pipeline.pipeline import Pipeline
from collector.pipeline.upkeep import UpkeepWorker
from collector.pipeline.worker_process import WorkerProcess, WorkPlan, is_possible
from collector.settings import Settings, captures_content, otel_environment
from collector.storage.membership import Membership
from collector.storage.protocols import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Exits:
    """What leaves the collector: spans and metrics."""

    spans: tuple[Exporter, ...] = ()
    metrics: MetricsExporter | None = None


NO_EXITS = Exits()


def open_exits(settings: Settings, meter: Meter) -> Exits:
    """Those that the environment asks for. Raises WrongSettings, before anything else is opened."""
    environment = otel_environment()
    spans = open_exporters(ExportSettings(environment=environment, jsonl_path=settings.export_jsonl))
    return Exits(spans=spans, metrics=open_metrics(environment, meter))


def open_pipeline(
    settings: Settings,
    store: Store,
    exits: Exits,
    *,
    membership: Membership,
    meter: Meter,
    on_settled: Callable[[tuple[str, ...]], None],
) -> Pipeline:
    """The workers, not started."""
    clock, idle_timeout_ms = membership.clock, settings.idle_timeout_s * 1000
    sampling = Sampling(rate=settings.export_sample_rate, slow_ms=settings.export_slow_ms)
    limits = RetentionLimits(
        days=settings.retention_days, max_bytes=settings.retention_max_bytes, is_exact=settings.retention_exact
    )
    return Pipeline(
        store,
        exits.spans,
        settle_ms=settings.settle_ms,
        idle_timeout_ms=idle_timeout_ms,
        capture_content=captures_content(),
        clock=clock,
        owner=membership.owner,
        on_settled=on_settled,
        meter=meter,
        metrics_exporter=exits.metrics,
        sampling=sampling,
        retention=RetentionWorker(store, limits, clock=clock, queued_events=store.queued_events),
        upkeep=UpkeepWorker(store, clock=clock, idle_timeout_ms=idle_timeout_ms),
        worker_process=_worker_process(settings, sampling, exits),
        is_always_beside=settings.worker_process == "always",
    )


def _worker_process(settings: Settings, sampling: Sampling, exits: Exits) -> WorkerProcess | None:
    if settings.worker_process == "never" or "work" not in settings.role_names or not is_possible():
        return None
    plan = WorkPlan(
        database_url=settings.database_url,
        destinations=tuple(exporter.destination for exporter in exits.spans),
        capture_content=captures_content(),
        timing=Timing(settle_ms=settings.settle_ms, idle_timeout_ms=settings.idle_timeout_s * 1000),
        sampling=sampling,
        log_level=settings.log_level,
        log_format=settings.log_format,
    )
    return WorkerProcess(plan)
