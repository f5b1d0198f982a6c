"""
Calls to assemble: claim them, load what assembly needs, give them back.

Flow: pipeline -> **CallWork** -> call_work, events -> CallClaim -> assembly.
The claim is one short write; events are read afterwards, on a reading connection, so that ingest doesn't wait for them. An event
that comes in between is loaded although the claim's counter doesn't know it: the call is then simply looked at once more.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, true, tuple_, update

from collector.events import Resource, StoredEvent
from collector.storage.database import StorePart
from collector.storage.parts import stream_of_part
from collector.storage.protocols import CallClaim, CallSettlement
from collector.storage.rows import AnyRow
from collector.storage.settling import settle
from collector.storage.tables import call_work, calls, events, resources
from collector.storage.touches import Key, are_of, mark_dirty

RUN_END_TYPES = ("run:errored", "run:cancelled")

_EVENT_COLUMNS = (
    events.c.type,
    events.c.event_id,
    events.c.timestamp,
    events.c.fraction,
    events.c.received_at,
    events.c.arrival,
    events.c.sequence,
    events.c.dialect,
    events.c.payload,
    events.c.project,
    events.c.request_id,
    events.c.run_id,
)


class CallWork(StorePart):
    """The calls' half of `WorkQueue`."""

    def __init__(self, *args: Any, settle_ms: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._settle_ms = settle_ms

    def claim_calls(self, *, owner: str, now_ms: int, lease_ms: int, limit: int) -> list[CallClaim]:
        """See `WorkQueue.claim_calls`."""
        claimed = self._database.write(lambda connection: _lease(connection, owner, now_ms, lease_ms, limit))
        if not claimed:
            return []
        with self._database.reading() as connection:
            return _load(connection, claimed, now_ms)

    def settle_calls(self, settlements: Sequence[CallSettlement], *, now_ms: int) -> None:
        """See `WorkQueue.settle_calls`."""
        if settlements:
            self._database.write(lambda connection: settle(connection, settlements, now_ms=now_ms, settle_ms=self._settle_ms))

    def release_calls(self, claims: Sequence[CallClaim], *, retry_at_ms: int) -> None:
        """See `WorkQueue.release_calls`."""
        keys = [(claim.project, claim.request_id) for claim in claims]
        statement = (
            update(call_work)
            .where(are_of(call_work.c.project, call_work.c.request_id, keys))
            .values(due_ms=retry_at_ms, lease_owner=None, lease_until_ms=None)
        )
        if keys:
            self._database.write(lambda connection: connection.execute(statement))

    def mark_all_dirty(self, *, project: str | None, request_id: str | None, now_ms: int) -> int:
        """See `WorkQueue.mark_all_dirty`."""
        of_project = calls.c.project == project if project is not None else true()
        of_request = calls.c.request_id == request_id if request_id is not None else true()
        which = and_(of_project, of_request)
        return self._database.write(lambda connection: mark_dirty(connection, which, received_ms=now_ms, settle_ms=0))

    def next_due_ms(self, *, now_ms: int) -> int | None:
        """See `WorkQueue.next_due_ms`."""
        is_leased = call_work.c.lease_until_ms > now_ms
        free = select(func.min(call_work.c.due_ms)).where(or_(call_work.c.lease_until_ms.is_(None), ~is_leased))
        leased = select(func.min(call_work.c.lease_until_ms)).where(is_leased)
        with self._database.reading() as connection:
            found = connection.execute(select(free.scalar_subquery(), leased.scalar_subquery())).one()
        return min((at for at in found if at is not None), default=None)


def _key_of(table: Any) -> Any:
    return tuple_(table.c.project, table.c.request_id)


def _lease(connection: Connection, owner: str, now_ms: int, lease_ms: int, limit: int) -> dict[Key, int]:
    """The claimed calls' keys with their dirty counters, oldest due first."""
    is_free = or_(call_work.c.lease_until_ms.is_(None), call_work.c.lease_until_ms <= now_ms)
    due = (
        select(call_work.c.project, call_work.c.request_id)
        .where(call_work.c.due_ms <= now_ms, is_free)
        .order_by(call_work.c.due_ms, call_work.c.request_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    statement = (
        update(call_work)
        .where(_key_of(call_work).in_(select(due.c.project, due.c.request_id)))
        .values(lease_owner=owner, lease_until_ms=now_ms + lease_ms)
        .returning(call_work.c.due_ms, call_work.c.project, call_work.c.request_id, call_work.c.dirty)
    )
    found = sorted(tuple(row) for row in connection.execute(statement))
    return {(project, request_id): dirty for _, project, request_id, dirty in found}


def _load(connection: Connection, claimed: dict[Key, int], now_ms: int) -> list[CallClaim]:
    keys = list(claimed)
    known = _known(connection, keys)
    own: dict[Key, list[AnyRow]] = defaultdict(list)
    of_calls = are_of(events.c.project, events.c.request_id, keys)
    for row in connection.execute(select(*_EVENT_COLUMNS).where(of_calls).order_by(events.c.arrival)):
        own[row.project, row.request_id].append(row)
    _add_rows_of_streams(connection, own, known)
    ends = _run_ends(connection, {(row.project, row.run_id) for rows in own.values() for row in rows if row.run_id})
    return [_claim(key, claimed[key], own[key], ends, known[key], now_ms) for key in keys if key in known]


def _known(connection: Connection, keys: Sequence[Key]) -> dict[Key, AnyRow]:
    """What the calls' rows and resources say."""
    same_resource = and_(resources.c.project == calls.c.project, resources.c.resource_id == calls.c.resource_id)
    statement = select(
        calls.c.project, calls.c.request_id, calls.c.parent_request_id, calls.c.trace_id, calls.c.exported_status,
        calls.c.settled_ms,
        resources.c.resource_id, resources.c.service, resources.c.attributes,
    ).join(resources, same_resource).where(are_of(calls.c.project, calls.c.request_id, keys))  # fmt: skip
    return {(row.project, row.request_id): row for row in connection.execute(statement)}


def _add_rows_of_streams(connection: Connection, own: dict[Key, list[AnyRow]], known: dict[Key, AnyRow]) -> None:
    """A call of a part, which has no rows, is read from its stream's; pieces of text are many and name no part."""
    streams = {key: stream for key, row in known.items() if not own[key] and (stream := stream_of_part(row)) is not None}
    if not streams:
        return
    of_streams = are_of(events.c.project, events.c.request_id, set(streams.values()))
    statement = select(*_EVENT_COLUMNS).where(of_streams, events.c.type.not_like("%.delta")).order_by(events.c.arrival)
    rows: dict[Key, list[AnyRow]] = defaultdict(list)
    for row in connection.execute(statement):
        rows[row.project, row.request_id].append(row)
    own.update({key: rows[stream] for key, stream in streams.items()})


def _run_ends(connection: Connection, runs: set[Key]) -> dict[Key, list[StoredEvent]]:
    ends: dict[Key, list[StoredEvent]] = defaultdict(list)
    if not runs:
        return ends
    of_runs = are_of(events.c.project, events.c.run_id, runs)
    statement = (
        select(*_EVENT_COLUMNS)
        .where(of_runs, events.c.request_id.is_(None), events.c.type.in_(RUN_END_TYPES))
        .order_by(events.c.arrival)
    )
    for row in connection.execute(statement):
        ends[row.project, row.run_id].append(stored_event(row))
    return ends


def _claim(
    key: Key, dirty: int, rows: Iterable[AnyRow], ends: dict[Key, list[StoredEvent]], known: AnyRow, now_ms: int
) -> CallClaim:
    rows = list(rows)
    runs = dict.fromkeys(row.run_id for row in rows if row.run_id)
    received = [row.received_at for row in rows] or [now_ms]
    return CallClaim(
        project=key[0],
        request_id=key[1],
        dirty=dirty,
        events=tuple(stored_event(row) for row in rows),
        run_ends=tuple(end for run_id in runs for end in ends.get((key[0], run_id), ())),
        resource=resource_of(known),
        first_received_ms=min(received),
        last_received_ms=max(received),
        trace_id=known.trace_id,
        exported=known.exported_status,
        settled_ms=known.settled_ms,
    )


def stored_event(row: AnyRow) -> StoredEvent:
    """An event as assembly reads it."""
    return StoredEvent(
        type=row.type,
        event_id=row.event_id,
        timestamp_ms=row.timestamp + (row.fraction or 0.0),
        received_ms=row.received_at,
        arrival=row.arrival,
        sequence=row.sequence or 0,
        dialect=row.dialect,
        payload=json.loads(row.payload),
        request_id=row.request_id,
    )


def resource_of(row: AnyRow) -> Resource:
    """The resource in a row that joined `resources`."""
    return Resource(resource_id=row.resource_id, service=row.service, attributes=json.loads(row.attributes))
