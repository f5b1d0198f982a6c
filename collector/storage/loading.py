"""
What assembly needs of claimed calls: few queries for many calls, read past the writer.

Flow: claiming -> **Loader** -> calls, resources, events -> CallClaim -> assembly.
Ingest does not wait for it. An event that comes between claim and load is loaded although the claim's counter doesn't know it:
the call is then simply looked at once more.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, select
from sqlalchemy.dialects import postgresql, sqlite

from collector.events import Resource, StoredEvent
from collector.storage import sqlite_answers
from collector.storage.parts import stream_of_part
from collector.storage.payloads import compiled, whole_payload
from collector.storage.protocols import CallClaim, ClaimedCall
from collector.storage.rows import AnyRow, read_json
from collector.storage.tables import calls, events, resources
from collector.storage.touches import Key, are_of

KEPT_RESOURCES = 1024
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
    events.c.request_id,
    events.c.project,
    events.c.run_id,
    whole_payload.label("payload"),
)
_ARRIVAL = itemgetter(_EVENT_COLUMNS.index(events.c.arrival))
_CALL_COLUMNS = (
    calls.c.project,
    calls.c.request_id,
    calls.c.parent_request_id,
    calls.c.trace_id,
    calls.c.exported_status,
    calls.c.settled_ms,
    calls.c.resource_id,
)
_EVENT_NAMES = ", ".join(column.name for column in _EVENT_COLUMNS[:-1])
# SQLite's own form of the two queries: see `sqlite_answers`. The payload is JSON already; what is not ours is sorted out later.
_LISTED = "request_id IN (SELECT value FROM json_each(?)) AND project IN (SELECT value FROM json_each(?))"
_SQLITE_CALLS = f"SELECT group_concat(json_array({', '.join(c.name for c in _CALL_COLUMNS)})) FROM calls WHERE {_LISTED}"  # noqa: S608
_SQLITE_EVENTS = (
    f"SELECT group_concat(rtrim(json_array({_EVENT_NAMES}), ']') || ',' || {compiled(sqlite.dialect())} || ']') "  # noqa: S608
    f"FROM events WHERE {_LISTED}"
)
_OF_ARRAYS = "request_id = ANY(%s::text[]) AND project = ANY(%s::text[])"
_POSTGRESQL_CALLS = f"SELECT {', '.join(c.name for c in _CALL_COLUMNS)} FROM calls WHERE {_OF_ARRAYS}"  # noqa: S608
_POSTGRESQL_EVENTS = f"SELECT {_EVENT_NAMES}, {compiled(postgresql.dialect())} FROM events WHERE {_OF_ARRAYS}"  # noqa: S608

Told = tuple[list[StoredEvent], dict[str, None]]
"""The events of a call in order of arrival, and the runs that they name."""


class _Known(NamedTuple):
    """What a call's row says, in the order of `_CALL_COLUMNS`."""

    project: str
    request_id: str
    parent_request_id: str | None
    trace_id: str | None
    exported: Any
    settled_ms: int | None
    resource_id: str


class Loader:
    """Loads claims. Remembers resources: they never change, and thousands of calls have the same."""

    def __init__(self) -> None:
        self._resources: dict[Key, Resource] = {}

    def load(self, connection: Connection, claimed: Sequence[ClaimedCall], now_ms: int) -> list[CallClaim]:
        """Claims of these calls, in this order."""
        keys = [(one.project, one.request_id) for one in claimed]
        known = _known(connection, keys)
        self._learn(connection, {(row.project, row.resource_id) for row in known.values()})
        told = _events(connection, keys)
        _add_streams(connection, told, known)
        ends = _run_ends(connection, {(project, run) for (project, _), (_, runs) in told.items() for run in runs})
        return [
            _claim(row, one.dirty, told[key], ends, self._resources[row.project, row.resource_id], now_ms)
            for one, key in zip(claimed, keys, strict=True)
            if (row := known.get(key)) is not None and (row.project, row.resource_id) in self._resources
        ]

    def _learn(self, connection: Connection, keys: set[Key]) -> None:
        if keys <= self._resources.keys():
            return
        if len(self._resources) > KEPT_RESOURCES:
            self._resources.clear()
        statement = select(resources).where(are_of(resources.c.project, resources.c.resource_id, keys))
        self._resources.update({(row.project, row.resource_id): resource_of(row) for row in connection.execute(statement)})


def _known(connection: Connection, keys: Sequence[Key]) -> dict[Key, _Known]:
    """What the calls' rows say."""
    if connection.dialect.name == "sqlite":
        rows: Any = sqlite_answers.fetch(connection, _SQLITE_CALLS, _listed(keys))
    else:
        rows = _postgresql(connection, _POSTGRESQL_CALLS, *_names(keys))
    return {(row.project, row.request_id): row for row in map(_Known._make, rows)}


def _events(connection: Connection, keys: Sequence[Key]) -> dict[Key, Told]:
    if connection.dialect.name == "sqlite":
        return _told(sqlite_answers.fetch(connection, _SQLITE_EVENTS, _listed(keys)))
    rows = _postgresql(connection, _POSTGRESQL_EVENTS, *_names(keys))
    return _told([[*row[:-1], read_json(row[-1])] for row in rows])


def _postgresql(connection: Connection, statement: str, *arrays: Any) -> Any:
    # psycopg takes 10 MB, which a collector on SQLite never needs.
    from collector.storage.postgresql_answers import fetch

    return fetch(connection, statement, *arrays)


def _names(keys: Sequence[Key]) -> tuple[list[str], set[str]]:
    return [request_id for _, request_id in keys], {project for project, _ in keys}


def _listed(keys: Sequence[Key]) -> tuple[str, str]:
    request_ids, projects = _names(keys)
    return sqlite_answers.as_list(request_ids), sqlite_answers.as_list(projects)


def _read(connection: Connection, which: ColumnElement[bool]) -> list[list[Any]]:
    """Events, their payloads decoded."""
    rows: Any = connection.execute(select(*_EVENT_COLUMNS).where(which))
    return [[*row[:-1], read_json(row[-1])] for row in rows]


def _told(rows: list[list[Any]]) -> dict[Key, Told]:
    """What events tell, by call. Sorted here: a database would sort the payloads with them."""
    found: dict[Key, Told] = defaultdict(lambda: ([], {}))
    rows.sort(key=_ARRIVAL)
    for type_, event_id, timestamp, fraction, received, arrival, sequence, dialect, request_id, project, run_id, payload in rows:
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
                payload=payload,
                request_id=request_id,
            )
        )
        if run_id:
            runs[run_id] = None
    return found


def _add_streams(connection: Connection, told: dict[Key, Told], known: Mapping[Key, _Known]) -> None:
    """A call of a part, which has no rows, is read from its stream's; pieces of text are many and name no part."""
    streams = {key: stream for key, row in known.items() if key not in told and (stream := stream_of_part(row)) is not None}
    if not streams:
        return
    of_streams = are_of(events.c.project, events.c.request_id, set(streams.values()))
    rows = _told(_read(connection, and_(of_streams, events.c.type.not_like("%.delta"))))
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


def _claim(
    known: _Known, dirty: int, told: Told, ends: Mapping[Key, list[StoredEvent]], resource: Resource, now_ms: int
) -> CallClaim:
    of_call, runs = told
    received = [event.received_ms for event in of_call] or [now_ms]
    return CallClaim(
        project=known.project,
        request_id=known.request_id,
        dirty=dirty,
        events=tuple(of_call),
        run_ends=tuple(end for run_id in runs for end in ends.get((known.project, run_id), ())),
        resource=resource,
        first_received_ms=min(received),
        last_received_ms=max(received),
        trace_id=known.trace_id,
        exported=known.exported,
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
    return Resource(resource_id=row.resource_id, service=row.service, attributes=read_json(row.attributes))
