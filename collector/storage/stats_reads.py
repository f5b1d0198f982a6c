"""
Reading figures: counts, sums and percentiles of calls, and the store's own state.

Flow: query, doctor, metrics -> **StatsReads** -> calls, exports, call_work.
Percentiles are those of PostgreSQL's percentile_cont, written so that SQLite computes them too, in the database.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, select

from collector.errors import BadRequest
from collector.storage.database import StorePart
from collector.storage.protocols import Row
from collector.storage.rows import plain
from collector.storage.tables import call_work, calls, events, exports

GROUPS = ("model", "provider", "operation", "service", "status")
PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_SUMS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "cost_usd")
# A poll for a video's state is quick and says nothing about how long the provider takes.
_NOT_TIMED = "video_poll"


class StatsReads(StorePart):
    """The figures' share of `Reader`."""

    def stats(self, project: str, *, since_ms: int | None, until_ms: int | None, by: str | None) -> Sequence[Row]:
        """See `Reader.stats`."""
        if by is not None and by not in GROUPS:
            raise BadRequest(f"by is {by!r}: it can be one of {', '.join(GROUPS)}")
        group: ColumnElement[Any] = calls.c[by] if by else literal(None)
        conditions = [calls.c.project == project]
        if since_ms is not None:
            conditions.append(calls.c.order_ms >= since_ms)
        if until_ms is not None:
            conditions.append(calls.c.order_ms < until_ms)
        where = and_(*conditions)
        with self._database.reading() as connection:
            counts = _counts(connection, group, where, by)
            durations = _percentiles(connection, group, where, calls.c.duration_ms, "duration")
            firsts = _percentiles(connection, group, where, calls.c.time_to_first_chunk_ms, "time_to_first_chunk")
        empty_durations, empty_firsts = _named("duration", [None] * 3), _named("time_to_first_chunk", [None] * 3)
        return [{**row, **durations.get(key, empty_durations), **firsts.get(key, empty_firsts)} for key, row in counts.items()]

    def state(self) -> Row:
        """See `Reader.state`."""
        by_state = select(
            exports.c.destination,
            exports.c.state,
            func.count().label("count"),
            func.min(exports.c.next_at).label("oldest_next_at"),
            func.min(exports.c.export_id).label("first_id"),
            _newest_reason(),
        ).group_by(exports.c.destination, exports.c.state)
        last_event = select(events.c.received_at).order_by(events.c.arrival.desc()).limit(1)
        work = select(func.count().label("count"), func.min(call_work.c.due_ms).label("due_ms"))
        with self._database.reading() as connection:
            open_work = connection.execute(work).one()
            rough = self._database.engine.rough_counts(connection)
            return {
                "engine": self._database.engine.name,
                "rows": {**rough, "call_work": open_work.count},
                "oldest_due_ms": open_work.due_ms,
                "exports": _with_age(connection, [dict(plain(row)) for row in connection.execute(by_state)]),
                "last_received_ms": connection.execute(last_event).scalar(),
            }


def _with_age(connection: Connection, groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The groups with `oldest_queued_ms`. By the first row's key: a minimum over all rows would read each of them."""
    firsts = [group["first_id"] for group in groups]
    queued = select(exports.c.export_id, exports.c.queued_ms).where(exports.c.export_id.in_(firsts))
    queued_ms = {row.export_id: row.queued_ms for row in connection.execute(queued)} if firsts else {}
    for group in groups:
        group["oldest_queued_ms"] = queued_ms.get(group.pop("first_id"))
    return groups


def _newest_reason() -> ColumnElement[Any]:
    """Why the span of a group that is due last waits or died: the one that was tried last has the latest time."""
    other = exports.alias()
    same = and_(other.c.destination == exports.c.destination, other.c.state == exports.c.state)
    return select(other.c.reason).where(same).order_by(other.c.next_at.desc()).limit(1).scalar_subquery().label("reason")


def _counts(connection: Connection, group: ColumnElement[Any], where: ColumnElement[bool], by: str | None) -> dict[Any, Row]:
    def of_status(status: str) -> ColumnElement[Any]:
        return func.count(case((calls.c.status == status, 1)))

    statement = select(
        group.label("value"),
        func.count().label("calls"),
        of_status("running").label("running"),
        of_status("error").label("errors"),
        of_status("aborted").label("aborted"),
        of_status("incomplete").label("incomplete"),
        *(func.sum(calls.c[name]).label(name) for name in _SUMS),
    ).where(where)
    if by:
        statement = statement.group_by(group).order_by(func.count().desc(), group)
    rows: dict[Any, Row] = {}
    for row in connection.execute(statement):
        values = {name: _number(value) for name, value in plain(row).items()}
        key = values.pop("value")
        rows[key] = {by: key, **values} if by else values
    return rows


def _percentiles(
    connection: Connection, group: ColumnElement[Any], where: ColumnElement[bool], column: ColumnElement[Any], name: str
) -> Mapping[Any, Mapping[str, float | None]]:
    """
    Each group's percentiles of a column.

    With the values numbered from 0 to n-1, the percentile p lies at p(n-1); its two neighbours count by their nearness, which
    is 1 - distance, and all others, being further than 1 away, not at all.
    """
    ranked = (
        select(
            group.label("value"),
            column.label("number"),
            (func.row_number().over(order_by=column, partition_by=group) - 1).label("place"),
            (func.count().over(partition_by=group) - 1).label("last"),
        )
        .where(where, column.is_not(None), calls.c.operation != _NOT_TIMED)
        .subquery()
    )

    def percentile(share: float) -> ColumnElement[Any]:
        distance = func.abs(ranked.c.place - share * ranked.c.last)
        return func.sum(case((distance < 1, ranked.c.number * (1 - distance)), else_=0.0))

    statement = select(ranked.c.value, *(percentile(share) for share in PERCENTILES.values())).group_by(ranked.c.value)
    return {value: _named(name, [_number(one) for one in found]) for value, *found in connection.execute(statement)}


def _named(name: str, values: Sequence[float | None]) -> dict[str, float | None]:
    return {f"{name}_{which}_ms": value for which, value in zip(PERCENTILES, values, strict=True)}


def _number(value: Any) -> Any:
    """PostgreSQL's sums of integers are Decimal."""
    if value is None or isinstance(value, (int, float, str)):
        return value
    return int(value) if value == int(value) else float(value)
