"""
Spans to send: the outbox between assembly and the exporters.

Flow: pipeline -> **ExportWork** -> exports. A claim moves `next_at` to the end of its lease: one column says when a span is due,
whoever holds it, and a crashed holder's spans come back by themselves.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, or_, select, update

from collector.storage.claiming import resource_of
from collector.storage.database import StorePart
from collector.storage.protocols import ExportClaim, ExportDead, ExportDone, ExportOutcome, ExportRetry
from collector.storage.tables import exports, resources


class ExportWork(StorePart):
    """The exports' half of `WorkQueue`."""

    def claim_exports(
        self, *, owner: str, destination: str, now_ms: int, lease_ms: int, limit: int, max_bytes: int
    ) -> list[ExportClaim]:
        """See `WorkQueue.claim_exports`."""
        claimed = self._database.write(
            lambda connection: _lease(connection, owner, destination, now_ms, now_ms + lease_ms, limit, max_bytes)
        )
        if not claimed:
            return []
        with self._database.reading() as connection:
            return _load(connection, claimed)

    def settle_exports(self, outcomes: Sequence[ExportOutcome], *, now_ms: int) -> None:
        """See `WorkQueue.settle_exports`."""
        if outcomes:
            self._database.write(lambda connection: _settle(connection, outcomes, now_ms))

    def retry_dead_exports(self, *, destination: str | None, now_ms: int) -> int:
        """See `WorkQueue.retry_dead_exports`."""
        statement = update(exports).where(exports.c.state == "dead").values(state="pending", next_at=now_ms)
        if destination is not None:
            statement = statement.where(exports.c.destination == destination)
        return self._database.write(lambda connection: connection.execute(statement).rowcount)


def _lease(
    connection: Connection, owner: str, destination: str, now_ms: int, until_ms: int, limit: int, max_bytes: int
) -> list[int]:
    e = exports.c
    due = (
        select(e.export_id, e.next_at, e.encoded_bytes)
        .where(e.destination == destination, e.state == "pending", e.next_at <= now_ms)
        .order_by(e.next_at, e.export_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    total = func.sum(due.c.encoded_bytes).over(order_by=(due.c.next_at, due.c.export_id))
    place = func.row_number().over(order_by=(due.c.next_at, due.c.export_id))
    counted = select(due.c.export_id, total.label("total"), place.label("place")).cte("counted")
    fits = select(counted.c.export_id).where(or_(counted.c.total <= max_bytes, counted.c.place == 1))
    statement = update(exports).where(e.export_id.in_(fits)).values(next_at=until_ms, lease_owner=owner).returning(e.export_id)
    return sorted(connection.execute(statement).scalars())


def _load(connection: Connection, export_ids: list[int]) -> list[ExportClaim]:
    same_resource = and_(resources.c.project == exports.c.project, resources.c.resource_id == exports.c.resource_id)
    e = exports.c
    statement = (
        select(
            e.export_id, e.project, e.destination, e.span, e.trace_id, e.attempts, e.encoded,
            resources.c.resource_id, resources.c.service, resources.c.attributes,
        )
        .join(resources, same_resource)
        .where(e.export_id.in_(export_ids), e.encoded.is_not(None))
        .order_by(e.export_id)
    )  # fmt: skip
    return [
        ExportClaim(
            export_id=row.export_id,
            project=row.project,
            destination=row.destination,
            span_id=row.span,
            trace_id=row.trace_id,
            resource=resource_of(row),
            attempts=row.attempts,
            encoded=bytes(row.encoded),
        )
        for row in connection.execute(statement)
    ]


def _settle(connection: Connection, outcomes: Sequence[ExportOutcome], now_ms: int) -> None:
    rows = {ExportDone: list[dict[str, Any]](), ExportRetry: list[dict[str, Any]](), ExportDead: list[dict[str, Any]]()}
    for outcome in sorted(outcomes, key=lambda one: one.export_id):
        rows[type(outcome)].append(_parameters(outcome))
    same = exports.c.export_id == bindparam("key")
    ended = update(exports).where(same).values(attempts=exports.c.attempts + 1, next_at=now_ms, lease_owner=None)
    statements = {
        ExportDone: ended.values(state="done", encoded=None, encoded_bytes=0, reason=None),
        ExportRetry: ended.values(next_at=bindparam("retry_at"), reason=bindparam("why")),
        ExportDead: ended.values(state="dead", reason=bindparam("why")),
    }
    for kind, statement in statements.items():
        if rows[kind]:
            connection.execute(statement, rows[kind])


def _parameters(outcome: ExportOutcome) -> dict[str, Any]:
    match outcome:
        case ExportDone(export_id=key):
            return {"key": key}
        case ExportRetry(export_id=key, next_at_ms=retry_at, reason=why):
            return {"key": key, "retry_at": retry_at, "why": why}
        case ExportDead(export_id=key, reason=why):
            return {"key": key, "why": why}
