"""
Spans to send: the outbox between assembly and the exporters.

Flow: pipeline -> **ExportWork** -> exports. A claim moves `next_at` to the end of its lease: one column says when a span is due,
whoever holds it, and a crashed holder's spans come back by themselves. The same value tells one lease from the next.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Update,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from collector.storage.database import StorePart, Write
from collector.storage.loading import resource_of
from collector.storage.outbox import DeadSpans, ExportClaim, ExportDead, ExportDone, ExportOutcome, ExportPutBack, ExportRetry
from collector.storage.rows import plain
from collector.storage.tables import exports, resources

ROWS_A_COMMIT = 5_000
"""Of changes by hand, so that ingest waits for none of them for long."""
DROPPED = "dropped by hand"


class ExportWork(StorePart):
    """The exports' half of `WorkQueue`: see `Outbox`."""

    def claim_exports(
        self,
        *,
        owner: str,
        destination: str,
        now_ms: int,
        lease_ms: int,
        limit: int,
        max_bytes: int,
        newest_first: bool = False,
        outcomes: Sequence[ExportOutcome] = (),
    ) -> list[ExportClaim]:
        """See `Outbox.claim_exports`."""
        until_ms = now_ms + lease_ms
        values = {"owner": owner, "to": destination, "now": now_ms, "until": until_ms, "most": limit, "most_bytes": max_bytes}

        def settle_and_lease(connection: Connection) -> list[int]:
            if outcomes:
                _settle(connection, outcomes, now_ms)
            return sorted(connection.execute(_lease(newest_first), values).scalars().all())

        claimed = self._database.write(settle_and_lease)
        if not claimed:
            return []
        with self._database.reading() as connection:
            return [_claim(row, until_ms) for row in connection.execute(_claimed(), {"export_ids": claimed})]

    def settle_exports(self, outcomes: Sequence[ExportOutcome], *, now_ms: int) -> None:
        """See `Outbox.settle_exports`."""
        self.begin_settling(outcomes, now_ms=now_ms).result()

    def begin_settling(self, outcomes: Sequence[ExportOutcome], *, now_ms: int) -> Write[None]:
        """See `Outbox.begin_settling`."""
        return self._database.begin(lambda connection: _settle(connection, outcomes, now_ms))

    def next_export_due_ms(self, *, destination: str) -> int | None:
        """See `Outbox.next_export_due_ms`."""
        e = exports.c
        statement = select(func.min(e.next_at)).where(e.destination == destination, e.state == "pending")
        with self._database.reading() as connection:
            return connection.execute(statement).scalar()

    def retry_dead_exports(self, which: DeadSpans, *, now_ms: int) -> list[Mapping[str, Any]]:
        """See `Outbox.retry_dead_exports`."""
        dead = and_(_are_dead(which), exports.c.next_at <= now_ms)
        groups = _by_reason(dead)
        with self._database.reading() as connection:
            found: list[Mapping[str, Any]] = [plain(row) for row in connection.execute(groups)]
        self._change(dead, {"state": "pending", "next_at": now_ms, "stumbles": 0})
        return found

    def drop_exports(self, *, destination: str, now_ms: int) -> int:
        """See `Outbox.drop_exports`."""
        open_ones = and_(exports.c.destination == destination, exports.c.state.in_(("pending", "dead")))
        values = {"state": "dropped", "next_at": now_ms, "reason": DROPPED, "encoded": None, "encoded_bytes": 0}
        return self._change(open_ones, values)

    def export_reasons(self, *, limit: int) -> list[Mapping[str, Any]]:
        """See `Outbox.export_reasons`."""
        with self._database.reading() as connection:
            return [plain(row) for row in connection.execute(_by_reason(exports.c.state == "dead").limit(limit))]

    def _change(self, which: ColumnElement[bool], values: Mapping[str, Any]) -> int:
        """Update rows, some thousand a commit; they must not match any more afterwards."""
        some = select(exports.c.export_id).where(which).limit(ROWS_A_COMMIT)
        statement = update(exports).where(exports.c.export_id.in_(some), which).values(**values)
        changed = 0
        while done := self._database.write(lambda connection: connection.execute(statement).rowcount):
            changed += done
        return changed


def _are_dead(which: DeadSpans) -> ColumnElement[bool]:
    e = exports.c
    conditions = [e.state == "dead", e.encoded.is_not(None)]
    if which.destination is not None:
        conditions.append(e.destination == which.destination)
    if which.reason is not None:
        conditions.append(func.lower(e.reason).contains(which.reason.lower(), autoescape=True))
    if which.since_ms is not None:
        conditions.append(e.next_at >= which.since_ms)
    return and_(*conditions)


def _by_reason(which: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    e = exports.c
    count = func.count().label("count")
    return (
        select(e.destination, e.reason, count, func.max(e.next_at).label("last_ms"))
        .where(which)
        .group_by(e.destination, e.reason)
        .order_by(count.desc(), e.destination, e.reason)
    )


# Statements are built once: building one costs as much as a commit.
@cache
def _lease(newest_first: bool) -> ReturningUpdate[Any]:
    e = exports.c
    due = (
        select(e.export_id, e.next_at, e.encoded_bytes)
        .where(e.destination == bindparam("to"), e.state == "pending", e.next_at <= bindparam("now"))
        .order_by(*_order(e, newest_first))
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    total = func.sum(due.c.encoded_bytes).over(order_by=_order(due.c, newest_first))
    place = func.row_number().over(order_by=_order(due.c, newest_first))
    counted = select(due.c.export_id, total.label("total"), place.label("place")).cte("counted")
    fits = select(counted.c.export_id).where(or_(counted.c.total <= bindparam("most_bytes"), counted.c.place == 1))
    leased: dict[str, Any] = {"next_at": bindparam("until"), "lease_owner": bindparam("owner")}
    return update(exports).where(e.export_id.in_(fits)).values(**leased).returning(e.export_id)


def _order(columns: Any, newest_first: bool) -> tuple[Any, Any]:
    if newest_first:
        return columns.next_at.desc(), columns.export_id.desc()
    return columns.next_at, columns.export_id


@cache
def _claimed() -> Select[*tuple[Any, ...]]:
    same_resource = and_(resources.c.project == exports.c.project, resources.c.resource_id == exports.c.resource_id)
    e = exports.c
    return (
        select(
            e.export_id, e.project, e.destination, e.span, e.trace_id, e.attempts, e.stumbles, e.encoded,
            resources.c.resource_id, resources.c.service, resources.c.attributes,
        )
        .join(resources, same_resource)
        .where(e.export_id.in_(bindparam("export_ids", expanding=True)), e.encoded.is_not(None))
        .order_by(e.export_id)
    )  # fmt: skip


def _claim(row: Any, until_ms: int) -> ExportClaim:
    return ExportClaim(
        export_id=row.export_id,
        project=row.project,
        destination=row.destination,
        span_id=row.span,
        trace_id=row.trace_id,
        resource=resource_of(row),
        attempts=row.attempts,
        stumbles=row.stumbles,
        lease_until_ms=until_ms,
        encoded=bytes(row.encoded),
    )


def _settle(connection: Connection, outcomes: Sequence[ExportOutcome], now_ms: int) -> None:
    ordered = sorted(outcomes, key=lambda one: one.export_id)
    done = [one.export_id for one in ordered if isinstance(one, ExportDone)]
    if done:
        # Nearly all there is, so in one statement: a row at a time would cost more than sending them.
        connection.execute(_DONE, {"keys": done, "at": now_ms})
    for kind, statement in _SETTLED.items():
        rows = [_parameters(one, now_ms) for one in ordered if isinstance(one, kind) and not isinstance(one, ExportDone)]
        if rows:
            connection.execute(statement, rows)


_SAME = exports.c.export_id == bindparam("key")
# A settlement that comes after the lease ended must not disturb who holds the span by then; but sent is sent.
_HELD = and_(_SAME, exports.c.state == "pending", exports.c.next_at == bindparam("lease", type_=BigInteger))
_FREED = update(exports).values(next_at=bindparam("at", type_=BigInteger), lease_owner=None)
_TRIED = _FREED.values(attempts=exports.c.attempts + 1)
_DONE = _TRIED.where(exports.c.export_id.in_(bindparam("keys", expanding=True)), exports.c.state != "done").values(
    state="done", encoded=None, encoded_bytes=0, reason=None
)
_SETTLED: Mapping[type[ExportOutcome], Update] = {
    ExportRetry: _TRIED.where(_HELD).values(reason=bindparam("why"), stumbles=exports.c.stumbles + bindparam("stumble")),
    ExportPutBack: _FREED.where(_HELD),
    ExportDead: _TRIED.where(_HELD).values(state="dead", reason=bindparam("why")),
}


def _parameters(outcome: ExportRetry | ExportPutBack | ExportDead, now_ms: int) -> dict[str, Any]:
    match outcome:
        case ExportRetry(export_id=key, lease_until_ms=lease, next_at_ms=at, reason=why, is_stumble=is_stumble):
            return {"key": key, "lease": lease, "at": at, "why": why, "stumble": int(is_stumble)}
        case ExportPutBack(export_id=key, lease_until_ms=lease, next_at_ms=at):
            return {"key": key, "lease": lease, "at": at}
        case ExportDead(export_id=key, lease_until_ms=lease, reason=why):
            return {"key": key, "lease": lease, "at": now_ms, "why": why}
