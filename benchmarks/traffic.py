"""
What senders post, for measuring: streamed chat calls of six events, as the Python hook records them, about 700 bytes an event.
"""

import json
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

RESOURCE = {
    "host.name": "bench", "process.pid": 7, "service.name": "checkout", "telemetry.sdk.name": "hookline-py",
    "telemetry.sdk.version": "0.1.0", "telemetry.sdk.language": "python",
}  # fmt: skip
EVENTS_A_CALL = 6
_PACKS = EVENTS_A_CALL - 2
_PROMPT = "Say in a few words what the customer may expect, be friendly and do not promise anything. " * 4
_PACK = [{"offsetMs": n * 2.125, "delta": f" word{n}"} for n in range(10)]
_ANSWER = "".join(piece["delta"] for piece in _PACK) * _PACKS


def call_events(prefix: str, number: int, at_ms: float) -> list[dict[str, Any]]:
    """One call; ids begin with the prefix and grow."""
    request_id = f"req-{prefix}-{number}"
    ids = {"requestId": request_id, "streamId": request_id}
    seen = {
        **ids,
        "provider": "openai",
        "model": "gpt-4o",
        "streaming": True,
        "source": "server",
        "messageCount": 2,
        "hasTools": False,
    }
    messages = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": _PROMPT}]
    usage = {"completionTokens": 40, "promptTokens": 90, "totalTokens": 130, "promptTokensDetails": {"cachedTokens": 64}}
    made: list[dict[str, Any]] = [{"type": "text:request:started", "timestamp": at_ms, **seen, "messages": messages}]
    for pack in range(_PACKS):
        chunk = {"messageId": f"chatcmpl-{number}", "content": "", "chunks": _PACK}
        made.append({"type": "text:chunk:content", "timestamp": at_ms + 40 + pack * 25, **ids, **chunk})
    end = {"duration": 160.25, "timeToFirstChunk": 40.5, "responseModel": "gpt-4o-2024-08-06", "responseId": f"chatcmpl-{number}"}
    made.append({
        "type": "text:request:completed", "timestamp": at_ms + 160.25, **seen, **end,
        "content": _ANSWER, "finishReason": "stop", "usage": usage,
    })  # fmt: skip
    first = number * EVENTS_A_CALL
    return [{**event, "sequence": first + n, "eventId": f"{prefix}-{first + n}"} for n, event in enumerate(made, start=1)]


def bodies(events: int, events_a_body: int, *, prefix: str | None = None, sdk: str = "hookline-py") -> Iterator[bytes]:
    """POST bodies with so many events in all, made as they are asked for. With another `sdk` they are not our own hook's."""
    prefix = prefix or f"{time.time_ns() // 1_000_000:012x}"
    stream = (event for n in range(-(-events // EVENTS_A_CALL)) for event in call_events(prefix, n, time.time() * 1000))
    for _ in range(0, events, events_a_body):
        body = {"resource": RESOURCE | {"telemetry.sdk.name": sdk}, "events": list(islice(stream, events_a_body))}
        yield json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
