"""
Remove calls and events with everything of theirs, in the transaction that is open.

Flow: expiring, forgetting -> **removing** -> every table of calls and events.
What arrives at the same moment decides the order. Ingest writes a call's work item before the call's row, so whoever holds the
work item keeps ingest from relying on rows that are about to go; it then makes them anew.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Table,
    and_,
    bindparam,
    delete,
    false,
    func,
    insert,
    literal,
    select,
    text,
    update,
)

from collector.storage.repeats import shows_blobs
from collector.storage.tables import (
    blob_refs,
    call_health,
    call_work,
    calls,
    events,
    exports,
    kept_sizes,
    spans,
    token_usage,
    tool_calls,
)
from collector.storage.touches import Key, are_of
from collector.storage.upserts import insert as insert_of

ROW_BYTES = 700
"""What an event takes beside its payload: its other columns, its indexes, its share of the call's rows."""
MARKS_PROJECT = ""
"""No project is named so: rows of it only hold a place."""
_OWNER = "keeping"
_FAR_MS = 2**62
_OF_CALLS = (spans, tool_calls, token_usage, call_health, exports, calls)


def mark(connection: Connection, keys: Iterable[Key], *, now_ms: int, take_over: bool) -> set[Key]:
    """
    Make the calls ours: their work items, so that nobody else works on them before the commit. Those that could be had.

    Only what has a row in `calls` can be had. With `take_over` open work is no hindrance, only a claim that holds is.
    """
    keys = set(keys)
    if not keys:
        return set()
    c = calls.c
    times = [literal(now_ms, BigInteger), literal(now_ms, BigInteger)]
    row = [c.project, c.request_id, literal(0), *times, false(), false(), false(), literal(_FAR_MS, BigInteger), literal(_OWNER)]
    chosen = select(*row, literal(now_ms, BigInteger)).where(are_of(c.project, c.request_id, keys))
    # From the calls and not from values: that statement is built once, whatever the number of keys.
    names = [column.name for column in call_work.c]
    statement = insert_of(connection.dialect.name, call_work).from_select(names, chosen.order_by(c.project, c.request_id))
    if take_over:
        free = call_work.c.lease_until_ms.is_(None) | (call_work.c.lease_until_ms <= now_ms)
        ours = {"lease_owner": _OWNER, "lease_until_ms": now_ms}
        statement = statement.on_conflict_do_update(index_elements=["project", "request_id"], set_=ours, where=free)
    else:
        statement = statement.on_conflict_do_nothing()
    found = connection.execute(statement.returning(call_work.c.project, call_work.c.request_id))
    return {(project, request_id) for project, request_id in found}


def unmark(connection: Connection, keys: Iterable[Key]) -> None:
    """Remove work items that `mark` made or took over."""
    keys = set(keys)
    if keys:
        connection.execute(delete(call_work).where(are_of(call_work.c.project, call_work.c.request_id, keys)))


def remove_calls(connection: Connection, keys: Iterable[Key]) -> Counter[str]:
    """Remove marked calls, whole: how many rows of which table. Their work items go with them."""
    keys = set(keys)
    if not keys:
        return Counter()
    removed = remove_events(connection, are_of(events.c.project, events.c.request_id, keys))
    return removed + remove_all_but_events(connection, keys)


def remove_all_but_events(connection: Connection, keys: Iterable[Key]) -> Counter[str]:
    """Remove what marked calls have beside their events."""
    keys, removed = set(keys), Counter[str]()
    if keys:
        for table in _OF_CALLS:
            removed[table.name] += _delete_of(connection, table, keys)
        unmark(connection, keys)
    return removed


def _delete_of(connection: Connection, table: Table, keys: set[Key]) -> int:
    statement = delete(table).where(are_of(table.c.project, table.c.request_id, keys))
    if table is not exports or connection.dialect.name != "sqlite":
        return connection.execute(statement).rowcount
    gone = connection.execute(statement.returning(exports.c.export_id)).scalars().all()
    if gone:
        hold_place(connection, exports.c.export_id, max(gone), _EXPORT_MARK)
    return len(gone)


def remove_events(connection: Connection, which: Any) -> Counter[str]:
    """Remove the events that fit a condition, with their references to media, and take them out of the count of bytes."""
    e = events.c
    rows = connection.execute(
        delete(events)
        .where(which, e.project != MARKS_PROJECT)
        .returning(e.project, e.timestamp, e.event_id, e.arrival, func.length(e.payload), shows_blobs(e), e.received_at)
    ).all()
    removed = Counter[str](events=len(rows))
    if not rows:
        return removed
    removed["bytes"] = sum(row[4] + ROW_BYTES for row in rows)
    removed["blob_refs"] = _remove_refs(connection, [(row[0], row[1], row[2]) for row in rows if row[5]])
    _take_from_sizes(connection, rows)
    newest = max(rows, key=lambda row: row.arrival)
    if connection.dialect.name == "sqlite":
        hold_place(connection, e.arrival, newest.arrival, {**_EVENT_MARK, "received_at": newest.received_at})
    return removed


def _remove_refs(connection: Connection, keys: Sequence[tuple[str, int, str]]) -> int:
    if not keys:
        return 0
    r = blob_refs.c
    one = and_(r.project == bindparam("p"), r.timestamp == bindparam("t"), r.event_id == bindparam("e"))
    rows = [{"p": project, "t": timestamp, "e": event_id} for project, timestamp, event_id in keys]
    done = connection.execute(delete(blob_refs).where(one), rows)
    return max(done.rowcount, 0)


COUNTED_TO = select(kept_sizes.c.counted_to).where(kept_sizes.c.project == MARKS_PROJECT)
"""The arrival up to which the kept sizes count."""


def _take_from_sizes(connection: Connection, rows: Sequence[Any]) -> None:
    """Only what was counted is taken off."""
    counted_to = connection.execute(COUNTED_TO).scalar()
    if not counted_to:
        return
    sizes: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        if row.arrival <= counted_to:
            sizes[row.project] += row[4] + ROW_BYTES
    add_sizes(connection, {project: -size for project, size in sizes.items()})


def add_sizes(connection: Connection, sizes: dict[str, int]) -> None:
    """Change the counts of projects' bytes."""
    if not sizes:
        return
    statement = insert_of(connection.dialect.name, kept_sizes)
    more = {"bytes": kept_sizes.c.bytes + statement.excluded.bytes}
    rows = [{"project": project, "counted_to": 0, "bytes": sizes[project]} for project in sorted(sizes)]
    connection.execute(statement.on_conflict_do_update(index_elements=["project"], set_=more), rows)


_EVENT_MARK = {
    "project": MARKS_PROJECT, "event_id": "arrivals", "type": "hookline:mark", "timestamp": 0, "service": "", "clock": "receiver",
    "payload": "{}", "dialect": "hookline", "resource_id": "",
}  # fmt: skip
_EXPORT_MARK = {
    "project": MARKS_PROJECT, "span": "", "destination": "", "state": "done", "next_at": 0, "trace_id": "", "request_id": "",
    "resource_id": "", "is_final": True, "queued_ms": 0,
}  # fmt: skip


def hold_place(connection: Connection, number: Column[Any], gone: int, row: dict[str, Any]) -> None:
    """
    SQLite gives the highest number plus one: where the highest is removed, a row without content keeps its place.

    Else a reader that goes on from there would miss what comes next, and a worker would settle another span than it sent. The
    other way, AUTOINCREMENT, would have every database copy its events, and costs each insert an update of a table more.
    """
    highest = connection.execute(select(func.max(number))).scalar() or 0
    if highest > gone:
        return
    table = number.table
    moved = connection.execute(update(table).where(table.c.project == MARKS_PROJECT).values({number.name: gone}))
    if not moved.rowcount:
        connection.execute(insert(table).values({**row, number.name: gone}))


def sweep_marks(connection: Connection) -> None:
    """Rows that only hold a place go when there are higher ones."""
    for number in (events.c.arrival, exports.c.export_id):
        higher = select(func.max(number)).scalar_subquery()
        connection.execute(delete(number.table).where(number.table.c.project == MARKS_PROJECT, number < higher))


def keep_ingest_out(connection: Connection, table: str) -> None:
    """
    PostgreSQL: wait for whoever wrote to a table, and let nobody write until the commit.

    Ingest leaves a row that is there untouched, so no lock of a row would tell that it relies on it. What came before is seen by
    the next statement; what comes after finds the row gone and writes it again.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = '1s'"))
        connection.execute(text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))
