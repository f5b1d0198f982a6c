"""
Forget a person, a session, a client or a call: whatever of theirs is in any table.

Flow: keeping.forgetting -> **Forgetting** -> removing -> every table.
The plan is made by one look at all events of the project, since no index leads from a person to events: one would cost every
event for the sake of a rare question. Removing goes in short steps beside ingest.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select

from collector.fields import bounded
from collector.storage.keeper import Counts, ForgetPlan, Subject
from collector.storage.keeper_part import KeeperPart
from collector.storage.removing import mark, remove_calls, remove_events
from collector.storage.rows import read_json
from collector.storage.tables import call_work, calls, events, exports, hook_states, spans, token_usage, tool_calls
from collector.storage.touches import Key, are_of

T = TypeVar("T")

_CHUNK = 500
_STEP_EVENTS = 1_000
_OF_CALLS = (calls, events, spans, tool_calls, token_usage, exports, call_work)


class Forgetting(KeeperPart):
    """`forget`'s share of `Keeper`."""

    def plan_forget(self, subject: Subject) -> ForgetPlan:
        """See `Keeper.plan_forget`."""
        with self._looking() as connection:
            names = _with_descendants(connection, subject.project, _calls_of(connection, subject))
            loose = _loose_events(connection, subject, names)
            hooks = sorted({hook for row in loose if (hook := _hook_id(row.payload)) is not None})
            ids = tuple(sorted(names))
            arrivals = tuple(sorted(row.arrival for row in loose))
            counts = _counts(connection, subject.project, ids)
            counts["events"] += len(arrivals)
            counts["hook_states"] = _states_there(connection, subject.project, hooks)
            return ForgetPlan(
                subject=subject,
                request_ids=ids,
                loose_arrivals=arrivals,
                hook_ids=tuple(hooks),
                counts={name: count for name, count in counts.items() if count},
                exported_spans=_exported(connection, subject.project, ids),
            )

    def forget(self, plan: ForgetPlan, *, now_ms: int, limit_calls: int) -> tuple[ForgetPlan, Counts]:
        """See `Keeper.forget`."""
        project = plan.subject.project
        wanted = [(project, name) for name in plan.request_ids[:limit_calls]]
        arrivals = plan.loose_arrivals[:_STEP_EVENTS]

        def remove(connection: Connection) -> tuple[set[str], Counter[str]]:
            ours = mark(connection, free, now_ms=now_ms, take_over=True)
            # Events may name a request that makes no call: nobody works on that.
            ours |= free - _with_a_row(connection, free)
            removed = remove_calls(connection, ours)
            if arrivals:
                removed += remove_events(connection, and_(events.c.project == project, events.c.arrival.in_(arrivals)))
            if plan.hook_ids:
                of_hooks = and_(hook_states.c.project == project, hook_states.c.hook_id.in_(plan.hook_ids[:_CHUNK]))
                removed["hook_states"] = connection.execute(delete(hook_states).where(of_hooks)).rowcount
            return {name for _, name in ours}, removed

        with self._apart_from_workers(wanted, now_ms=now_ms) as free:
            gone, removed = self._remove(lambda connection: _overwriting(connection, remove))
        # A call that could not be had goes to the end: the others need not wait for it.
        held = tuple(name for _, name in wanted if name not in gone)
        left = replace(
            plan,
            request_ids=(*plan.request_ids[limit_calls:], *held),
            loose_arrivals=plan.loose_arrivals[len(arrivals) :],
            hook_ids=plan.hook_ids[_CHUNK:],
        )
        return left, removed

    def vacuum(self) -> tuple[int, int]:
        """See `Keeper.vacuum`."""
        return self._database.vacuum()


def _with_a_row(connection: Connection, keys: set[Key]) -> set[Key]:
    if not keys:
        return set()
    found = select(calls.c.project, calls.c.request_id).where(are_of(calls.c.project, calls.c.request_id, keys))
    return {(project, request_id) for project, request_id in connection.execute(found)}


def _overwriting(connection: Connection, job: Callable[[Connection], T]) -> T:
    """SQLite: what the job removes is overwritten with zeros; the connection is the one that writes everything."""
    if connection.dialect.name != "sqlite":
        return job(connection)
    before = connection.exec_driver_sql("PRAGMA secure_delete").scalar_one()
    connection.exec_driver_sql("PRAGMA secure_delete = ON")
    try:
        return job(connection)
    finally:
        connection.exec_driver_sql(f"PRAGMA secure_delete = {before}")


def _is_of(subject: Subject, table: Any) -> ColumnElement[bool]:
    return and_(table.c.project == subject.project, table.c[subject.field] == subject.value)


def _calls_of(connection: Connection, subject: Subject) -> set[str]:
    """The calls that name the subject, and those one of whose events does."""
    by_row = select(calls.c.request_id).where(_is_of(subject, calls))
    by_event = select(events.c.request_id).where(_is_of(subject, events), events.c.request_id.is_not(None)).distinct()
    return {*connection.execute(by_row).scalars(), *connection.execute(by_event).scalars()}


def _with_descendants(connection: Connection, project: str, names: set[str]) -> set[str]:
    """With the calls that were made inside these: an agent's calls and a stream's parts hold what it was asked."""
    found, newest = set(names), set(names)
    while newest:
        children = {child for part in _chunked(newest) for child in _children(connection, project, part)}
        newest = children - found
        found |= newest
    return found


def _children(connection: Connection, project: str, names: Sequence[str]) -> Iterable[str]:
    parents = calls.alias()
    # The trace is what an index leads along; a child that has none yet is found by its parent alone.
    of_trace = select(calls.c.request_id).where(
        calls.c.project == project,
        calls.c.parent_request_id.in_(names),
        calls.c.trace_id.in_(select(parents.c.trace_id).where(parents.c.project == project, parents.c.request_id.in_(names))),
    )
    unsettled = (
        select(calls.c.request_id)
        .join(call_work, and_(call_work.c.project == calls.c.project, call_work.c.request_id == calls.c.request_id))
        .where(calls.c.project == project, calls.c.parent_request_id.in_(names))
    )
    return [*connection.execute(of_trace).scalars(), *connection.execute(unsettled).scalars()]


def _loose_events(connection: Connection, subject: Subject, names: set[str]) -> list[Any]:
    """
    Events that belong to none of the calls: those that name the subject, and those of the calls' runs and threads.

    A browser's copy of an answer often has nothing but the run. A thread counts only where none of its calls stays.
    """
    e, c = events.c, calls.c
    runs: set[str] = set()
    threads: set[str] = set()
    for part in _chunked(names):
        of_part = and_(c.project == subject.project, c.request_id.in_(part))
        for run, thread in connection.execute(select(c.run_id, c.thread_id).where(of_part)):
            runs |= {run} - {None}
            threads |= {thread} - {None}
    threads -= _threads_that_stay(connection, subject.project, threads, names)
    found: dict[int, Any] = {}
    conditions = [_is_of(subject, events)]
    conditions += [e.run_id.in_(part) for part in _chunked(runs)] + [e.thread_id.in_(part) for part in _chunked(threads)]
    # In the statement and not here: the index of runs has loose events only, and payloads of calls are not to be loaded.
    loose = select(e.arrival, e.payload).where(e.project == subject.project, e.request_id.is_(None))
    for condition in conditions:
        for row in connection.execute(loose.where(condition)):
            found[row.arrival] = row
    return list(found.values())


def _threads_that_stay(connection: Connection, project: str, threads: set[str], names: set[str]) -> set[str]:
    """Threads with a call that is none of these."""
    c, stay = calls.c, set[str]()
    for part in _chunked(threads):
        of_part = select(c.thread_id, c.request_id).where(c.project == project, c.thread_id.in_(part))
        stay |= {thread for thread, name in connection.execute(of_part) if name not in names}
    return stay


def _hook_id(payload: str) -> str | None:
    """The browser hook whose newest messages are in `hook_states`."""
    if '"hookId"' not in payload:
        return None
    found = read_json(payload).get("hookId")
    return bounded(found) if isinstance(found, str) else None


def _states_there(connection: Connection, project: str, hooks: Sequence[str]) -> int:
    s, count = hook_states.c, 0
    for part in _chunked(hooks):
        count += connection.execute(select(func.count()).where(s.project == project, s.hook_id.in_(part))).scalar_one()
    return count


def _counts(connection: Connection, project: str, names: Sequence[str]) -> Counter[str]:
    counts = Counter[str]()
    for part in _chunked(names):
        keys = [(project, name) for name in part]
        for table in _OF_CALLS:
            statement = select(func.count()).select_from(table).where(are_of(table.c.project, table.c.request_id, keys))
            counts[table.name] += connection.execute(statement).scalar_one()
    return counts


def _exported(connection: Connection, project: str, names: Sequence[str]) -> int:
    x = exports.c
    count = 0
    for part in _chunked(names):
        of_part = and_(are_of(x.project, x.request_id, [(project, name) for name in part]), x.state == "done")
        count += connection.execute(select(func.count()).where(of_part)).scalar_one()
    return count


def _chunked(names: Iterable[str]) -> list[list[str]]:
    ordered = sorted(names)
    return [ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK)]
