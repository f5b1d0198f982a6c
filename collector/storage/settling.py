"""
TX 2: what assembly found out, and the work that follows from it.

Flow: pipeline -> CallWork.settle_calls -> **settle** -> calls, spans, tool_calls, token_usage, call_health, exports, call_work.
Few statements however many calls, sorted by key. A call that was never looked at before has nothing to be removed.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Table, Update, bindparam, case, delete, func, select, update

from collector.storage.outbox import ExportClaim, SpanLease
from collector.storage.protocols import CallSettlement
from collector.storage.settlements import CALL_NAMES, EXPORT_NAMES, HEALTH_NAMES, SPAN_NAMES, TOOL_NAMES, USAGE_NAMES
from collector.storage.sqlite_answers import as_list, fetch
from collector.storage.sqlite_inserts import cursor_of
from collector.storage.tables import call_health, call_work, calls, exports, spans, token_usage, tool_calls
from collector.storage.touches import due_rule
from collector.storage.upserts import Insert, insert, insert_new, insert_rows, replace_all

# The times of storing stand behind what was made before.
_STORED_CALL_NAMES = (*CALL_NAMES, "updated_ms", "settled_ms")
_QUEUED_NAMES = (*EXPORT_NAMES, "state", "next_at", "queued_ms", "lease_owner")
_SPAN, _DESTINATION, _TRACE, _ENCODED = map(EXPORT_NAMES.index, ("span", "destination", "trace_id", "encoded"))
_NO_LEASE = SpanLease(owner="", until_ms={})
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
_LEASED = select(exports.c.export_id, exports.c.project, exports.c.span).where(
    exports.c.destination == bindparam("to"),
    exports.c.state == "pending",
    exports.c.next_at == bindparam("until", type_=BigInteger),
    exports.c.lease_owner == bindparam("owner"),
)
_SQLITE_LEASED = """
    SELECT group_concat(json_array(export_id, project, span)) FROM exports
    WHERE destination = ? AND state = 'pending' AND next_at = ? AND lease_owner = ?
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
    names = [column.name for column in calls.c if column.name not in {"project", "request_id", "resource_id", "exported_status"}]
    changed: dict[str, Any] = {name: statement.excluded[name] for name in names}
    # Once queued for export it stays so, whatever a later look finds.
    changed["exported_status"] = func.coalesce(statement.excluded.exported_status, calls.c.exported_status)
    return statement.on_conflict_do_update(index_elements=["project", "request_id"], set_=changed)


def settle(
    connection: Connection,
    settlements: Sequence[CallSettlement],
    *,
    now_ms: int,
    settle_ms: int,
    leased: SpanLease | None = None,
) -> list[ExportClaim]:
    """Store outcomes and end claims, in the open transaction; the queued spans that are leased with it."""
    ordered = sorted(settlements, key=lambda one: (one.project, one.request_id))
    # Work items first: they are what another collector's ingest may hold.
    _end_claims(connection, ordered, settle_ms)
    stored = [(*one.call, now_ms, _first_settled_ms(one, now_ms)) for one in ordered]
    insert_rows(connection, _replace_call(connection.dialect.name), _STORED_CALL_NAMES, stored)
    _clear(connection, ordered)
    insert_new(connection, spans, SPAN_NAMES, [row for one in ordered for row in one.spans])
    insert_new(connection, tool_calls, TOOL_NAMES, [row for one in ordered for row in one.tool_calls])
    insert_new(connection, token_usage, USAGE_NAMES, [row for one in ordered for row in one.usage])
    replace_all(connection, call_health, HEALTH_NAMES, [one.health for one in ordered], key=("project", "request_id"))
    return _queue(connection, ordered, now_ms, leased or _NO_LEASE)


def _queue(connection: Connection, settlements: Sequence[CallSettlement], now_ms: int, leased: SpanLease) -> list[ExportClaim]:
    """Queue spans; those that are new and leased."""
    until_ms, owner = leased.until_ms, leased.owner
    queued = [
        (*row, "pending", until_ms.get(row[_DESTINATION], now_ms), now_ms, owner if row[_DESTINATION] in until_ms else None)
        for one in settlements
        for row in one.exports
    ]
    insert_new(connection, exports, _QUEUED_NAMES, queued)
    if not queued or not until_ms:
        return []
    given = {(one.project, *_span_of(row)): (one, row) for one in settlements for row in one.exports}
    return [
        _claim_of(export_id, *given[project, span, destination], until_ms[destination])
        for destination in until_ms
        for export_id, project, span in _leased(connection, destination, leased)
    ]


def _leased(connection: Connection, destination: str, leased: SpanLease) -> Sequence[Any]:
    values = (destination, leased.until_ms[destination], leased.owner)
    if connection.dialect.name == "sqlite":
        return fetch(connection, _SQLITE_LEASED, values)
    return connection.execute(_LEASED, dict(zip(("to", "until", "owner"), values, strict=True))).all()


def _span_of(row: Sequence[Any]) -> tuple[str, str]:
    return row[_SPAN], row[_DESTINATION]


def _claim_of(export_id: int, one: CallSettlement, row: Sequence[Any], until_ms: int) -> ExportClaim:
    return ExportClaim(
        export_id=export_id,
        project=one.project,
        destination=row[_DESTINATION],
        span_id=row[_SPAN],
        trace_id=row[_TRACE],
        resource=one.resource,
        attempts=0,
        stumbles=0,
        lease_until_ms=until_ms,
        encoded=row[_ENCODED],
    )


def _end_claims(connection: Connection, settlements: Sequence[CallSettlement], settle_ms: int) -> None:
    done = [one for one in settlements if one.is_settled]
    still_open = settlements if _delete_work(connection, done) < len(done) else [
        one for one in settlements if not one.is_settled
    ]  # fmt: skip
    if still_open:
        again = [{**_key(one), "claimed_dirty": one.dirty, "look_again_ms": one.look_again_ms} for one in still_open]
        connection.execute(_open_again(settle_ms), again)


def _delete_work(connection: Connection, done: Sequence[CallSettlement]) -> int:
    """Remove the work items that nothing was added to; how many."""
    if not done:
        return 0
    if connection.dialect.name == "sqlite":
        keys = as_list([one.project, one.request_id, one.dirty] for one in done)
        return cursor_of(connection).execute(_SQLITE_WORK_DONE, (keys,)).rowcount
    return connection.execute(_WORK_DONE, [{**_key(one), "claimed_dirty": one.dirty} for one in done]).rowcount


def _clear(connection: Connection, settlements: Sequence[CallSettlement]) -> None:
    """Remove what an earlier look at the calls left; most were never looked at."""
    seen = [_key(one) for one in settlements if one.was_seen]
    for table in _CHILDREN if seen else ():
        connection.execute(_OF_CALL[table], seen)
    ended = [_key(one) for one in settlements if one.ends_incomplete]
    if ended:
        connection.execute(_NOT_SENT, ended)


def _key(one: CallSettlement) -> dict[str, Any]:
    return {"key_project": one.project, "key_request_id": one.request_id}


def _first_settled_ms(one: CallSettlement, now_ms: int) -> int | None:
    return one.settled_ms if one.settled_ms is not None else now_ms if one.is_settled else None
