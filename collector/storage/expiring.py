"""
Retention, one bounded step at a time.

Flow: keeping.retention -> **Expiring** -> removing -> every table.
Each step first looks, on a reading connection, at the next few calls in order of time, then removes those of them that may go in
one short write. What it looked at is not looked at again in the same pass, so calls that have to stay cost little.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, literal_column, or_, select, tuple_

from collector.storage.keeper import Bounds, Place, RetentionRule, Swept
from collector.storage.keeper_part import KeeperPart
from collector.storage.removing import (
    COUNTED_TO,
    MARKS_PROJECT,
    ROW_BYTES,
    add_sizes,
    keep_ingest_out,
    mark,
    remove_calls,
    remove_events,
    sweep_marks,
    unmark,
)
from collector.storage.tables import (
    blob_refs,
    blobs,
    call_work,
    calls,
    events,
    exports,
    hook_states,
    kept_sizes,
    resources,
    retention_rules,
)
from collector.storage.touches import Key, are_of
from collector.storage.upserts import insert

LOOK_AT_CALLS = 200
LOOK_AT_EVENTS = 1_000
_FEW_AT_ONCE = 500


class Expiring(KeeperPart):
    """Retention's share of `Keeper`."""

    def projects(self) -> Sequence[str]:
        """See `Keeper.projects`."""
        with self._database.reading() as connection:
            found = {name for table in (calls, events, hook_states, blobs) for name in projects_of(connection, table)}
        return sorted(found - {MARKS_PROJECT})

    def retention_rules(self) -> Sequence[RetentionRule]:
        """See `Keeper.retention_rules`."""
        rule = retention_rules.c
        statement = select(rule.project, rule.days, rule.max_bytes).order_by(rule.project)
        with self._database.reading() as connection:
            return [RetentionRule(**row) for row in connection.execute(statement).mappings()]

    def set_retention(self, rule: RetentionRule) -> None:
        """See `Keeper.set_retention`."""
        values = {"project": rule.project, "days": rule.days, "max_bytes": rule.max_bytes}

        def store(connection: Connection) -> None:
            connection.execute(delete(retention_rules).where(retention_rules.c.project == rule.project))
            if rule.days is not None or rule.max_bytes is not None:
                connection.execute(insert(connection.dialect.name, retention_rules).values(values))

        self._remove(store)

    def expire_calls(self, project: str, bounds: Bounds, *, after: Place | None, limit_events: int, now_ms: int) -> Swept:
        """See `Keeper.expire_calls`."""
        with self._database.reading() as connection:
            families, following = _next_families(connection, project, bounds, after, limit_events)
        if not families:
            return Swept(removed={}, next=following)

        def remove(connection: Connection) -> dict[str, int]:
            return dict(_remove_families(connection, families, bounds, now_ms))

        return Swept(removed=self._remove(remove), next=following)

    def expire_events(self, project: str, bounds: Bounds, *, after: Place | None, limit_events: int) -> Swept:
        """See `Keeper.expire_events`."""
        e = events.c
        window = (
            select(e.timestamp, e.event_id, e.arrival, e.received_at, _has_call().label("has_call"))
            .where(e.project == project, e.timestamp < bounds.until_ms, _is_after((e.timestamp, e.event_id), after))
            .order_by(e.timestamp, e.event_id)
            .limit(LOOK_AT_EVENTS)
        )
        with self._database.reading() as connection:
            rows = connection.execute(window).all()
        gone, following = _loose_ones(rows, bounds, limit_events)
        if not gone:
            return Swept(removed={}, next=following)
        # The times let PostgreSQL leave partitions out.
        within = and_(e.project == project, e.timestamp >= gone[0].timestamp, e.timestamp <= gone[-1].timestamp)
        which = and_(within, e.arrival.in_([row.arrival for row in gone]), ~_has_call())
        removed = self._remove(lambda connection: dict(remove_events(connection, which)))
        return Swept(removed=removed, next=following)

    def sweep_blobs(self, *, limit: int) -> Swept:
        """See `Keeper.sweep_blobs`."""
        keys = select(blobs.c.project, blobs.c.sha256).where(~_is_referred_to()).limit(limit)
        with self._database.reading() as connection:
            found: list[Key] = [(row.project, row.sha256) for row in connection.execute(keys)]
        if not found:
            return Swept(removed={}, next=None)

        def remove(connection: Connection) -> dict[str, int]:
            keep_ingest_out(connection, "blobs")
            which = and_(are_of(blobs.c.project, blobs.c.sha256, found), ~_is_referred_to())
            gone = connection.execute(delete(blobs).where(which).returning(blobs.c.bytes)).scalars().all()
            return {"blobs": len(gone), "bytes": sum(gone)}

        removed = self._remove(remove)
        return Swept(removed=removed, next=Place(at=0, name="") if removed["blobs"] and len(found) == limit else None)

    def sweep_states(self, project: str, *, before_ms: int) -> int:
        """See `Keeper.sweep_states`."""
        old = and_(hook_states.c.project == project, hook_states.c.timestamp < before_ms)
        with self._database.reading() as connection:
            if connection.execute(select(hook_states.c.hook_id).where(old).limit(1)).first() is None:
                return 0
        return self._remove(lambda connection: connection.execute(delete(hook_states).where(old)).rowcount)

    def sweep_resources(self, *, before_ms: int) -> int:
        """See `Keeper.sweep_resources`."""
        r = resources.c
        with self._looking() as connection:
            # Asked for first: what arrives behind it is looked at once more.
            seen_to = connection.execute(select(func.max(events.c.arrival))).scalar() or 0
            known = select(r.project, r.resource_id).where(r.first_seen_ms < before_ms)
            old = {(row.project, row.resource_id) for row in connection.execute(known)}
            for table in (calls, exports, events):
                if old:
                    used = select(table.c.project, table.c.resource_id).distinct()
                    old -= {(row.project, row.resource_id) for row in connection.execute(used)}

        def remove(connection: Connection) -> int:
            sweep_marks(connection)
            if not old:
                return 0
            keep_ingest_out(connection, "resources")
            since = select(events.c.project, events.c.resource_id).where(events.c.arrival > seen_to)
            late = {(row.project, row.resource_id) for row in connection.execute(since)}
            gone = sorted(old - late)[:_FEW_AT_ONCE]
            return connection.execute(delete(resources).where(are_of(r.project, r.resource_id, gone))).rowcount if gone else 0

        return self._remove(remove)

    def count_sizes(self, *, limit_events: int) -> int:
        """See `Keeper.count_sizes`."""
        with self._database.reading() as connection:
            last_safe = self._database.engine.last_safe_arrival(connection)

        def count(connection: Connection) -> int:
            counted_to = connection.execute(COUNTED_TO).scalar() or 0
            new = select(events.c.project, events.c.arrival, func.length(events.c.payload)).where(events.c.arrival > counted_to)
            if last_safe is not None:
                new = new.where(events.c.arrival <= last_safe)
            rows = connection.execute(new.order_by(events.c.arrival).limit(limit_events)).all()
            if rows:
                _count_rows(connection, rows)
            return len(rows)

        return self._remove(count)

    def sizes(self) -> Mapping[str, int]:
        """See `Keeper.sizes`."""
        of_media = select(blobs.c.project, func.sum(blobs.c.bytes)).group_by(blobs.c.project)
        of_events = select(kept_sizes.c.project, kept_sizes.c.bytes).where(kept_sizes.c.project != MARKS_PROJECT)
        with self._database.reading() as connection:
            found = {project: int(size) for project, size in connection.execute(of_media)}
            for project, size in connection.execute(of_events):
                found[project] = found.get(project, 0) + int(size)
        return found


def _count_rows(connection: Connection, rows: Sequence[Any]) -> None:
    sizes: dict[str, int] = {}
    for project, _, length in rows:
        if project != MARKS_PROJECT:
            sizes[project] = sizes.get(project, 0) + length + ROW_BYTES
    add_sizes(connection, sizes)
    statement = insert(connection.dialect.name, kept_sizes).values(project=MARKS_PROJECT, counted_to=rows[-1].arrival, bytes=0)
    further = {"counted_to": statement.excluded.counted_to}
    connection.execute(statement.on_conflict_do_update(index_elements=["project"], set_=further))


def projects_of(connection: Connection, table: Any) -> list[str]:
    """By jumps from one to the next: DISTINCT would read the whole index."""
    found: list[str] = []
    name = connection.execute(select(func.min(table.c.project))).scalar()
    while name is not None:
        found.append(name)
        name = connection.execute(select(func.min(table.c.project)).where(table.c.project > name)).scalar()
    return found


Family = tuple[Key, ...]
"""A call, and those that are parts of its stream: they are read from its events, so they go with it."""


def _next_families(
    connection: Connection, project: str, bounds: Bounds, after: Place | None, limit_events: int
) -> tuple[list[Family], Place | None]:
    """The next calls that may go, as far as can be seen from here, and where to go on."""
    c = calls.c
    window = (
        select(c.order_ms, c.request_id, c.trace_id, may_go(bounds).label("may_go"))
        .where(c.project == project, c.order_ms < bounds.until_ms, _is_after((c.order_ms, c.request_id), after))
        .order_by(c.order_ms, c.request_id)
        .limit(LOOK_AT_CALLS)
    )
    rows = connection.execute(window).all()
    counts = _event_counts(connection, [(project, row.request_id) for row in rows if row.may_go])
    taken: list[Any] = []
    events_taken = 0
    for row in rows:
        if row.may_go:
            events_taken += counts.get(row.request_id, 0)
            if taken and events_taken > limit_events:
                break
            taken.append(row)
    else:
        last = rows[-1] if len(rows) == LOOK_AT_CALLS else None
        return with_parts(connection, project, taken), None if last is None else Place(at=last.order_ms, name=last.request_id)
    return with_parts(connection, project, taken), Place(at=taken[-1].order_ms, name=taken[-1].request_id)


def _loose_ones(rows: Sequence[Any], bounds: Bounds, limit: int) -> tuple[list[Any], Place | None]:
    """Those of a window of events that may go, and where to go on."""
    before_ms = bounds.received_before_ms
    loose = [row for row in rows if not row.has_call and (before_ms is None or row.received_at < before_ms)]
    if len(loose) > limit:
        last = loose[limit - 1]
        return loose[:limit], Place(at=last.timestamp, name=last.event_id)
    return loose, Place(at=rows[-1].timestamp, name=rows[-1].event_id) if len(rows) == LOOK_AT_EVENTS else None


def _event_counts(connection: Connection, keys: Sequence[Key]) -> dict[str, int]:
    if not keys:
        return {}
    statement = select(events.c.request_id, func.count()).where(are_of(events.c.project, events.c.request_id, keys))
    found: Any = connection.execute(statement.group_by(events.c.request_id)).all()
    return dict(found)


def with_parts(connection: Connection, project: str, rows: Sequence[Any]) -> list[Family]:
    families = {row.request_id: [(project, row.request_id)] for row in rows}
    traces = {row.trace_id for row in rows if row.trace_id}
    if traces:
        c = calls.c
        children = select(c.request_id, c.parent_request_id).where(
            c.project == project, c.trace_id.in_(traces), c.parent_request_id.in_(families)
        )
        for name, parent in connection.execute(children):
            if name.startswith(f"{parent}/") and name not in families:
                families[parent].append((project, name))
    return [tuple(family) for family in families.values()]


def _remove_families(connection: Connection, families: Sequence[Family], bounds: Bounds, now_ms: int) -> Mapping[str, int]:
    wanted = [key for family in families for key in family]
    marked = mark(connection, wanted, now_ms=now_ms, take_over=False)
    whole = [key for family in families if marked.issuperset(family) for key in family]
    if not whole:
        unmark(connection, marked)
        return {}
    # Looked at once more, now that nobody else can: between the first look and the mark they may have got news.
    c = calls.c
    again = select(c.project, c.request_id).where(are_of(c.project, c.request_id, whole), may_go(bounds, is_ours=True))
    stay = set(whole) - {(row.project, row.request_id) for row in connection.execute(again)}
    gone = [key for family in families if marked.issuperset(family) and not stay.intersection(family) for key in family]
    unmark(connection, marked.difference(gone))
    return remove_calls(connection, gone)


def may_go(bounds: Bounds, *, is_ours: bool = False) -> ColumnElement[bool]:
    """Whether a call of the table `calls` may be removed."""
    c, e, x, w = calls.c, events.c, exports.c, call_work.c
    other = calls.alias()
    conditions = [
        ~exists().where(x.project == c.project, x.request_id == c.request_id, x.state == literal_column("'pending'")),
    ]
    if not is_ours:
        conditions.append(~exists().where(w.project == c.project, w.request_id == c.request_id))
    if bounds.received_before_ms is not None:
        late = and_(e.request_id == c.request_id, e.project == c.project, e.received_at >= bounds.received_before_ms)
        conditions.append(~exists().where(late))
    if bounds.trace_waits_from_ms is not None:
        goes_on = exists().where(
            other.c.project == c.project, other.c.trace_id == c.trace_id, other.c.order_ms >= bounds.until_ms
        )
        conditions.append(or_(c.order_ms < bounds.trace_waits_from_ms, ~goes_on))
    return and_(*conditions)


def _has_call() -> ColumnElement[bool]:
    e, c = events.c, calls.c
    return and_(e.request_id.is_not(None), exists().where(c.project == e.project, c.request_id == e.request_id))


def _is_referred_to() -> ColumnElement[bool]:
    b, r = blobs.c, blob_refs.c
    return exists().where(r.project == b.project, r.sha256 == b.sha256)


def _is_after(columns: tuple[Any, Any], place: Place | None) -> ColumnElement[bool]:
    if place is None:
        return literal_column("1") == literal_column("1")
    return tuple_(*columns) > tuple_(place.at, place.name)
