"""
Calls for assembly's tests: events as storage hands them out, and what it knows besides.

`T0` is when the story of a test begins; times are milliseconds from there.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from collector.assembly.assembler import assemble
from collector.assembly.inputs import CallEvents, Price
from collector.events import Batch, StoredEvent
from collector.spans import Assembled
from tests.fakes.posts import sent_event

T0 = 1_795_000_000_000
SETTLE_MS = 1_000
IDLE_MS = 1_800_000


def event(event_type: str, at_ms: float = 0, *, received_ms: float | None = None, arrival: int | None = None, **payload: Any):
    """A stored event, `at_ms` after T0. Without an eventId its id is the hash of all it says, as on the way in."""
    stated = {"requestId": "req-1", "timestamp": T0 + at_ms, **payload}
    digest = hashlib.sha256(json.dumps([event_type, stated], sort_keys=True, default=str).encode()).hexdigest()[:40]
    return StoredEvent(
        type=event_type,
        event_id=payload.get("eventId", digest),
        timestamp_ms=T0 + at_ms,
        received_ms=int(T0 + (at_ms if received_ms is None else received_ms)),
        arrival=int(at_ms * 100) if arrival is None else arrival,
        sequence=payload.get("sequence", 0),
        dialect="hookline",
        payload=stated,
    )


def started(at_ms: float = 0, activity: str = "text", **payload: Any) -> StoredEvent:
    return event(f"{activity}:request:started", at_ms, **{"provider": "openai", "model": "gpt-4o", **payload})


def completed(at_ms: float = 1000, activity: str = "text", **payload: Any) -> StoredEvent:
    return event(f"{activity}:request:completed", at_ms, **payload)


def chunk(at_ms: float, delta: str, **payload: Any) -> StoredEvent:
    return event("text:chunk:content", at_ms, **{"delta": delta, "messageId": "m1", **payload})


def call_of(*events: StoredEvent, **known: Any) -> CallEvents:
    """A call looked at when it has settled, but long before it is idle."""
    received = [stored.received_ms for stored in events]
    facts: dict[str, Any] = {
        "project": "default",
        "request_id": "req-1",
        "events": events,
        "service": "checkout",
        "is_own_hook": False,
        "trace_id": None,
        "settled_ms": None,
        "now_ms": max(received) + SETTLE_MS,
        "first_received_ms": min(received),
        "last_received_ms": max(received),
        "settle_ms": SETTLE_MS,
        "idle_timeout_ms": IDLE_MS,
    }
    return CallEvents(**(facts | known))


def no_price(*_: Any) -> float | None:
    """No model has a price."""
    return None


def assembled(*events: StoredEvent, price: Price = no_price, capture_content: bool = False, **known: Any) -> Assembled:
    """The outcome for a call of these events."""
    return assemble(call_of(*events, **known), price=price, capture_content=capture_content)


def attributes(outcome: Assembled, kind: str = "call") -> dict[str, Any]:
    """The attributes of the first span of a kind."""
    return dict(next(span.attributes for span in outcome.spans if span.kind == kind))


def stored_calls(batches: Iterable[Batch], **known: Any) -> dict[str, CallEvents]:
    """The calls of some batches, as a store would keep them: each event once, in order of arrival, run ends by runId."""
    kept: dict[tuple[int, str], tuple[Any, StoredEvent]] = {}
    for batch in batches:
        for row in batch.events:
            stored = StoredEvent(
                type=row.type,
                event_id=row.event_id,
                timestamp_ms=row.timestamp + (row.fraction or 0),
                received_ms=row.received_at,
                arrival=len(kept),
                sequence=row.sequence or 0,
                dialect=row.dialect,
                payload=sent_event(row),
                request_id=row.request_id,
            )
            kept.setdefault((row.timestamp, row.event_id), (row, stored))
    by_call: dict[str, list[StoredEvent]] = defaultdict(list)
    run_ends: dict[str, list[StoredEvent]] = defaultdict(list)
    runs: dict[str, str] = {}
    for row, stored in kept.values():
        if row.request_id is not None:
            by_call[row.request_id].append(stored)
            runs.setdefault(row.request_id, row.run_id)
        elif row.type in ("run:errored", "run:cancelled"):
            run_ends[row.run_id].append(stored)
    for touch in (touch for batch in batches for touch in batch.touches if touch.request_id not in by_call):
        # The call of a part has no rows of its own.
        by_call[touch.request_id] = by_call[str(touch.first.request_id)]
    return {
        request_id: call_of(*events, request_id=request_id, run_ends=tuple(run_ends[runs.get(request_id) or ""]), **known)
        for request_id, events in by_call.items()
    }
