"""
The routes that read, and all others but the ways in: one FastAPI application.

Flow: app -> **reading_app** -> api, web. Every error of ours becomes a problem document.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.requests import Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from collector.api import ops
from collector.api.asked import Parts
from collector.api.openapi import document
from collector.api.problems import problem_response
from collector.api.routers import ROUTERS
from collector.errors import HooklineError
from collector.exporters.otlp_settings import told_endpoint
from collector.settings import Settings, otel_environment, without_password
from collector.storage.schema import head
from collector.version import installed_version
from collector.web.routers import PAGES


def about(settings: Settings) -> dict[str, Any]:
    """What `/v1/status` may tell an operator of the settings."""
    works = "work" in settings.role_names
    endpoint, protocol = (told_endpoint(otel_environment()) if works else None) or (None, None)
    return {
        "version": installed_version(),
        "engine": settings.database_url.partition(":")[0].partition("+")[0],
        "schema": head(),
        "database": without_password(settings.database_url),
        "otlp_endpoint": without_password(endpoint) if endpoint else None,
        "otlp_protocol": protocol,
    }


def reading_app(parts: Parts, run: Callable[[], AbstractAsyncContextManager[None]], *, is_read_here: bool) -> FastAPI:
    """`run` starts and stops what the routes need. Where nobody reads, only the routes of operation are there."""
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
    for router in (*ROUTERS, *PAGES) if is_read_here else (ops.router,):
        app.include_router(router)
    made: dict[str, Any] = {}
    app.openapi = lambda: made or made.update(document(app)) or made
    return app


async def _as_problem(request: Request, exc: Exception) -> Response:
    return problem_response(exc)
