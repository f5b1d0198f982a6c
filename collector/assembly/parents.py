"""
Where a call hangs in which trace.

Flow: facts -> **trace id, parent span** -> spans.
"""

import re
from collections.abc import Mapping

from collector.assembly.ids import call_span_id, tool_span_id, trace_id
from collector.values import value

# W3C trace context, section 3.2. Later versions may add a tail; version 00 has none and ff is not allowed.
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")

TRACE_KEYS = ("runId", "jobId", "rootRequestId")
"""What a trace id is made from without a traceparent, best first; the requestId is the last resort."""


@value
class HostSpan:
    """The span that was active in the host application when the call began."""

    trace_id: str
    span_id: str
    is_sampled: bool


@value
class Place:
    """A call's place: its trace, its span and the span above."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    is_sampled: bool


def parse_traceparent(value: object) -> HostSpan | None:
    """The span that a `traceparent` names, None for one that breaks W3C's rules."""
    found = _TRACEPARENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    version, trace, span, flags, tail = found.groups()
    if version == "ff" or (version == "00" and tail) or not trace.strip("0") or not span.strip("0"):
        return None
    return HostSpan(trace_id=trace, span_id=span, is_sampled=bool(int(flags, 16) & 1))


def find_place(project: str, request_id: str, fixed_trace: str | None, named: Mapping[str, str], host: HostSpan | None) -> Place:
    """The place of a call, from its ids and the host's span. A trace id that was fixed earlier stays."""
    trace = fixed_trace or _trace_of(project, request_id, named, host)
    return Place(
        trace_id=trace,
        span_id=call_span_id(project, request_id),
        parent_span_id=_parent_of(project, request_id, trace, named, host),
        is_sampled=host is None or host.is_sampled,
    )


def _trace_of(project: str, request_id: str, named: Mapping[str, str], host: HostSpan | None) -> str:
    if host is not None:
        return host.trace_id
    return trace_id(project, next((named[key] for key in TRACE_KEYS if key in named), request_id))


def _parent_of(project: str, request_id: str, trace: str, named: Mapping[str, str], host: HostSpan | None) -> str | None:
    parent = named.get("parentRequestId")
    if parent is not None and parent != request_id:
        tool = named.get("parentToolCallId")
        return tool_span_id(project, parent, tool) if tool else call_span_id(project, parent)
    # A host span that became known after the trace id was fixed lies in another trace: a parent must not.
    return host.span_id if host is not None and host.trace_id == trace else None
