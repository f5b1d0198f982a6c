"""
Partitions ahead of time, and receipts of repeated requests.

Flow: SqlStore -> **Caretaking** -> Engine, receipts.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, update
from sqlalchemy.exc import DBAPIError

from collector.errors import StoreUnavailable
from collector.storage.database import StorePart
from collector.storage.tables import call_work, exports, receipts
from collector.storage.upserts import insert

LATE_EVENTS_MS = 7 * 86_400_000
"""So long events of a time may come late in numbers: an empty partition of that age is kept for them."""


class Caretaking(StorePart):
    """`Caretaker`."""

    def __init__(self, *args: Any, partition_days: int = 7, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._partition_days = partition_days

    def make_room(self, *, now_ms: int) -> Sequence[str]:
        """See `Caretaker.make_room`."""
        try:
            return self._database.engine.make_partitions(now_ms=now_ms, days=self._partition_days)
        except DBAPIError as exc:
            raise StoreUnavailable(f"no partition was made ({type(exc).__name__}): it is tried again") from exc

    def drop_empty_partitions(self, *, now_ms: int) -> Sequence[str]:
        """See `Caretaker.drop_empty_partitions`."""
        try:
            return self._database.engine.drop_empty_partitions(now_ms - LATE_EVENTS_MS)
        except DBAPIError as exc:
            raise StoreUnavailable(f"no partition was dropped ({type(exc).__name__}): it is tried again") from exc

    def bring_forward(self, *, later_than_ms: int, to_ms: int) -> int:
        """See `Caretaker.bring_forward`."""

        def bring(connection: Connection) -> int:
            of_calls = update(call_work).where(call_work.c.due_ms > later_than_ms).values(due_ms=to_ms)
            is_late = (exports.c.state == "pending") & (exports.c.next_at > later_than_ms)
            of_exports = update(exports).where(is_late).values(next_at=to_ms)
            return connection.execute(of_calls).rowcount + connection.execute(of_exports).rowcount

        return self._database.write(bring)

    def first_receipt(self, project: str, idempotency_key: str, *, received_ms: int) -> int:
        """See `Caretaker.first_receipt`."""
        row = {"project": project, "idempotency_key": idempotency_key, "first_ms": received_ms}

        def keep(connection: Connection) -> int:
            statement = insert(connection.dialect.name, receipts).values(row)
            # An update that changes nothing gives back the row that is there, also one that another collector just committed.
            kept = statement.on_conflict_do_update(
                index_elements=["project", "idempotency_key"], set_={"first_ms": receipts.c.first_ms}
            )
            return connection.execute(kept.returning(receipts.c.first_ms)).scalar_one()

        return self._database.write(keep)

    def forget_receipts(self, *, before_ms: int) -> int:
        """See `Caretaker.forget_receipts`."""
        statement = delete(receipts).where(receipts.c.first_ms < before_ms)
        return self._database.write(lambda connection: connection.execute(statement).rowcount)
