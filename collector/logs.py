"""
How the server logs: structlog, readable or JSON, to standard error.

Flow: every stage -> **here** -> stderr. Called once by the composition root; importing it configures nothing.
"""

import logging
import sys
from typing import Any, Literal

import structlog

_SHARED: tuple[Any, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
)


def configure_logs(*, level: str, log_format: Literal["console", "json"]) -> None:
    """Send structlog's and the standard library's lines the same way."""
    renderers = _renderers(log_format)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in _SECRETIVE:
        logging.getLogger(name).setLevel(max(logging.ERROR, root.level))
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


# Their info lines repeat what ours say.
_CHATTY = ("uvicorn", "uvicorn.error", "alembic", "alembic.runtime.migration", "httpx")
# Their warnings quote whole URLs, which may hold a key.
_SECRETIVE = ("urllib3",)


def _renderers(log_format: Literal["console", "json"]) -> list[Any]:
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
