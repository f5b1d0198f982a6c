"""
Old events leave by whole partitions, and what belongs to them follows in small steps.

Flow: keeping.retention -> **Leaving** -> postgresql_leaving, removing.
A partition that was taken out stays as a table until nothing is left of its calls: it is the list of what is still to be done,
so a crash in between costs nothing but looking at it from the front.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import ARRAY, Connection, Text, and_, any_, bindparam, delete, exists, func, literal, literal_column, select
from sqlalchemy.exc import DBAPIError

from collector.errors import StoreUnavailable
from collector.storage import postgresql_leaving as partitions_of
from collector.storage.keeper_part import KeeperPart
from collector.storage.leaver import Partition, Place, Swept, TakenOut
from collector.storage.removing import keep_ingest_out, mark, remove_all_but_events, unmark
from collector.storage.tables import blob_refs, calls, events, exports
from collector.storage.touches import Key, are_of

_PASS = 0x686B_0005 << 32
"""The lock of who goes through everything."""
_LOST = "+"
"""Behind a table's name in a place: something of it could not go yet."""


class Leaving(KeeperPart):
    """`Leaver`."""

    @contextmanager
    def passing(self) -> Generator[bool]:
        """See `Leaver.passing`."""
        beside = self._database.engine.beside
        if beside is None:
            yield True
            return
        try:
            connection = beside.connect().execution_options(isolation_level="AUTOCOMMIT")
            is_ours = bool(connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_PASS})").scalar())
        except DBAPIError as exc:
            raise StoreUnavailable(f"the database did not answer ({type(exc).__name__}): try again") from exc
        try:
            yield is_ours
        finally:
            if is_ours:
                # The lock goes with the session, but only when the server has noticed its end, which is later than here.
                with suppress(DBAPIError):
                    connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_PASS})")
            connection.invalidate()
            connection.close()

    def partitions(self) -> Sequence[Partition]:
        """See `Leaver.partitions`."""
        if not self._database.engine.is_shared:
            return ()
        with self._database.reading() as connection:
            return partitions_of.partitions(connection)

    def take_out(self, partition: Partition, cutoffs: Mapping[str, int], *, now_ms: int) -> TakenOut:
        """See `Leaver.take_out`."""
        try:
            with self._looking() as connection:
                safe = self._database.engine.last_safe_arrival(connection) or 0
                found = partitions_of.look(connection, partition, cutoffs, safe_arrival=safe, now_ms=now_ms)
        except StoreUnavailable:
            # A partition too large to look through in time goes row by row; a database that is away says so there.
            found = None
        if found is None:
            return TakenOut(outcome="kept", removed={})
        try:
            is_out = self._remove(lambda connection: partitions_of.take_out(connection, partition, found))
        except StoreUnavailable:
            is_out = False
        if not is_out:
            return TakenOut(outcome="busy", removed={})
        return TakenOut(outcome="taken", removed={"partitions": 1, "events": found.events, "bytes": found.bytes})

    def leave(self, *, after: Place | None, limit_events: int, now_ms: int) -> Swept:
        """See `Leaver.leave`."""
        if not self._database.engine.is_shared:
            return Swept(removed={}, next=None)
        with self._database.reading() as connection:
            name, arrival, has_lost = _go_on(partitions_of.leaving_tables(connection), after)
            if name is None:
                return Swept(removed={}, next=None)
            rows = partitions_of.rows_behind(connection, name, arrival, limit_events)
            families = _families(connection, rows)
        if not rows:
            if not has_lost:
                self._remove(lambda connection: partitions_of.drop(connection, name))
            return Swept(removed={}, next=Place(at=float("inf"), name=name))
        removed, is_lost = self._remove(lambda connection: _remove_rest(connection, rows, families, now_ms))
        place = Place(at=rows[-1].arrival, name=name + (_LOST if has_lost or is_lost else ""))
        return Swept(removed=removed, next=place)


def _go_on(names: Sequence[str], after: Place | None) -> tuple[str | None, float, bool]:
    """Which table, behind which arrival, and whether something of it could not go."""
    if after is None:
        return (names[0], 0, False) if names else (None, 0, False)
    name = after.name.removesuffix(_LOST)
    if after.at < float("inf") and name in names:
        return name, after.at, after.name.endswith(_LOST)
    return next((other for other in names if other > name), None), 0, False


def _families(connection: Connection, rows: Sequence[Any]) -> list[tuple[Key, ...]]:
    """The calls of rows that still have some of their own, each with the parts of its stream."""
    keys = {(row.project, row.request_id) for row in rows if row.request_id is not None}
    if not keys:
        return []
    c, part = calls.c, calls.alias().c
    there = connection.execute(select(c.project, c.request_id, c.trace_id).where(are_of(c.project, c.request_id, keys))).all()
    families: dict[Key, list[Key]] = {(row.project, row.request_id): [(row.project, row.request_id)] for row in there}
    traces = {(row.project, row.trace_id) for row in there if row.trace_id}
    if traces:
        inside = select(part.project, part.request_id, part.parent_request_id).where(
            are_of(part.project, part.trace_id, traces), part.parent_request_id.is_not(None)
        )
        for project, name, parent in connection.execute(inside):
            family = families.get((project, parent))
            if family is not None and name.startswith(f"{parent}/") and (project, name) not in families:
                family.append((project, name))
    return [tuple(family) for family in families.values()]


def _remove_rest(
    connection: Connection, rows: Sequence[Any], families: Sequence[tuple[Key, ...]], now_ms: int
) -> tuple[dict[str, int], bool]:
    """What was removed, and whether a call is left that has no event any more."""
    # References first: ingest takes them before the calls' work, and nobody must wait in a ring.
    refs = _remove_refs(connection, [row for row in rows if row.shows_media])
    if not families:
        return {"blob_refs": refs}, False
    wanted = {key for family in families for key in family}
    marked = mark(connection, wanted, now_ms=now_ms, take_over=False)
    stay = _that_stay(connection, marked)
    gone = {key for family in families if marked.issuperset(family) and not stay.intersection(family) for key in family}
    unmark(connection, marked - gone)
    removed = remove_all_but_events(connection, gone)
    c, e = calls.c, events.c
    has_event = exists().where(e.project == c.project, e.request_id == c.request_id)
    left = {family[0] for family in families} - gone
    told = {**removed, "blob_refs": refs}
    if not left:
        return told, False
    lost = select(c.request_id).where(are_of(c.project, c.request_id, left), ~has_event).limit(1)
    return told, connection.execute(lost).first() is not None


def _that_stay(connection: Connection, keys: set[Key]) -> set[Key]:
    """Calls that have events, elsewhere or since, go or stay like all others; and none goes before its spans went out."""
    if not keys:
        return set()
    e, x = events.c, exports.c
    names = literal(sorted({name for _, name in keys}), ARRAY(Text))
    # An array is planned once for all partitions, however many names there are.
    with_events = select(e.project, e.request_id).where(e.request_id == any_(names)).distinct()
    waiting = select(x.project, x.request_id).where(are_of(x.project, x.request_id, keys), x.state == literal_column("'pending'"))
    found = [*connection.execute(with_events).all(), *connection.execute(waiting).all()]
    return keys.intersection((project, request_id) for project, request_id in found)


def _remove_refs(connection: Connection, rows: Sequence[Any]) -> int:
    """References of events that are gone; not of those that were sent anew."""
    if not rows:
        return 0
    keep_ingest_out(connection, "blob_refs")
    r, e = blob_refs.c, events.c
    one = and_(r.project == bindparam("p"), r.timestamp == bindparam("t"), r.event_id == bindparam("i"))
    # The hash is what the index has.
    same = func.hashtextextended(e.event_id, 0) == func.hashtextextended(r.event_id, 0)
    is_there = exists().where(e.project == r.project, e.timestamp == r.timestamp, same, e.event_id == r.event_id)
    values = [{"p": row.project, "t": row.timestamp, "i": row.event_id} for row in rows]
    return max(connection.execute(delete(blob_refs).where(one, ~is_there), values).rowcount, 0)
