"""
Puts the ids of a call into the host's own log lines, so that a line leads to its call and a call to its lines.

Flow: host's logging or structlog -> **a filter, a processor** -> the host's handlers. It reads the context and records nothing.

    handler.addFilter(LogFilter())                               # logging: on handlers, so that every logger's lines pass it
    structlog.configure(processors=[log_ids, …])                 # structlog: before the renderer
"""

import logging
from collections.abc import MutableMapping
from typing import Any

from sdk_hooks import context
from sdk_hooks.guard import guard

FIELDS = ("request_id", "trace_id", "span_id")


class LogFilter(logging.Filter):
    """
    Gives each record `request_id`, `trace_id` and `span_id`; empty text for what there is none of, so that a format finds it.

    What a record has already, by `extra` or another filter, stays. `prefix` goes before the three names.
    """

    def __init__(self, prefix: str = "") -> None:
        super().__init__()
        self._prefix = prefix

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every record pass."""
        with guard("logs"):
            found = current_ids()
            for field in FIELDS:
                name = self._prefix + field
                if not hasattr(record, name):
                    setattr(record, name, found.get(field, ""))
        return True


def log_ids(logger: Any, method: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: adds the ids that there are. What the event has already stays."""
    with guard("logs"):
        for field, value in current_ids().items():
            event_dict.setdefault(field, value)
    return event_dict


def current_ids() -> dict[str, str]:
    """
    The ids of this moment, only those that there are.

    `request_id`: the call around (`observe`), else the last one made in this session or host span.
    `trace_id`, `span_id`: the host's OpenTelemetry span; where none is active, the one in which the call around began.
    """
    around = context.enclosing()
    span = context.host_span() or (around.host_span if around else None)
    request_id = around.request_id if around and around.is_sampled else context.last_request_id()
    found = {"request_id": request_id} if request_id else {}
    if span is not None:
        found |= {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}
    return found
