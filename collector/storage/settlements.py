"""
From what assembly made of a call to the rows that keep it.

Flow: pipeline -> **settlement_of** -> CallSettlement -> settling. Pure, and in whichever process assembles: what is left for the
one that owns the database is to write.
"""

import json
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from collector.spans import Assembled, Call, Health, Span, ToolCall, Usage, UsageRow
from collector.storage.protocols import CallClaim, CallSettlement, QueuedSpan

_encode = msgspec.json.Encoder().encode

_CALL_FIELDS = tuple(name for name in Call.__dataclass_fields__ if name not in {"tags", "usage"})
_TOKENS = tuple(Usage.__dataclass_fields__)
_SPAN_FIELDS = tuple(name for name in Span.__dataclass_fields__ if name != "attributes")
_TOOL_FIELDS = tuple(ToolCall.__dataclass_fields__)
_HEALTH_FIELDS = tuple(Health.__dataclass_fields__)
_USAGE_FIELDS = ("n", "message_id", "model", "at_ms")
_EXPORT_FIELDS = ("span_id", "destination", "trace_id", "request_id", "is_final", "encoded")

CALL_NAMES = (*_CALL_FIELDS, *_TOKENS, "tags", "order_ms", "resource_id", "exported_status")
SPAN_NAMES = (*_SPAN_FIELDS, "duration_ms", "attributes")
TOOL_NAMES = ("project", "request_id", *_TOOL_FIELDS)
USAGE_NAMES = ("project", "request_id", *_USAGE_FIELDS, *_TOKENS)
HEALTH_NAMES = ("project", "request_id", *_HEALTH_FIELDS)
EXPORT_NAMES = (
    "project", "resource_id", "encoded_bytes", "span", "destination", "trace_id", "request_id", "is_final", "encoded",
)  # fmt: skip
"""The columns that the tuples of a settlement are of."""

_call_values, _tokens, _span_values = attrgetter(*_CALL_FIELDS), attrgetter(*_TOKENS), attrgetter(*_SPAN_FIELDS)
_tool_values, _health_values = attrgetter(*_TOOL_FIELDS), attrgetter(*_HEALTH_FIELDS)
_usage_values, _export_values = attrgetter(*_USAGE_FIELDS), attrgetter(*_EXPORT_FIELDS)


def settlement_of(claim: CallClaim, assembled: Assembled, exports: Sequence[QueuedSpan] = ()) -> CallSettlement:
    """What is to be stored of a claim that was worked on."""
    key = (claim.project, claim.request_id)
    resource_id = claim.resource.resource_id
    return CallSettlement(
        project=claim.project,
        request_id=claim.request_id,
        dirty=claim.dirty,
        resource=claim.resource,
        is_settled=assembled.settled,
        look_again_ms=assembled.look_again_ms,
        settled_ms=claim.settled_ms,
        was_seen=claim.trace_id is not None,
        ends_incomplete=claim.exported == "incomplete" and bool(exports),
        call=_call(claim, assembled.call, is_exported=bool(exports)),
        spans=tuple([_span(span) for span in assembled.spans]),
        tool_calls=tuple([(*key, *_tool_values(tool)) for tool in assembled.tool_calls]),
        usage=tuple([_usage_row(key, row) for row in assembled.usage]),
        health=(*key, *_health_values(assembled.health)),
        exports=tuple([(claim.project, resource_id, len(span.encoded), *_export_values(span)) for span in exports]),
        measurements=assembled.measurements,
    )


def _call(claim: CallClaim, call: Call, *, is_exported: bool) -> tuple[Any, ...]:
    order_ms = call.end_ms if call.start_ms is None else call.start_ms
    return (
        *_call_values(call),
        *_tokens(call.usage),
        None if call.tags is None else _json(call.tags),
        float(claim.first_received_ms) if order_ms is None else order_ms,
        claim.resource.resource_id,
        call.status if is_exported else None,
    )


def _span(span: Span) -> tuple[Any, ...]:
    return (*_span_values(span), span.duration_ms, _json(span.attributes))


def _usage_row(key: tuple[str, str], row: UsageRow) -> tuple[Any, ...]:
    return (*key, *_usage_values(row), *_tokens(row.usage))


def _json(value: Mapping[str, Any]) -> str:
    try:
        return _encode(value).decode()
    except (msgspec.MsgspecError, OverflowError, UnicodeError, TypeError):
        # Whole numbers beyond 64 bits, halves of surrogate pairs: Python's own takes all that it read.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
