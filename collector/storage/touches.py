"""
What new events mean for their calls: a first row, and when to look at the call.

Flow: batches -> **touches** -> calls, call_work. In the transaction of the events, so no event is ever without its work item.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, case, false, literal, not_, or_, select

from collector.events import Batch, CallTouch
from collector.storage.tables import call_work, calls
from collector.storage.upserts import Insert, insert, insert_new, insert_rows

LOOKS_PER_DOUBLING = 4
"""A running call is looked at so often, roughly, while its age doubles."""

Key = tuple[str, str]
"""(project, requestId) or (project, runId)."""


@dataclass(slots=True)
class _Touched:
    """All that a group of batches says about one call."""

    project: str
    touch: CallTouch
    resource_id: str
    first_received_ms: int
    last_received_ms: int
    dirty: int
    has_start: bool
    has_terminal: bool
    is_own_hook: bool


def store_touches(connection: Connection, batches: Sequence[Batch], settle_ms: int) -> None:
    """First rows and work items of the calls that batches touch."""
    touched = _merge(batches)
    if not touched:
        return
    ordered = [touched[key] for key in sorted(touched)]
    # Work first: retention holds a call's work item while it removes the call, and the row must come after that.
    statement = _work_statement(connection.dialect.name, settle_ms)
    works = [_work_row(call, settle_ms) for call in ordered]
    # Once more, and nothing new about it: what the rule makes of a row that it made is the same.
    filler = (*works[-1][:_DIRTY], 0, *works[-1][_DIRTY + 1 :])
    insert_rows(connection, statement, _WORK_NAMES, works, filler=filler)
    insert_new(connection, calls, _FIRST_NAMES, [_first_row(call) for call in ordered])


def store_run_ends(connection: Connection, batches: Sequence[Batch], settle_ms: int) -> None:
    """Make work for the calls of runs that ended; a call that comes later finds the run's end by itself."""
    runs = {(batch.project, end.run_id): batch.received_ms for batch in batches for end in batch.run_ends}
    if not runs:
        return
    received_ms = max(runs.values())
    of_runs = are_of(calls.c.project, calls.c.run_id, runs)
    mark_dirty(connection, of_runs, received_ms=received_ms, settle_ms=settle_ms)


def are_of(project: ColumnElement[str], name: ColumnElement[str | None], keys: Iterable[Key]) -> ColumnElement[bool]:
    """Rows with one of many (project, name). SQLite finds no index for a list of pairs, but does for the lists of their parts."""
    names: dict[str, list[str]] = defaultdict(list)
    for key_project, key_name in keys:
        names[key_project].append(key_name)
    parts = and_(project.in_(list(names)), name.in_([one for found in names.values() for one in found]))
    if len(names) == 1:
        return parts
    return and_(parts, or_(*(and_(project == key_project, name.in_(found)) for key_project, found in names.items())))


def mark_dirty(connection: Connection, which: ColumnElement[bool], *, received_ms: int, settle_ms: int) -> int:
    """Make the calls that fit a condition due again; how many."""
    rows = select(
        calls.c.project,
        calls.c.request_id,
        literal(1),
        literal(received_ms),
        literal(received_ms),
        false(),
        false(),
        false(),
        literal(received_ms + settle_ms),
    ).where(which)
    names = [column.name for column in call_work.c][: len(rows.selected_columns)]
    # SQLite's parser takes ON CONFLICT after SELECT for a join's ON unless a WHERE stands between: `which` is that WHERE.
    statement = insert(connection.dialect.name, call_work).from_select(names, rows.order_by(calls.c.project, calls.c.request_id))
    return connection.execute(_work_upsert(statement, settle_ms).execution_options(preserve_rowcount=True)).rowcount


def due_rule(
    *,
    own: ColumnElement[bool],
    start: ColumnElement[bool],
    terminal: ColumnElement[bool],
    first_ms: ColumnElement[int],
    last_ms: ColumnElement[int],
    settle_ms: int,
) -> ColumnElement[int]:
    """
    When a call is due: at once where our own hook sent its start and its end, else after the settling time.

    A call that still runs is looked at ever more seldom, by a quarter of its age: each look reads all its events, so looking
    at a long stream every second would cost the square of its length.
    """
    quarter_ms = (last_ms - first_ms) // LOOKS_PER_DOUBLING
    return case(
        (and_(own, start, terminal), last_ms),
        (or_(terminal, quarter_ms < settle_ms), last_ms + settle_ms),
        else_=last_ms + quarter_ms,
    )


@cache
def _work_statement(engine: str, settle_ms: int) -> Insert:
    """Built once: building it costs more than the commit."""
    return _work_upsert(insert(engine, call_work), settle_ms)


def _work_upsert(statement: Insert, settle_ms: int) -> Insert:
    old, new = call_work.c, statement.excluded
    last_ms = case((old.last_received_ms > new.last_received_ms, old.last_received_ms), else_=new.last_received_ms)
    has_terminal = or_(old.has_terminal, new.has_terminal)
    due_ms = due_rule(
        own=or_(old.is_own_hook, new.is_own_hook),
        start=or_(old.has_start, new.has_start),
        terminal=has_terminal,
        first_ms=old.first_received_ms,
        last_ms=last_ms,
        settle_ms=settle_ms,
    )
    return statement.on_conflict_do_update(
        index_elements=["project", "request_id"],
        set_={
            "dirty": old.dirty + new.dirty,
            "last_received_ms": last_ms,
            "has_start": or_(old.has_start, new.has_start),
            "has_terminal": has_terminal,
            "is_own_hook": or_(old.is_own_hook, new.is_own_hook),
            # A long stream is looked at while it runs: its chunks don't push the time away.
            "due_ms": case((and_(not_(has_terminal), old.due_ms < due_ms), old.due_ms), else_=due_ms),
        },
    )


def _merge(batches: Sequence[Batch]) -> dict[tuple[str, str], _Touched]:
    """One entry a call: PostgreSQL refuses to update a row twice in one statement."""
    merged: dict[tuple[str, str], _Touched] = {}
    for batch in batches:
        is_own_hook = batch.resource.is_own_hook
        for touch in batch.touches:
            call = merged.get((batch.project, touch.request_id))
            if call is None:
                merged[batch.project, touch.request_id] = _Touched(
                    batch.project, touch, batch.resource.resource_id, batch.received_ms, batch.received_ms,
                    1, touch.has_start, touch.has_terminal, is_own_hook,
                )  # fmt: skip
                continue
            if touch.has_start and not call.has_start:
                call.touch, call.resource_id = touch, batch.resource.resource_id
            call.dirty += 1
            call.last_received_ms = max(call.last_received_ms, batch.received_ms)
            call.has_start |= touch.has_start
            call.has_terminal |= touch.has_terminal
            call.is_own_hook |= is_own_hook
    return merged


_WORK_NAMES: Final = (
    "project", "request_id", "dirty", "first_received_ms", "last_received_ms",
    "has_start", "has_terminal", "is_own_hook", "due_ms",
)  # fmt: skip
_DIRTY: Final = _WORK_NAMES.index("dirty")


def _work_row(call: _Touched, settle_ms: int) -> tuple[Any, ...]:
    """In the order of `_WORK_NAMES`."""
    at_once = call.is_own_hook and call.has_start and call.has_terminal
    return (
        call.project, call.touch.request_id, call.dirty, call.first_received_ms, call.last_received_ms,
        call.has_start, call.has_terminal, call.is_own_hook, call.last_received_ms + (0 if at_once else settle_ms),
    )  # fmt: skip


_FIRST_NAMES: Final = (
    "project", "request_id", "parent_request_id", "operation", "status", "start_ms", "provider", "model", "usage_source",
    "service", "client_id", "thread_id", "run_id", "session_id", "user_id", "updated_ms", "order_ms", "resource_id",
)  # fmt: skip


def _first_row(call: _Touched) -> tuple[Any, ...]:
    """In the order of `_FIRST_NAMES`."""
    first = call.touch.first
    start_ms = first.timestamp + (first.fraction or 0.0)
    return (
        call.project, call.touch.request_id, first.parent_request_id, call.touch.operation, "running", start_ms,
        first.provider, first.model, "missing", first.service, first.client_id, first.thread_id, first.run_id,
        first.session_id, first.user_id, call.last_received_ms, start_ms, call.resource_id,
    )  # fmt: skip
