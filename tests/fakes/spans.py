"""
Spans and resources as tests want them: valid, and different in what a test names.
"""

from typing import Any

from collector.events import Resource
from collector.spans import Span

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


def a_span(n: int = 1, **different: Any) -> Span:
    """The n-th span of one trace: ids and the name tell its number."""
    fields: dict[str, Any] = {
        "project": "default",
        "trace_id": TRACE_ID,
        "span_id": f"{n:016x}",
        "parent_span_id": None,
        "request_id": f"req-{n}",
        "kind": "call",
        "name": f"chat gpt-{n}",
        "start_ns": 1_764_000_000_000_000_000,
        "end_ns": 1_764_000_000_250_000_000,
        "status": "ok",
        "error_type": None,
        "error_message": None,
        "tool_name": None,
        "tool_call_id": None,
        "is_client": True,
        "is_sampled": True,
        "attributes": {"gen_ai.operation.name": "chat", "hookline.request_id": f"req-{n}"},
    }
    return Span(**(fields | different))


def a_resource(service: str = "checkout", **more: Any) -> Resource:
    """An application of our own hooks."""
    attributes = {"service.name": service, "telemetry.sdk.name": "hookline-py", **more}
    return Resource(resource_id=f"resource-of-{service}", service=service, attributes=attributes)
