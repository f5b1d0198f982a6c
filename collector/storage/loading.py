"""
What assembly needs of claimed calls: few queries for many calls, read past the writer.

Flow: claiming -> **load_claims** -> calls, resources, events -> CallClaim -> assembly.
Ingest does not wait for it. An event that comes between claim and load is loaded although the claim's counter doesn't know it:
the call is then simply looked at once more.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, and_, select

from collector.events import Resource, StoredEvent
from collector.storage.parts import stream_of_part
from collector.storage.protocols import CallClaim
from collector.storage.rows import AnyRow, read_json
from collector.storage.tables import calls, events, resources
from collector.storage.touches import Key, are_of

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
    events.c.request_id,
    events.c.project,
    events.c.run_id,
)
_ARRIVAL = itemgetter(_EVENT_COLUMNS.index(events.c.arrival))

Told = tuple[list[StoredEvent], dict[str, None]]
"""The events of a call in order of arrival, and the runs that they name."""


def load_claims(connection: Connection, claimed: Mapping[Key, int], now_ms: int) -> list[CallClaim]:
    """Claims of these calls, in this order, each with its dirty counter."""
    keys = list(claimed)
    known = _known(connection, keys)
    told = _told(connection, select(*_EVENT_COLUMNS).where(are_of(events.c.project, events.c.request_id, keys)))
    _add_streams(connection, told, known)
    ends = _run_ends(connection, {(project, run) for (project, _), (_, runs) in told.items() for run in runs})
    return [_claim(key, claimed[key], told[key], ends, known[key], now_ms) for key in keys if key in known]


def _known(connection: Connection, keys: Sequence[Key]) -> dict[Key, AnyRow]:
    """What the calls' rows and resources say."""
    same_resource = and_(resources.c.project == calls.c.project, resources.c.resource_id == calls.c.resource_id)
    statement = select(
        calls.c.project, calls.c.request_id, calls.c.parent_request_id, calls.c.trace_id, calls.c.exported_status,
        calls.c.settled_ms,
        resources.c.resource_id, resources.c.service, resources.c.attributes,
    ).join(resources, same_resource).where(are_of(calls.c.project, calls.c.request_id, keys))  # fmt: skip
    return {(row.project, row.request_id): row for row in connection.execute(statement)}


def _told(connection: Connection, statement: Any) -> dict[Key, Told]:
    """What the rows of a query of `_EVENT_COLUMNS` tell, by call. Sorted here: a database would sort the payloads with them."""
    found: dict[Key, Told] = defaultdict(lambda: ([], {}))
    result: Any = connection.execute(statement)
    rows: list[tuple[Any, ...]] = result.all()
    rows.sort(key=_ARRIVAL)
    for (
        type_, event_id, timestamp, fraction, received, arrival, sequence, dialect, payload, request_id, project, run_id,
    ) in rows:  # fmt: skip
        of_call, runs = found[project, request_id]
        of_call.append(
            StoredEvent(
                type=type_,
                event_id=event_id,
                timestamp_ms=timestamp + (fraction or 0.0),
                received_ms=received,
                arrival=arrival,
                sequence=sequence or 0,
                dialect=dialect,
                payload=read_json(payload),
                request_id=request_id,
            )
        )
        if run_id:
            runs[run_id] = None
    return found


def _add_streams(connection: Connection, told: dict[Key, Told], known: Mapping[Key, AnyRow]) -> None:
    """A call of a part, which has no rows, is read from its stream's; pieces of text are many and name no part."""
    streams = {key: stream for key, row in known.items() if key not in told and (stream := stream_of_part(row)) is not None}
    if not streams:
        return
    of_streams = are_of(events.c.project, events.c.request_id, set(streams.values()))
    rows = _told(connection, select(*_EVENT_COLUMNS).where(of_streams, events.c.type.not_like("%.delta")))
    told.update({key: rows[stream] for key, stream in streams.items()})


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


def _claim(key: Key, dirty: int, told: Told, ends: Mapping[Key, list[StoredEvent]], known: AnyRow, now_ms: int) -> CallClaim:
    of_call, runs = told
    received = [event.received_ms for event in of_call] or [now_ms]
    return CallClaim(
        project=key[0],
        request_id=key[1],
        dirty=dirty,
        events=tuple(of_call),
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
        payload=read_json(row.payload),
        request_id=row.request_id,
    )


def resource_of(row: AnyRow) -> Resource:
    """The resource in a row that joined `resources`."""
    return _resource(row.resource_id, row.service, row.attributes)


@lru_cache(maxsize=1024)
def _resource(resource_id: str, service: str, attributes: str) -> Resource:
    """One object for all calls of a sender: whoever keeps notes on a resource finds it again at once."""
    return Resource(resource_id=resource_id, service=service, attributes=read_json(attributes))
