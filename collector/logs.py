"""
How the server logs: structlog, readable or JSON, to standard error.

Flow: every stage -> **here** -> stderr. Called once by the command; importing it configures nothing.
Whatever comes through here is one object a line when JSON is asked for: our lines, those of libraries, warnings, and exceptions
that nobody caught. The text of a foreign exception is left out, since it may quote what somebody sent.
"""

import logging
import sys
import threading
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, Literal, cast

import structlog

from collector.errors import HooklineError

_SHARED: tuple[Any, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
)


def configure_logs(*, level: str, log_format: Literal["console", "json"]) -> None:
    """Send structlog's and the standard library's lines the same way; also warnings and what nobody caught."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _tell_exception, *_renderers(log_format)],
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
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_of_thread


# Their info lines repeat what ours say.
_CHATTY = ("uvicorn", "uvicorn.error", "alembic", "alembic.runtime.migration", "httpx")
# Their warnings quote whole URLs, which may hold a key.
_SECRETIVE = ("urllib3",)


def _renderers(log_format: Literal["console", "json"]) -> list[Any]:
    if log_format == "json":
        return [structlog.processors.JSONRenderer(default=repr)]
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]


def _tell_exception(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """`exc_info` becomes `exception`: where it came from and of which type, with the words of our own errors only."""
    told: Any = event.pop("exc_info", None)
    exc: Any = sys.exc_info()[1] if told is True else cast(Any, told)[1] if isinstance(told, tuple) else told
    if isinstance(exc, BaseException):
        event["exception"] = "\n".join(_chain(exc))
    return event


def _chain(exc: BaseException) -> list[str]:
    before = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)
    kind = f"{type(exc).__module__}.{type(exc).__qualname__}"
    words = f"{kind}: {exc}" if isinstance(exc, HooklineError) else kind
    frames = (line.rstrip() for line in traceback.format_tb(exc.__traceback__))
    return [*(_chain(before) if before is not None else ()), *frames, words]


def _log_uncaught(kind: type[BaseException], exc: BaseException, at: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger(__name__).critical("uncaught", exc_info=(kind, exc, at))


def _log_uncaught_of_thread(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None:
        name = told.thread.name if told.thread is not None else None
        structlog.get_logger(__name__).critical(
            "uncaught", thread=name, exc_info=(told.exc_type, told.exc_value, told.exc_traceback)
        )
