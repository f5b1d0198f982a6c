"""
A database with two projects in it: `a`, who asks, and `b`, whose every row and text has the marker.
"""

import json
import time
from typing import Any

from collector.pipeline.pipeline import Pipeline
from collector.storage.protocols import Store
from collector.validation import read_batch

MARKER = "SECRETOFB"


def events_of(project: str) -> list[dict[str, Any]]:
    """A call with a tool, media, a session and a failed neighbour; those of `b` carry the marker wherever text can be."""
    mark = MARKER if project == "b" else "open"
    at_ms = time.time() * 1000 - 5000
    base = {
        "requestId": f"{mark}-1",
        "streamId": f"{mark}-s",
        "provider": mark if project == "b" else "openai",
        "model": f"{mark}-model",
        "clientId": f"{mark}-client",
        "threadId": f"{mark}-thread",
        "runId": f"{mark}-run",
        "sessionId": f"{mark}-session",
        "userId": f"{mark}-user",
        "tags": {"of": mark},
    }
    usage = {"promptTokens": 7, "completionTokens": 2, "totalTokens": 9}
    kinds: list[dict[str, Any]] = [
        {"type": "text:request:started", "messages": [{"role": "user", "content": f"{mark} asks"}]},
        {"type": "text:chunk:content", "messageId": f"{mark}-m", "delta": f"{mark} says"},
        {
            "type": "tools:call:completed",
            "toolCallId": f"{mark}-t",
            "toolName": f"{mark}-tool",
            "arguments": {"word": mark},
            "result": {"found": mark},
            "duration": 5.0,
        },
        {
            "type": "text:request:completed",
            "content": f"{mark} says",
            "duration": 300.0,
            "usage": usage,
            "images": [{"b64Json": "iVBORw0KGgo" + "A" * 3000}],
        },
        {"type": "text:request:started", "requestId": f"{mark}-2"},
        {
            "type": "text:request:error",
            "requestId": f"{mark}-2",
            "error": {"name": f"{mark}Error", "message": f"{mark} failed"},
            "duration": 3.0,
        },
        {"type": "hook:state-snapshot", "hookId": f"{mark}-hook", "requestId": None, "state": {"messages": [mark]}},
        {"type": "client:created", "requestId": None},
    ]
    return [
        {
            name: value
            for name, value in {**base, "eventId": f"{mark}-{n}", "sequence": n, "timestamp": at_ms + 100 * n, **kind}.items()
            if value is not None
        }
        for n, kind in enumerate(kinds, start=1)
    ]


def resource_of(project: str) -> dict[str, Any]:
    """Who sends."""
    return {"service.name": MARKER if project == "b" else "shop", "telemetry.sdk.name": "hookline-py"}


def fill(store: Store, *projects: str) -> None:
    """Take the events of both in, and assemble them."""
    for project in projects:
        body = json.dumps({"resource": resource_of(project), "events": events_of(project)}).encode()
        result = read_batch(body, media="json", project=project, received_ms=time.time_ns() // 1_000_000)
        assert () == result.rejected
        store.append(result.batch).result(timeout=100)
    pipeline = Pipeline(store, (), settle_ms=0, idle_timeout_ms=1000)
    while pipeline.run_once():
        pass
