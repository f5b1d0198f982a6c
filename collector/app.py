"""
The composition root: from settings to a running collector.

Flow: settings -> **store, pipeline, access, live hub, ASGI application** -> server.
Everything is made here and handed on; no other module makes its own store, clock or thread.
"""

import threading
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio.to_thread
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.requests import Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from collector.api.access import Access
from collector.api.allowances import Rates
from collector.api.asked import Parts
from collector.api.inflight import Inflight
from collector.api.ingest import IngestApp
from collector.api.openapi import document
from collector.api.problems import problem_response
from collector.api.routers import ROUTERS
from collector.api.sessions import Patience, Sessions
from collector.clock import SystemClock
from collector.errors import HooklineError, TooLarge
from collector.events import Batch
from collector.exporters import ExportSettings, open_exporters, open_metrics
from collector.meter import Meter
from collector.metrics import CountedWriter, Metrics
from collector.pipeline.pipeline import Pipeline
from collector.query.live import LiveHub
from collector.settings import Settings, captures_content, otel_environment, without_password
from collector.stopping import Stopping
from collector.storage.engines import open_store
from collector.storage.protocols import Store
from collector.storage.schema import head, prepare
from collector.validation import PUBLIC_LIMITS, Limits
from collector.version import installed_version
from collector.web.routers import PAGES

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

log = structlog.get_logger(__name__)

_MOST_BODY_BYTES = 1024 * 1024
_TOO_MUCH = TooLarge(f"the body is over {_MOST_BODY_BYTES} bytes, which no route but POST /v1/events takes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """A collector, put together. The application's lifespan starts and stops it."""

    app: ASGIApp
    store: Store
    pipeline: Pipeline
    hub: LiveHub
    stopping: Stopping


def build_collector(settings: Settings) -> Collector:
    """Everything that the settings ask for, not started. Raises WrongSettings, SchemaError, StoreError."""
    environment, with_content = otel_environment(), captures_content()
    exporters = open_exporters(ExportSettings(environment=environment, jsonl_path=settings.export_jsonl))
    meter = Meter(instance_id=f"hookline-{uuid.uuid4().hex[:12]}")
    metrics_exporter = open_metrics(environment, meter)
    prepare(settings.database_url)
    store = open_store(
        settings.database_url,
        settle_ms=settings.settle_ms,
        queue_max_events=settings.queue_max_events,
        sql_role=settings.sql_role,
    )
    hub = LiveHub()
    pipeline = Pipeline(
        store,
        exporters,
        settle_ms=settings.settle_ms,
        idle_timeout_ms=settings.idle_timeout_s * 1000,
        capture_content=with_content,
        on_settled=hub.wake,
        meter=meter,
        metrics_exporter=metrics_exporter,
    )
    stopping = Stopping(settings.stop_timeout_s)
    app = create_app(settings, store, pipeline=pipeline, hub=hub, stopping=stopping)
    return Collector(app=app, store=store, pipeline=pipeline, hub=hub, stopping=stopping)


def create_app(settings: Settings, store: Store, *, pipeline: Pipeline, hub: LiveHub, stopping: Stopping) -> ASGIApp:
    """The ASGI application: FastAPI, and beside it the way in for events, which is a plain function for speed."""
    metrics, clock = Metrics(), SystemClock()
    sessions = Sessions(store, clock.now_ms)
    metrics.watch_calls(pipeline.meter.series)
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
        now_ms=clock.now_ms,
        wake_pipeline=pipeline.wake,
        sql_timeout_s=settings.sql_timeout_s,
        about=_about(settings),
    )

    def committed(batch: Batch) -> None:
        hub.wake((batch.project,))
        pipeline.wake()

    ingest = IngestApp(
        CountedWriter(store, metrics),
        access,
        clock.now_ms,
        limits=_limits(settings),
        public_limits=_limits(settings).under(PUBLIC_LIMITS),
        body_timeout_s=settings.request_timeout_s,
        # Less than two bodies would let none in beside another.
        inflight=Inflight(max(settings.max_inflight_bytes, 2 * settings.max_expanded_bytes)),
        on_commit=committed,
        on_rejected=metrics.count_rejections,
        on_refused=metrics.count_refusal,
    )
    reading = _reading_app(parts, lambda: _run(pipeline, hub, store, stopping))
    return _Front(ingest, reading, access)


def _limits(settings: Settings) -> Limits:
    return Limits(
        body_bytes=settings.max_body_bytes,
        expanded_bytes=settings.max_expanded_bytes,
        event_bytes=settings.max_event_bytes,
        events=settings.max_batch_events,
    )


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _about(settings: Settings) -> dict[str, Any]:
    """What `/v1/status` may tell an operator of the settings."""
    otel = otel_environment()
    endpoint = otel.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or otel.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    protocol = otel.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or otel.get("OTEL_EXPORTER_OTLP_PROTOCOL") or "http/protobuf"
    return {
        "version": installed_version(),
        "engine": settings.database_url.partition(":")[0].partition("+")[0],
        "schema": head(),
        "database": without_password(settings.database_url),
        "otlp_endpoint": without_password(endpoint) if endpoint else None,
        "otlp_protocol": protocol if endpoint else None,
    }


class _Front:
    """Sends what is for the way in past FastAPI, which would cost half of the single-event rate."""

    def __init__(self, ingest: ASGIApp, reading: ASGIApp, access: Access) -> None:
        self._ingest = ingest
        self._reading = reading
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["path"] == "/v1/events" and scope["method"] in {"POST", "OPTIONS"}:
                return await self._ingest(scope, receive, send)
            if _tells_of_too_much(scope):
                return await problem_response(_TOO_MUCH)(scope, receive, send)
            receive = _capped(receive)
            send = self._readable_by_allowed_origins(scope, send)
            if scope["method"] == "OPTIONS":
                return await self._preflight(scope)(scope, receive, send)
        return await self._reading(scope, receive, send)

    def _preflight(self, scope: Scope) -> Response:
        """What a page of an allowed origin may ask of the reading routes."""
        try:
            self._access.check_site(scope)
        except HooklineError as exc:
            return problem_response(exc)
        headers = {
            "access-control-allow-methods": "GET",
            "access-control-allow-headers": "authorization, last-event-id",
            "access-control-max-age": "600",
        }
        return Response(status_code=204, headers=headers)

    def _readable_by_allowed_origins(self, scope: Scope, send: Send) -> Send:
        more = self._access.cross_origin_headers(scope)

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *more]
            await send(message)

        return send_with_headers if more else send


def _tells_of_too_much(scope: Scope) -> bool:
    told = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return told.isdigit() and (len(told) > 15 or int(told) > _MOST_BODY_BYTES)


def _capped(receive: Receive) -> Receive:
    """Stops a body that says nothing of its size: FastAPI reads all of it, before it asks for a key."""
    received = 0

    async def receive_some() -> MutableMapping[str, Any]:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > _MOST_BODY_BYTES:
            raise _TOO_MUCH
        return message

    return receive_some


def _reading_app(parts: Parts, run: Callable[[], AbstractAsyncContextManager[None]]) -> FastAPI:
    app = FastAPI(
        title="hookline",
        version=installed_version(),
        description="Every event of your LLM SDKs as a row, every call as a span.",
        lifespan=lambda app: run(),
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        exception_handlers={
            HooklineError: _as_problem,
            RequestValidationError: _as_problem,
            HTTPException: _as_problem,
            Exception: _as_problem,
        },
    )
    app.state.parts = parts
    for router in (*ROUTERS, *PAGES):
        app.include_router(router)
    made: dict[str, Any] = {}
    app.openapi = lambda: made or made.update(document(app)) or made
    return app


async def _as_problem(request: Request, exc: Exception) -> Response:
    return problem_response(exc)


@asynccontextmanager
async def _run(pipeline: Pipeline, hub: LiveHub, store: Store, stopping: Stopping) -> AsyncGenerator[None]:
    pipeline.start()
    try:
        yield
    finally:
        hub.close()
        await anyio.to_thread.run_sync(lambda: _stop(pipeline, store, stopping))


def _stop(pipeline: Pipeline, store: Store, stopping: Stopping) -> None:
    stopping.begin()
    if not pipeline.stop(stopping.for_work_s()):
        log.warning("work_not_ended_in_time", note="it is in the database and goes on at the next start")
    closing = threading.Thread(target=store.close, name="hookline-close", daemon=True)
    closing.start()
    closing.join(stopping.left_s())
    if closing.is_alive():
        log.error("store_not_closed_in_time", limit_s=stopping.limit_s)
