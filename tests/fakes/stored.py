"""
Short ways to say what is stored: events, batches, outcomes of assembly.

Flow: storage tests -> **these builders** -> a store. Real values, no behaviour.
"""

import json
from collections.abc import Sequence
from typing import Any

from collector.events import Batch, Blob, CallTouch, EventRow, HookState, Receipt, Resource, RunEnd
from collector.spans import Assembled, Call, Health, Span, Status, ToolCall, Usage, UsageRow
from collector.storage.protocols import CallClaim, CallSettlement, QueuedSpan, Store
from collector.storage.settlements import settlement_of

OWN_HOOK = Resource(resource_id="own", service="checkout", attributes={"telemetry.sdk.name": "hookline-py"})
FOREIGN = Resource(resource_id="foreign", service="shop", attributes={"service.name": "shop"})
NOW_MS = 1_764_000_000_000
TRACE_ID = "a" * 32


def event(event_id: str, *, payload: dict[str, Any] | None = None, **columns: Any) -> EventRow:
    """An event row; what isn't said is as in a plain started event of call `r1`."""
    row: dict[str, Any] = dict.fromkeys(EventRow._fields)
    row.update(
        project="p",
        event_id=event_id,
        type="text:request:started",
        timestamp=NOW_MS,
        received_at=NOW_MS,
        request_id="r1",
        service="checkout",
        clock="sender",
        dialect="hookline",
        resource_id="own",
    )
    row.update(columns)
    row["payload"] = json.dumps({"type": row["type"], **(payload or {})})
    return EventRow(**row)


def batch(
    *events: EventRow,
    start: bool = False,
    terminal: bool = False,
    resource: Resource = OWN_HOOK,
    received_ms: int = NOW_MS,
    run_ends: Sequence[str] = (),
    blobs: Sequence[Blob] = (),
    hook_states: Sequence[HookState] = (),
    project: str = "p",
) -> Batch:
    """A batch as validation makes it: one touch a call."""
    firsts: dict[str, EventRow] = {}
    for row in events:
        if row.request_id is not None:
            firsts.setdefault(row.request_id, row)
    return Batch(
        project=project,
        received_ms=received_ms,
        resource=resource,
        events=tuple(row._replace(resource_id=resource.resource_id, project=project) for row in events),
        touches=tuple(
            CallTouch(request_id=request_id, first=first, operation="chat", has_start=start, has_terminal=terminal)
            for request_id, first in firsts.items()
        ),
        run_ends=tuple(RunEnd(run_id=run_id) for run_id in run_ends),
        blobs=tuple(blobs),
        hook_states=tuple(hook_states),
    )


def append(store: Store, *args: Any, **kwargs: Any) -> Receipt:
    """Store a batch (see `batch`) and wait for the acknowledgement."""
    return store.append(batch(*args, **kwargs)).result(timeout=100)


def claim(store: Store, *, now_ms: int = NOW_MS, owner: str = "w1", lease_ms: int = 1_000, limit: int = 100) -> list[CallClaim]:
    """Claim calls and load them."""
    return store.load_calls(store.claim_calls(owner=owner, now_ms=now_ms, lease_ms=lease_ms, limit=limit), now_ms=now_ms)


def call_of(claimed: CallClaim, **changes: Any) -> Call:
    """A finished call."""
    values: dict[str, Any] = dict.fromkeys(Call.__dataclass_fields__)
    values.update(
        project=claimed.project,
        request_id=claimed.request_id,
        operation="chat",
        status="ok",
        start_ms=float(NOW_MS),
        end_ms=NOW_MS + 250.5,
        duration_ms=250.5,
        provider="openai",
        model="gpt-4o",
        usage=Usage(input_tokens=10, output_tokens=5, cost_usd=0.25),
        usage_source="provider",
        chunk_count=0,
        tool_count=0,
        image_count=0,
        service="checkout",
        trace_id=TRACE_ID,
        span_id="b" * 16,
        late=False,
    )
    values.update(changes)
    return Call(**values)


def span_of(call: Call, **changes: Any) -> Span:
    """The call's own span."""
    values: dict[str, Any] = {
        "project": call.project, "trace_id": call.trace_id, "span_id": call.span_id, "parent_span_id": None,
        "request_id": call.request_id, "kind": "call", "name": "chat gpt-4o",
        "start_ns": NOW_MS * 1_000_000, "end_ns": NOW_MS * 1_000_000 + 250_500_000, "status": call.status, "error_type": None,
        "error_message": None, "tool_name": None, "tool_call_id": None, "is_client": True, "is_sampled": True,
        "attributes": {"gen_ai.request.model": "gpt-4o"},
    }  # fmt: skip
    return Span(**{**values, **changes})


def tool_of(name: str, *, n: int = 0, tool_call_id: str = "t1") -> ToolCall:
    """A tool that was called and ended well."""
    return ToolCall(
        n=n, tool_call_id=tool_call_id, tool_name=name, message_id=None, arguments="{}", result="1", status="ok", error=None,
        start_ms=1.0, end_ms=2.0, duration_ms=1.0,
    )  # fmt: skip


def settlement(
    claimed: CallClaim,
    *,
    settled: bool = True,
    look_again_ms: int | None = None,
    tools: Sequence[str] = (),
    health: Health | None = None,
    destinations: Sequence[str] = (),
    is_final: bool = True,
    encoded: bytes = b"span",
    **changes: Any,
) -> CallSettlement:
    """What a worker makes of a claim: one span, one usage, the tools named; exported to the destinations."""
    call = call_of(claimed, **changes)
    assembled = Assembled(
        call=call,
        spans=(span_of(call),),
        tool_calls=tuple(tool_of(name, n=n, tool_call_id=f"t{n}") for n, name in enumerate(tools)),
        usage=(UsageRow(n=0, message_id=None, model=call.model, at_ms=1.0, usage=call.usage),),
        health=health or Health(),
        settled=settled,
        look_again_ms=look_again_ms,
    )
    queued = tuple(
        QueuedSpan(
            span_id=call.span_id, trace_id=call.trace_id, request_id=call.request_id, destination=destination,
            is_final=is_final, encoded=encoded,
        )
        for destination in destinations
    )  # fmt: skip
    return settlement_of(claimed, assembled, queued)


def settle_one(store: Store, request_id: str, *, status: Status = "ok", project: str = "p", **changes: Any) -> None:
    """Store a call of one event and settle it at once, with the given columns."""
    columns = {"request_id": request_id, "timestamp": int(changes.get("start_ms") or NOW_MS)}
    append(store, event(f"e-{request_id}", **columns), start=True, terminal=True, project=project)
    (claimed,) = claim(store)
    store.settle_calls([settlement(claimed, status=status, **changes)], now_ms=NOW_MS)
