"""
TX 2: what assembly found out, and the work that follows from it.

Flow: pipeline -> CallWork.settle_calls -> **settle** -> calls, spans, tool_calls, token_usage, call_health, exports, call_work.
Few statements however many calls, sorted by key. A call that was never looked at before has nothing to be removed.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Connection, Table, Update, bindparam, case, delete, func, update

from collector.spans import Call, Span, ToolCall, Usage, UsageRow
from collector.storage.protocols import CallSettlement, QueuedSpan
from collector.storage.sqlite_answers import as_list
from collector.storage.sqlite_inserts import cursor_of
from collector.storage.tables import call_health, call_work, calls, exports, spans, token_usage, tool_calls
from collector.storage.touches import due_rule
from collector.storage.upserts import Insert, insert, insert_new, insert_rows, replace_all

_encode = msgspec.json.Encoder().encode
_CHILDREN = (spans, tool_calls, token_usage)


def _is_call(table: Table) -> ColumnElement[bool]:
    """The row of one call, by the parameters key_project and key_request_id."""
    return (table.c.project == bindparam("key_project")) & (table.c.request_id == bindparam("key_request_id"))


# Statements are built once: building one costs as much as a commit.
_IS_UNCHANGED = call_work.c.dirty == bindparam("claimed_dirty")
_WORK_DONE = delete(call_work).where(_is_call(call_work), _IS_UNCHANGED)
# One statement for all: on SQLite each row of an `executemany` would let go of the interpreter's lock.
_SQLITE_WORK_DONE = """
    DELETE FROM call_work WHERE rowid IN (
        SELECT work.rowid FROM json_each(?) AS done CROSS JOIN call_work AS work
        ON work.project = json_extract(done.value, '$[0]') AND work.request_id = json_extract(done.value, '$[1]')
        AND work.dirty = json_extract(done.value, '$[2]')
    )
"""
_OF_CALL = {table: delete(table).where(_is_call(table)) for table in _CHILDREN}
# What nobody has in hand; what is on its way, or may have been when its sender died, is sent beside its successor.
_NOT_SENT = delete(exports).where(
    _is_call(exports), exports.c.is_final.is_(False), exports.c.state == "pending", exports.c.lease_owner.is_(None)
)


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


@cache
def _replace_call(engine: str) -> Insert:
    statement = insert(engine, calls)
    names = [name for name in _CALL_COLUMNS if name not in {"project", "request_id", "resource_id", "exported_status"}]
    changed: dict[str, Any] = {name: statement.excluded[name] for name in names}
    # Once queued for export it stays so, whatever a later look finds.
    changed["exported_status"] = func.coalesce(statement.excluded.exported_status, calls.c.exported_status)
    return statement.on_conflict_do_update(index_elements=["project", "request_id"], set_=changed)


def settle(connection: Connection, settlements: Sequence[CallSettlement], *, now_ms: int, settle_ms: int) -> None:
    """Store outcomes and end claims, in the open transaction."""
    ordered = sorted(settlements, key=lambda one: (one.claim.project, one.claim.request_id))
    # Work items first: they are what another collector's ingest may hold.
    _end_claims(connection, ordered, settle_ms)
    insert_rows(connection, _replace_call(connection.dialect.name), [_call(one, now_ms) for one in ordered])
    _clear(connection, ordered)
    insert_new(connection, spans, [_span(span) for one in ordered for span in one.assembled.spans])
    insert_new(connection, tool_calls, [_tool_call(one, tool) for one in ordered for tool in one.assembled.tool_calls])
    insert_new(connection, token_usage, [_usage_row(one, row) for one in ordered for row in one.assembled.usage])
    replace_all(connection, call_health, [_health(one) for one in ordered], key=("project", "request_id"))
    insert_new(connection, exports, [_export(one, span, now_ms) for one in ordered for span in one.exports])


def _end_claims(connection: Connection, settlements: Sequence[CallSettlement], settle_ms: int) -> None:
    done = [one for one in settlements if one.assembled.settled]
    still_open = settlements if _delete_work(connection, done) < len(done) else [
        one for one in settlements if not one.assembled.settled
    ]  # fmt: skip
    if still_open:
        again = [
            {**_key(one), "claimed_dirty": one.claim.dirty, "look_again_ms": one.assembled.look_again_ms} for one in still_open
        ]
        connection.execute(_open_again(settle_ms), again)


def _delete_work(connection: Connection, done: Sequence[CallSettlement]) -> int:
    """Remove the work items that nothing was added to; how many."""
    if not done:
        return 0
    if connection.dialect.name == "sqlite":
        keys = as_list([one.claim.project, one.claim.request_id, one.claim.dirty] for one in done)
        return cursor_of(connection).execute(_SQLITE_WORK_DONE, (keys,)).rowcount
    return connection.execute(_WORK_DONE, [{**_key(one), "claimed_dirty": one.claim.dirty} for one in done]).rowcount


def _clear(connection: Connection, settlements: Sequence[CallSettlement]) -> None:
    """Remove what an earlier look at the calls left; most were never looked at."""
    seen = [_key(one) for one in settlements if one.claim.trace_id is not None]
    for table in _CHILDREN if seen else ():
        connection.execute(_OF_CALL[table], seen)
    ended = [_key(one) for one in settlements if one.claim.exported == "incomplete" and one.exports]
    if ended:
        connection.execute(_NOT_SENT, ended)


def _key(one: CallSettlement) -> dict[str, Any]:
    return {"key_project": one.claim.project, "key_request_id": one.claim.request_id}


def _json(value: Mapping[str, Any]) -> str:
    try:
        return _encode(value).decode()
    except (msgspec.MsgspecError, OverflowError, UnicodeError, TypeError):
        # Whole numbers beyond 64 bits, halves of surrogate pairs: Python's own takes all that it read.
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
_CALL_COLUMNS = frozenset(column.name for column in calls.c)
_SPAN_FIELDS = tuple(column.name for column in spans.c if column.name not in {"attributes", "duration_ms"})
_TOOL_FIELDS = tuple(ToolCall.__dataclass_fields__)
_HEALTH_FIELDS = tuple(column.name for column in call_health.c if column.name not in {"project", "request_id"})
_call_values, _span_values, _health_values = attrgetter(*_CALL_FIELDS), attrgetter(*_SPAN_FIELDS), attrgetter(*_HEALTH_FIELDS)


def _call(one: CallSettlement, now_ms: int) -> dict[str, Any]:
    call = one.assembled.call
    known = (call.start_ms, call.end_ms, float(one.claim.first_received_ms))
    return {
        **dict(zip(_CALL_FIELDS, _call_values(call), strict=True)),
        **_tokens(call.usage),
        "tags": None if call.tags is None else _json(call.tags),
        "updated_ms": now_ms,
        "order_ms": next(at for at in known if at is not None),
        "resource_id": one.claim.resource.resource_id,
        "settled_ms": _first_settled_ms(one, now_ms),
        "exported_status": call.status if one.exports else None,
    }


def _first_settled_ms(one: CallSettlement, now_ms: int) -> int | None:
    before = one.claim.settled_ms
    return before if before is not None else now_ms if one.assembled.settled else None


def _span(span: Span) -> dict[str, Any]:
    row = dict[str, Any](zip(_SPAN_FIELDS, _span_values(span), strict=True))
    row["duration_ms"] = span.duration_ms
    row["attributes"] = _json(span.attributes)
    return row


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
    row = dict[str, Any](zip(_HEALTH_FIELDS, _health_values(one.assembled.health), strict=True))
    row["project"] = one.claim.project
    row["request_id"] = one.claim.request_id
    return row


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
