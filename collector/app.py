"""
The composition root: from settings to a running collector.

Flow: settings -> **store, pipeline, access, live hub, ASGI application** -> server.
Everything is made here and handed on; no other module makes its own store, clock or thread.
"""

import threading
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import asdict, dataclass

import anyio.to_thread
import structlog

from collector.api.access import Access
from collector.api.allowances import Rates
from collector.api.announcing import Announcer
from collector.api.asked import Parts
from collector.api.devtools import DevtoolsBus, DevtoolsSites
from collector.api.devtools_intake import DevtoolsIntake
from collector.api.inflight import Inflight
from collector.api.ingest import IngestApp
from collector.api.receipts import FirstReceipts
from collector.api.sessions import Patience, Sessions
from collector.dialects.tanstack_bus import BusReader, new_prefix
from collector.errors import WrongSettings
from collector.front import ASGIApp, Front
from collector.meter import Meter
from collector.metrics import CountedWriter, Metrics
from collector.pipeline.pipeline import Pipeline
from collector.query.live import LiveHub
from collector.reading import about, reading_app
from collector.settings import ROLES, Settings
from collector.stopping import Stopping
from collector.storage.engines import open_membership, open_store
from collector.storage.membership import Listeners, Membership
from collector.storage.protocols import Store
from collector.storage.schema import backend_of, prepare
from collector.validation import PUBLIC_LIMITS, Limits, Redaction
from collector.working import NO_EXITS, open_exits, open_pipeline

log = structlog.get_logger(__name__)

LEAVE_LIMIT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """A collector, put together. The application's lifespan starts and stops it."""

    app: ASGIApp
    store: Store
    pipeline: Pipeline
    hub: LiveHub
    membership: Membership
    stopping: Stopping
    devtools: DevtoolsBus | None = None


def build_collector(settings: Settings) -> Collector:
    """Everything that the settings ask for, not started. Raises WrongSettings, SchemaError, StoreError."""
    _check_roles(settings)
    meter = Meter(instance_id=f"hookline-{uuid.uuid4().hex[:12]}")
    works = "work" in settings.role_names
    exits = open_exits(settings, meter) if works else NO_EXITS
    prepare(settings.database_url)
    store = open_store(
        settings.database_url,
        settle_ms=settings.settle_ms,
        queue_max_events=settings.queue_max_events,
        sql_role=settings.sql_role,
        partition_days=settings.partition_days,
    )
    hub, membership = LiveHub(), open_membership(settings.database_url, roles=settings.role_names)

    def settled(projects: tuple[str, ...]) -> None:
        hub.wake(projects)
        membership.tell(projects)

    pipeline = open_pipeline(settings, store, exits, membership=membership, meter=meter, on_settled=settled)
    stopping = Stopping(settings.stop_timeout_s)
    running = _Running(store=store, pipeline=pipeline, hub=hub, membership=membership, stopping=stopping, works=works)
    app, devtools = create_app(settings, running)
    return Collector(
        app=app, store=store, pipeline=pipeline, hub=hub, membership=membership, stopping=stopping, devtools=devtools
    )


def _check_roles(settings: Settings) -> None:
    if backend_of(settings.database_url) == "sqlite" and settings.role_names != ROLES:
        raise WrongSettings(
            "HOOKLINE_ROLES: on SQLite one process does all of it; leave it out, or set HOOKLINE_DATABASE_URL to a PostgreSQL"
        )
    if settings.devtools_port is not None and "ingest" not in settings.role_names:
        raise WrongSettings("HOOKLINE_DEVTOOLS_PORT: this collector takes no events in (HOOKLINE_ROLES has no ingest)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """What starts and stops with the application."""

    store: Store
    pipeline: Pipeline
    hub: LiveHub
    membership: Membership
    stopping: Stopping
    works: bool

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[None]:
        self.membership.join(Listeners(on_news=self._hear, on_freed=self.pipeline.wake))
        if self.works:
            self.pipeline.start()
        try:
            yield
        finally:
            self.hub.close()
            await anyio.to_thread.run_sync(self._stop)

    def _hear(self, projects: Sequence[str] | None) -> None:
        """Another collector committed something."""
        self.hub.wake(projects)
        self.pipeline.wake()

    def _stop(self) -> None:
        self.stopping.begin()
        if self.pipeline.stop(self.stopping.for_work_s()):
            self.membership.leave(min(LEAVE_LIMIT_S, self.stopping.left_s()))
        else:
            # What is still at work keeps its claims: they are free when this process is gone.
            log.warning("work_not_ended_in_time", note="it is in the database and goes on at the next start")
        closing = threading.Thread(target=self.store.close, name="hookline-close", daemon=True)
        closing.start()
        closing.join(self.stopping.left_s())
        if closing.is_alive():
            log.error("store_not_closed_in_time", limit_s=self.stopping.limit_s)


def create_app(settings: Settings, running: _Running) -> tuple[ASGIApp, DevtoolsBus | None]:
    """The ASGI application: FastAPI, and beside it the ways in for events, which are plain functions for speed."""
    store, pipeline, hub, membership = running.store, running.pipeline, running.hub, running.membership
    metrics, clock, roles = Metrics(), membership.clock, settings.role_names
    sessions = Sessions(store, clock.now_ms)
    metrics.watch_calls(pipeline.meter.series)
    if pipeline.retention is not None:
        metrics.watch_retention(pipeline.retention)
    access = Access(
        store,
        host=settings.host,
        api_key=settings.api_key,
        allowed_hosts=_listed(settings.allowed_hosts),
        allowed_origins=_listed(settings.allowed_origins),
        read_cookie=sessions.digest_of,
        secret_rates=Rates(events=settings.rate_events_per_s, bytes=settings.rate_bytes_per_s),
        public_rates=Rates(events=settings.public_rate_events_per_s, bytes=settings.public_rate_bytes_per_s),
    )
    parts = Parts(
        store=store,
        access=access,
        sessions=sessions,
        patience=Patience(),
        hub=hub,
        metrics=metrics,
        gauges=metrics.watch(store, pipeline.counts),
        clock=clock,
        wake_pipeline=pipeline.wake,
        destinations=lambda: [asdict(one) for one in pipeline.destination_states()],
        send_now=pipeline.send_now,
        sql_timeout_s=settings.sql_timeout_s,
        about=about(settings),
    )

    def committed(projects: Sequence[str]) -> None:
        hub.wake(projects)
        pipeline.wake()
        membership.tell(projects)

    # Less than two bodies would let none in beside another.
    inflight = Inflight(max(settings.max_inflight_bytes, 2 * settings.max_expanded_bytes))
    build = {name: str(parts.about[name]) for name in ("version", "engine", "schema")}
    metrics.watch_process(build, held_bytes=lambda: inflight.held_bytes, followers=hub.followers)
    writer, redaction = CountedWriter(store, metrics), _redaction(settings)
    announcer = Announcer(committed)
    limits = _limits(settings)
    ingest = IngestApp(
        writer,
        access,
        clock.now_ms,
        limits=limits,
        public_limits=limits.under(PUBLIC_LIMITS),
        body_timeout_s=settings.request_timeout_s,
        inflight=inflight,
        receipts=FirstReceipts(lambda project, key, received_ms: store.first_receipt(project, key, received_ms=received_ms)),
        redaction=redaction,
        on_commit=announcer.note,
        on_rejected=metrics.count_rejections,
        on_refused=metrics.count_refusal,
    )
    devtools = None
    if settings.devtools_port is not None:
        intake = DevtoolsIntake(
            writer,
            clock.now_ms,
            project=settings.devtools_project,
            limits=limits,
            redaction=redaction,
            on_commit=announcer.note,
            on_rejected=metrics.count_rejections,
        )
        sites = DevtoolsSites(_listed(settings.devtools_origins))
        devtools = DevtoolsBus(intake, sites, reader=BusReader(new_prefix(clock.now_ms())))

    @asynccontextmanager
    async def run() -> AsyncGenerator[None]:
        async with running.run(), devtools.running() if devtools is not None else nullcontext():
            yield

    reading = reading_app(parts, run, is_read_here="web" in roles)
    front = Front(
        ingest if "ingest" in roles else None,
        reading,
        access,
        is_read_here="web" in roles,
        devtools=devtools,
        devtools_port=settings.devtools_port,
    )
    return front, devtools


def _redaction(settings: Settings) -> Redaction | None:
    if not settings.redact and settings.redact_file is None:
        return None
    from collector.validation.redaction_rules import load_redaction

    return load_redaction(settings.redact, settings.redact_file, settings.redact_key)


def _limits(settings: Settings) -> Limits:
    return Limits(
        body_bytes=settings.max_body_bytes,
        expanded_bytes=settings.max_expanded_bytes,
        event_bytes=settings.max_event_bytes,
        events=settings.max_batch_events,
    )


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
