"""
TX 2: what assembly found out, and the work that follows from it.

Flow: pipeline -> CallWork.settle_calls -> **settle** -> calls, spans, tool_calls, token_usage, call_health, exports, call_work.
Few statements however many calls: each is one executemany, sorted by key.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Table, Update, bindparam, case, delete, update

from collector.spans import Call, Span, ToolCall, Usage, UsageRow
from collector.storage.protocols import CallSettlement, QueuedSpan
from collector.storage.tables import call_health, call_work, calls, exports, spans, token_usage, tool_calls
from collector.storage.touches import due_rule
from collector.storage.upserts import insert_new, replace_all

_CHILDREN = (spans, tool_calls, token_usage)


def _is_call(table: Table) -> ColumnElement[bool]:
    """The row of one call, by the parameters key_project and key_request_id."""
    return (table.c.project == bindparam("key_project")) & (table.c.request_id == bindparam("key_request_id"))


# Statements are built once: building one costs as much as a commit.
_IS_UNCHANGED = call_work.c.dirty == bindparam("claimed_dirty")
_WORK_DONE = delete(call_work).where(_is_call(call_work), _IS_UNCHANGED)
_EXPORTED = update(calls).where(_is_call(calls)).values(exported_status=bindparam("exported"))
_OF_CALL = {table: delete(table).where(_is_call(table)) for table in _CHILDREN}


@cache
def _open_again(settle_ms: int) -> Update:
    work = call_work.c
    by_rules = due_rule(
        own=work.is_own_hook,
        start=work.has_start,
        terminal=work.has_terminal,
        first_ms=work.first_received_ms,
        last_ms=work.last_received_ms,
        settle_ms=settle_ms,
    )
    look_again_ms = bindparam("look_again_ms", type_=BigInteger)
    due_ms = case((_IS_UNCHANGED & look_again_ms.is_not(None), look_again_ms), else_=by_rules)
    return update(call_work).where(_is_call(call_work)).values(due_ms=due_ms, lease_owner=None, lease_until_ms=None)


def settle(connection: Connection, settlements: Sequence[CallSettlement], *, now_ms: int, settle_ms: int) -> None:
    """Store outcomes and end claims, in the open transaction."""
    ordered = sorted(settlements, key=lambda one: (one.claim.project, one.claim.request_id))
    # Work items first: they are what another collector's ingest may hold.
    _end_claims(connection, ordered, settle_ms)
    _replace_calls(connection, ordered, now_ms)
    for table in _CHILDREN:
        _delete_of_calls(connection, table, ordered)
    insert_new(connection, spans, [_span(span) for one in ordered for span in one.assembled.spans])
    insert_new(connection, tool_calls, [_tool_call(one, tool) for one in ordered for tool in one.assembled.tool_calls])
    insert_new(connection, token_usage, [_usage_row(one, row) for one in ordered for row in one.assembled.usage])
    replace_all(connection, call_health, [_health(one) for one in ordered], key=("project", "request_id"))
    insert_new(connection, exports, [_export(one, span, now_ms) for one in ordered for span in one.exports])


def _end_claims(connection: Connection, settlements: Sequence[CallSettlement], settle_ms: int) -> None:
    done = [_claim_key(one) for one in settlements if one.assembled.settled]
    if done:
        connection.execute(_WORK_DONE, done)
    open_again = [{**_claim_key(one), "look_again_ms": one.assembled.look_again_ms} for one in settlements]
    connection.execute(_open_again(settle_ms), open_again)


def _claim_key(one: CallSettlement) -> dict[str, Any]:
    claim = one.claim
    return {"key_project": claim.project, "key_request_id": claim.request_id, "claimed_dirty": claim.dirty}


def _replace_calls(connection: Connection, settlements: Sequence[CallSettlement], now_ms: int) -> None:
    rows = [_call(one, now_ms) for one in settlements]
    replace_all(connection, calls, rows, key=("project", "request_id"), keep=("resource_id",))
    queued = [
        {"key_project": one.claim.project, "key_request_id": one.claim.request_id, "exported": one.assembled.call.status}
        for one in settlements
        if one.exports
    ]
    if queued:
        connection.execute(_EXPORTED, queued)


def _delete_of_calls(connection: Connection, table: Table, settlements: Sequence[CallSettlement]) -> None:
    keys = [{"key_project": one.claim.project, "key_request_id": one.claim.request_id} for one in settlements]
    connection.execute(_OF_CALL[table], keys)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _tokens(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "cost_usd": usage.cost_usd,
    }


_CALL_FIELDS = tuple(
    column.name for column in calls.c if column.name in Call.__dataclass_fields__ and column.name not in {"tags", "usage"}
)
_SPAN_FIELDS = tuple(column.name for column in spans.c if column.name not in {"attributes", "duration_ms"})
_TOOL_FIELDS = tuple(ToolCall.__dataclass_fields__)
_HEALTH_FIELDS = tuple(column.name for column in call_health.c if column.name not in {"project", "request_id"})


def _call(one: CallSettlement, now_ms: int) -> dict[str, Any]:
    call = one.assembled.call
    known = (call.start_ms, call.end_ms, float(one.claim.first_received_ms))
    return {
        **{name: getattr(call, name) for name in _CALL_FIELDS},
        **_tokens(call.usage),
        "tags": None if call.tags is None else _json(call.tags),
        "updated_ms": now_ms,
        "order_ms": next(at for at in known if at is not None),
        "resource_id": one.claim.resource.resource_id,
        "settled_ms": _first_settled_ms(one, now_ms),
    }


def _first_settled_ms(one: CallSettlement, now_ms: int) -> int | None:
    before = one.claim.settled_ms
    return before if before is not None else now_ms if one.assembled.settled else None


def _span(span: Span) -> dict[str, Any]:
    row = {name: getattr(span, name) for name in _SPAN_FIELDS}
    return {**row, "duration_ms": span.duration_ms, "attributes": _json(span.attributes)}


def _tool_call(one: CallSettlement, tool: ToolCall) -> dict[str, Any]:
    row = {name: getattr(tool, name) for name in _TOOL_FIELDS}
    return {"project": one.claim.project, "request_id": one.claim.request_id, **row}


def _usage_row(one: CallSettlement, row: UsageRow) -> dict[str, Any]:
    return {
        "project": one.claim.project,
        "request_id": one.claim.request_id,
        "n": row.n,
        "message_id": row.message_id,
        "model": row.model,
        "at_ms": row.at_ms,
        **_tokens(row.usage),
    }


def _health(one: CallSettlement) -> dict[str, Any]:
    row = {name: getattr(one.assembled.health, name) for name in _HEALTH_FIELDS}
    return {"project": one.claim.project, "request_id": one.claim.request_id, **row}


def _export(one: CallSettlement, span: QueuedSpan, now_ms: int) -> dict[str, Any]:
    return {
        "project": one.claim.project,
        "span": span.span_id,
        "destination": span.destination,
        "state": "pending",
        "next_at": now_ms,
        "trace_id": span.trace_id,
        "request_id": span.request_id,
        "resource_id": one.claim.resource.resource_id,
        "is_final": span.is_final,
        "queued_ms": now_ms,
        "encoded_bytes": len(span.encoded),
        "encoded": span.encoded,
    }
