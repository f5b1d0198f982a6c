"""
Spans that are to be sent once more, on purpose: to a backend that lost them, or that is new.

Flow: `hookline export --to` -> **Resending** -> spans -> encode -> exports. Some calls at a time, each time in one short write.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, select, tuple_

from collector.spans import Span
from collector.storage.database import StorePart
from collector.storage.outbox import Resend
from collector.storage.rows import AnyRow, read_json
from collector.storage.tables import calls, exports, spans
from collector.storage.upserts import Insert, insert

CALLS_A_COMMIT = 200
BY_HAND = "sent again by hand"
_FIELDS = tuple(Span.__dataclass_fields__)


class Resending(StorePart):
    """The part of `Outbox` that fills it again."""

    def queue_again(self, which: Resend, encode: Callable[[Span], bytes], *, now_ms: int) -> int:
        """See `Outbox.queue_again`."""
        queued, after = 0, (-1.0, "")
        while rows := self._calls(which, after):
            after = (rows[-1].order_ms, rows[-1].request_id)
            resources = {row.request_id: row.resource_id for row in rows}
            values = [
                _export(span, which.destination, resources[span.request_id], encode(span), now_ms)
                for span in self._spans(which.project, list(resources))
            ]
            if values:
                queued += self._database.write(lambda connection, values=values: _put(connection, values))
        return queued

    def _calls(self, which: Resend, after: tuple[float, str]) -> Sequence[AnyRow]:
        c = calls.c
        conditions: list[ColumnElement[bool]] = [
            c.project == which.project,
            tuple_(c.order_ms, c.request_id) > after,
            c.order_ms >= which.since_ms,
            c.settled_ms.is_not(None),
            c.status != "running",
        ]
        if which.until_ms is not None:
            conditions.append(c.order_ms < which.until_ms)
        statement = select(c.request_id, c.order_ms, c.resource_id).where(and_(*conditions))
        with self._database.reading() as connection:
            return connection.execute(statement.order_by(c.order_ms, c.request_id).limit(CALLS_A_COMMIT)).all()

    def _spans(self, project: str, request_ids: list[str]) -> list[Span]:
        s = spans.c
        columns = [s[name] for name in _FIELDS]
        of_calls = and_(s.project == project, s.request_id.in_(request_ids), s.is_sampled)
        with self._database.reading() as connection:
            rows = connection.execute(select(*columns).where(of_calls).order_by(s.request_id, s.span_id)).all()
        return [Span(**{**row._mapping, "attributes": read_json(row.attributes)}) for row in rows]  # pyright: ignore[reportPrivateUsage]


_KEY = ("project", "request_id", "span", "destination", "is_final")


def _put(connection: Connection, values: list[dict[str, Any]]) -> int:
    """How many rows are due now that were not before."""
    keys = [tuple(one[name] for name in _KEY) for one in values]
    waiting = select(exports.c.export_id).where(
        tuple_(*(exports.c[name] for name in _KEY)).in_(keys), exports.c.state == "pending"
    )
    already = len(connection.execute(waiting).all())
    connection.execute(_queue_again(connection.dialect.name), values)
    return len(values) - already


@cache
def _queue_again(engine: str) -> Insert:
    statement = insert(engine, exports)
    names = ("state", "next_at", "reason", "queued_ms", "resource_id", "encoded", "encoded_bytes", "attempts", "stumbles")
    return statement.on_conflict_do_update(
        index_elements=list(_KEY),
        set_={name: statement.excluded[name] for name in names},
        # What waits goes anyway, and may be on its way right now.
        where=exports.c.state != "pending",
    )


def _export(span: Span, destination: str, resource_id: str, encoded: bytes, now_ms: int) -> dict[str, Any]:
    return {
        "project": span.project,
        "span": span.span_id,
        "destination": destination,
        "state": "pending",
        "attempts": 0,
        "stumbles": 0,
        "next_at": now_ms,
        "reason": BY_HAND,
        "trace_id": span.trace_id,
        "request_id": span.request_id,
        "resource_id": resource_id,
        "is_final": span.status != "incomplete",
        "queued_ms": now_ms,
        "encoded_bytes": len(encoded),
        "encoded": encoded,
    }
