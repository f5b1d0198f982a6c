"""
Partitions of events that leave: whether one may, and how it is taken out.

Flow: leaving -> **look, take_out** -> events, its partitions. Only PostgreSQL has some.
The look takes as long as it takes, and locks nothing. What could change meanwhile leaves a trace that is found quickly: an event
has a higher arrival, a call has work or was updated, a span waits anew. That is looked for once more under the lock, where
nothing can come any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, MetaData, and_, exists, func, literal_column, not_, or_, select, text

from collector.storage.expiring import may_go, projects_of
from collector.storage.keeper import TRACE_WAITS_MS, Bounds
from collector.storage.leaver import Partition
from collector.storage.postgresql_partitions import listed
from collector.storage.removing import COUNTED_TO, ROW_BYTES, add_sizes
from collector.storage.repeats import shows_blobs
from collector.storage.tables import call_work, calls, events, exports

LOCK_TIMEOUT_MS = 250
"""Whoever waits for `events` keeps ingest waiting behind it."""
RECHECK_TIMEOUT_MS = 500
"""With the lock in hand: so long a look may take at most, then everything is as it was."""
UPDATED_MARGIN_MS = 10_000
"""Collectors' times differ by less."""
_LEAVING = "events_leaving_"

_LEAVING_TABLES = f"""
    SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE '{_LEAVING.replace("_", "!_")}%%' ESCAPE '!'
    AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'events'::regclass) ORDER BY relname
"""  # noqa: S608
# Somebody's view of this very partition: it can't be dropped.
_DEPENDS = text("""
    SELECT EXISTS (SELECT 1 FROM pg_depend WHERE classid = 'pg_rewrite'::regclass AND refclassid = 'pg_class'::regclass
                   AND refobjid = to_regclass(:name))
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was found in a partition of which nothing is to be kept."""

    arrival: int
    """Nothing up to it can still appear."""
    at_ms: int
    events: int
    bytes: int
    counted_to: int
    counted_bytes: Mapping[str, int]
    """Of each project, as far as its size was counted."""


def partitions(connection: Connection) -> list[Partition]:
    """Those that have a range, with the projects in each."""
    return [
        Partition(
            name=name, from_ms=its.from_ms, until_ms=its.until_ms, projects=frozenset(projects_of(connection, _rows_of(name)))
        )
        for name, its in listed(connection).items()
    ]


def look(
    connection: Connection, partition: Partition, cutoffs: Mapping[str, int], *, safe_arrival: int, now_ms: int
) -> Looked | None:
    """None where something is to be kept. Each statement must see what was committed before it."""
    if not partition.projects <= cutoffs.keys() or connection.execute(_DEPENDS, {"name": partition.name}).scalar():
        return None
    if any(_is_kept(connection, partition, project, cutoffs[project]) for project in partition.projects):
        return None
    return _count(connection, partition.name, safe_arrival, now_ms)


def take_out(connection: Connection, partition: Partition, found: Looked) -> bool:
    """In the open transaction; False where something came since the look, and then nothing was done."""
    run = connection.exec_driver_sql
    if has_news(connection, partition, found):
        return False
    run(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
    run("LOCK TABLE ONLY events IN ACCESS EXCLUSIVE MODE")
    run(f"SET LOCAL statement_timeout = {RECHECK_TIMEOUT_MS}")
    if has_news(connection, partition, found) or _counted_to(connection) != found.counted_to:
        return False
    add_sizes(connection, {project: -size for project, size in found.counted_bytes.items() if size})
    oid = run(f"SELECT '\"{partition.name}\"'::regclass::oid::bigint").scalar_one()
    run(f'ALTER TABLE events DETACH PARTITION "{partition.name}"')
    run(f'ALTER TABLE "{partition.name}" RENAME TO {_LEAVING}{oid}')
    return True


def has_news(connection: Connection, partition: Partition, found: Looked) -> bool:
    """Whether anything came to the partition's calls since the look, or is open with one of them."""
    its = _rows_of(partition.name)
    since_ms = found.at_ms - UPDATED_MARGIN_MS
    c, w, x = calls.c, call_work.c, exports.c

    def is_of(row: Any) -> Any:
        return exists().where(its.c.request_id == row.request_id, its.c.project == row.project)

    news = (
        select(its.c.arrival).where(its.c.arrival > found.arrival),
        select(w.request_id).where(is_of(w)),
        select(c.request_id).where(c.project.in_(partition.projects), c.updated_ms >= since_ms, is_of(c)),
        select(x.request_id).where(x.state == literal_column("'pending'"), x.next_at >= since_ms, is_of(x)),
    )
    return any(connection.execute(one.limit(1)).first() is not None for one in news)


def leaving_tables(connection: Connection) -> list[str]:
    """The partitions that were taken out and are still there."""
    return list(connection.exec_driver_sql(_LEAVING_TABLES).scalars())


def rows_behind(connection: Connection, name: str, arrival: float, limit: int) -> Sequence[Any]:
    """The next rows of a partition that was taken out, with whether each shows media."""
    its = _rows_of(name)
    shows = shows_blobs(its.c).label("shows_media")
    columns = (its.c.arrival, its.c.project, its.c.request_id, its.c.timestamp, its.c.event_id, shows)
    return connection.execute(select(*columns).where(its.c.arrival > arrival).order_by(its.c.arrival).limit(limit)).all()


def drop(connection: Connection, name: str) -> None:
    """Drop a partition that was taken out: nobody else knows it."""
    connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{name}"')


def _rows_of(name: str) -> Any:
    return events.to_metadata(MetaData(), name=name)


def _is_kept(connection: Connection, partition: Partition, project: str, cutoff_ms: int) -> bool:
    """Whether something of a project stays, by its own rows or by those of its calls."""
    its, c = _rows_of(partition.name), calls.c
    bounds = Bounds(until_ms=cutoff_ms, received_before_ms=cutoff_ms, trace_waits_from_ms=cutoff_ms - TRACE_WAITS_MS)
    stays = or_(c.order_ms >= cutoff_ms, not_(may_go(bounds)))
    of_it = select(its.c.request_id).where(its.c.project == project, its.c.request_id.is_not(None)).distinct()
    parent, part = calls.alias(), calls.alias()
    # On its own, from the calls of this partition on: put into the condition it would be asked for every call there is.
    of_parts = (
        select(part.c.request_id)
        .join(parent, and_(part.c.trace_id == parent.c.trace_id, part.c.parent_request_id == parent.c.request_id))
        .where(
            parent.c.project == project,
            part.c.project == project,
            parent.c.request_id.in_(of_it),
            func.starts_with(part.c.request_id, parent.c.request_id + "/"),
        )
        .cte("of_parts")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    young = select(its.c.arrival).where(its.c.project == project, its.c.received_at >= cutoff_ms)
    whole = select(c.request_id).where(c.project == project, c.request_id.in_(of_it), stays)
    parts = select(c.request_id).where(c.project == project, c.request_id.in_(select(of_parts.c.request_id)), stays)
    return any(connection.execute(one.limit(1)).first() is not None for one in (young, whole, parts))


def _count(connection: Connection, name: str, safe_arrival: int, now_ms: int) -> Looked:
    counted_to = connection.execute(COUNTED_TO).scalar() or 0
    its = _rows_of(name).c
    size = func.length(its.payload) + ROW_BYTES
    counted = func.coalesce(func.sum(size).filter(its.arrival <= counted_to), 0)
    sums = connection.execute(select(its.project, func.count(), func.sum(size), counted).group_by(its.project)).all()
    return Looked(
        arrival=safe_arrival,
        at_ms=now_ms,
        events=sum(row[1] for row in sums),
        bytes=sum(int(row[2]) for row in sums),
        counted_to=counted_to,
        counted_bytes={row[0]: int(row[3]) for row in sums},
    )


def _counted_to(connection: Connection) -> int:
    return connection.execute(COUNTED_TO.with_for_update()).scalar() or 0
