"""
TX 1: what a group of batches writes.

Flow: GroupWriter -> **store_batches** -> events, calls, call_work, resources, blobs, hook_states; the commit is the writer's.
The usual group is all new and goes in as one: one insert of events, one statement a table, however many requests. Only when
the count says that some were stored before, or the database refuses a value, is the group redone request by request.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from collector.errors import StoreError, UnknownRefs
from collector.events import Batch, Receipt
from collector.storage import touches
from collector.storage.engine import Engine
from collector.storage.repeats import lacking
from collector.storage.upserts import store_beside

Outcome = Receipt | StoreError


def store_batches(engine: Engine, connection: Connection, batches: Sequence[Batch], settle_ms: int) -> list[Outcome]:
    """Store batches in the transaction, which did nothing else so far; an outcome each. An error that concerns all is raised."""
    engine.begin_ingest(connection)
    unknown = lacking(connection, batches)
    whole = [batch for place, batch in enumerate(batches) if place not in unknown] if unknown else batches
    if not whole or _store_as_one(engine, connection, whole, settle_ms):
        return [
            UnknownRefs(unknown[place]) if place in unknown else Receipt(accepted=len(batch.events), duplicates=0)
            for place, batch in enumerate(batches)
        ]
    # The transaction began anew: what was here may be gone since.
    unknown = lacking(connection, batches)
    return [
        UnknownRefs(unknown[place]) if place in unknown else _store_alone(engine, connection, batch, settle_ms)
        for place, batch in enumerate(batches)
    ]


def _store_as_one(engine: Engine, connection: Connection, batches: Sequence[Batch], settle_ms: int) -> bool:
    """True when every event was new and everything is stored; else nothing is."""
    rows = [row for batch in batches for row in batch.events]
    try:
        all_new = engine.insert_events(connection, rows) == len(rows) if rows else True
        if all_new:
            _store_rest(connection, batches, settle_ms)
            return True
    except Exception as exc:
        if engine.verdict(exc) != "refused":
            raise
    # Rare enough: a savepoint would cost every group two statements.
    engine.start_over(connection)
    engine.begin_ingest(connection)
    return False


def _store_alone(engine: Engine, connection: Connection, batch: Batch, settle_ms: int) -> Outcome:
    _say(connection, "SAVEPOINT ingest")
    try:
        new = engine.insert_events_telling(connection, batch.events) if batch.events else []
        if new or not batch.events:
            _store_rest(connection, [_with_news_only(batch, set(new))], settle_ms)
        _say(connection, "RELEASE SAVEPOINT ingest")
        return Receipt(accepted=len(new), duplicates=len(batch.events) - len(new))
    except Exception as exc:
        if engine.verdict(exc) != "refused":
            raise
        _say(connection, "ROLLBACK TO SAVEPOINT ingest")
        _say(connection, "RELEASE SAVEPOINT ingest")
        error = StoreError(f"the database cannot hold this batch ({type(exc).__name__}); nothing of it was stored")
        error.__cause__ = exc
        return error


def _say(connection: Connection, statement: str) -> None:
    """By the driver: for a small group SQLAlchemy's savepoint takes longer than what it guards."""
    driver: Any = connection.connection.driver_connection
    driver.execute(statement)


def _with_news_only(batch: Batch, request_ids: set[str | None]) -> Batch:
    """Duplicates make no work: only calls that got a new event count as touched."""
    # The call of a part has no rows of its own: what counts is its stream's.
    return replace(batch, touches=tuple(touch for touch in batch.touches if touch.first.request_id in request_ids))


def _store_rest(connection: Connection, batches: Sequence[Batch], settle_ms: int) -> None:
    store_beside(connection, batches)
    touches.store_touches(connection, batches, settle_ms)
    touches.store_run_ends(connection, batches, settle_ms)
