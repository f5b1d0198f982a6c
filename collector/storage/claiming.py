"""
Calls to assemble: claim them, load what assembly needs, give them back.

Flow: pipeline -> **CallWork** -> call_work -> ClaimedCall ; loading -> CallClaim -> assembly.
Where several collectors share a database a claim is one short write; where only this process works on it, the claim is kept in
memory. Either way events are read afterwards, on a reading connection, which may be another process's.
"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    and_,
    bindparam,
    func,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from collector.storage.database import StorePart
from collector.storage.held import Held
from collector.storage.loading import Loader
from collector.storage.outbox import ExportClaim, SpanLease
from collector.storage.protocols import CallClaim, CallSettlement, ClaimedCall
from collector.storage.settling import settle
from collector.storage.sqlite_answers import fetch
from collector.storage.tables import call_work, calls
from collector.storage.touches import Key, are_of, mark_dirty

APART_MS = 600_000
"""Longer than any step of removing takes."""


class CallWork(StorePart):
    """The calls' half of `WorkQueue`."""

    def __init__(self, *args: Any, settle_ms: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._settle_ms = settle_ms
        self._loader = Loader()
        self._held: Held[Key] | None = None if self._database.engine.is_shared else Held()
        self._in_hand: set[Key] = set()
        """What the workers have of `_held`; removing holds calls there too."""

    def claim_calls(self, *, owner: str, now_ms: int, lease_ms: int, limit: int) -> list[ClaimedCall]:
        """See `WorkQueue.claim_calls`."""
        if self._held is not None:
            return self._hold(self._held, now_ms, lease_ms, limit)
        return self._database.write(lambda connection: _lease(connection, owner, now_ms, lease_ms, limit))

    def load_calls(self, claimed: Sequence[ClaimedCall], *, now_ms: int) -> list[CallClaim]:
        """See `WorkQueue.load_calls`."""
        if not claimed:
            return []
        with self._database.reading() as connection:
            return self._loader.load(connection, claimed, now_ms)

    def _hold(self, held: Held[Key], now_ms: int, lease_ms: int, limit: int) -> list[ClaimedCall]:
        with held.claiming(now_ms) as taken, self._database.reading() as connection:
            rows = fetch(connection, _DUE, (now_ms, limit + len(taken)))
            free = [(project, request_id, dirty) for project, request_id, dirty in rows if (project, request_id) not in taken]
            claimed = [ClaimedCall(project=one[0], request_id=one[1], dirty=one[2]) for one in free[:limit]]
            keys = [(one.project, one.request_id) for one in claimed]
            taken.update(dict.fromkeys(keys, now_ms + lease_ms))
            self._in_hand.update(keys)
        return claimed

    def settle_calls(
        self, settlements: Sequence[CallSettlement], *, now_ms: int, leased: SpanLease | None = None
    ) -> list[ExportClaim]:
        """See `WorkQueue.settle_calls`."""
        if not settlements:
            return []
        claims = self._database.write(
            lambda connection: settle(connection, settlements, now_ms=now_ms, settle_ms=self._settle_ms, leased=leased)
        )
        self._let_go([(one.project, one.request_id) for one in settlements])
        return claims

    def release_calls(self, keys: Sequence[Key], *, retry_at_ms: int) -> None:
        """See `WorkQueue.release_calls`."""
        statement = (
            update(call_work)
            .where(are_of(call_work.c.project, call_work.c.request_id, keys))
            .values(due_ms=retry_at_ms, lease_owner=None, lease_until_ms=None)
        )
        if keys:
            self._database.write(lambda connection: connection.execute(statement))
            self._let_go(keys)

    def free_calls(self, *, owner: str) -> None:
        """See `WorkQueue.free_calls`."""
        if self._held is not None:
            self._held.release(self._in_hand)
            self._in_hand.clear()
            return
        statement = update(call_work).where(call_work.c.lease_owner == owner).values(lease_owner=None, lease_until_ms=None)
        self._database.write(lambda connection: connection.execute(statement))

    def _let_go(self, keys: Sequence[Key]) -> None:
        if self._held is not None:
            self._held.release(keys)
            self._in_hand.difference_update(keys)

    @contextmanager
    def _apart_from_workers(self, keys: Iterable[Key], *, now_ms: int) -> Generator[set[Key]]:
        """Those of the calls that no worker of this process has in hand; none gets them before the end of the block."""
        if self._held is None:
            yield set(keys)
            return
        with self._held.claiming(now_ms) as taken:
            free = set(keys) - taken.keys()
            taken.update(dict.fromkeys(free, now_ms + APART_MS))
        try:
            yield free
        finally:
            self._held.release(free)

    def mark_all_dirty(self, *, project: str | None, request_id: str | None, now_ms: int) -> int:
        """See `WorkQueue.mark_all_dirty`."""
        of_project = calls.c.project == project if project is not None else true()
        of_request = calls.c.request_id == request_id if request_id is not None else true()
        which = and_(of_project, of_request)
        return self._database.write(lambda connection: mark_dirty(connection, which, received_ms=now_ms, settle_ms=0))

    def next_due_ms(self, *, now_ms: int) -> int | None:
        """See `WorkQueue.next_due_ms`."""
        with self._database.reading() as connection:
            found = self._calls_due_ms(connection, now_ms)
        return min((at for at in found if at is not None), default=None)

    def _calls_due_ms(self, connection: Connection, now_ms: int) -> list[int | None]:
        """When the next call that is free is due, and when the next claim ends."""
        if self._held is None:
            return list(connection.execute(_DUE_OR_LEASED, {"now_ms": now_ms}).one())
        held = {key: until_ms for key, until_ms in self._held.now().items() if until_ms > now_ms}
        rows = connection.execute(_NEXT, {"most": len(held) + 1})
        free = next((due_ms for project, request_id, due_ms in rows if (project, request_id) not in held), None)
        return [free, min(held.values(), default=None)]


def _due_or_leased() -> Select[Any, Any]:
    is_leased = call_work.c.lease_until_ms > bindparam("now_ms", type_=BigInteger)
    free = select(func.min(call_work.c.due_ms)).where(or_(call_work.c.lease_until_ms.is_(None), ~is_leased))
    leased = select(func.min(call_work.c.lease_until_ms)).where(is_leased)
    return select(free.scalar_subquery(), leased.scalar_subquery())


_DUE_OR_LEASED = _due_or_leased()
# For SQLite only: see `sqlite_answers`.
_DUE = """
    SELECT group_concat(json_array(project, request_id, dirty))
    FROM (SELECT project, request_id, dirty FROM call_work WHERE due_ms <= ? ORDER BY due_ms, request_id LIMIT ?)
"""
_NEXT = (
    select(call_work.c.project, call_work.c.request_id, call_work.c.due_ms)
    .order_by(call_work.c.due_ms, call_work.c.request_id)
    .limit(bindparam("most"))
)


def _key_of(table: Any) -> Any:
    return tuple_(table.c.project, table.c.request_id)


# Built once: building it costs as much as a commit.
@cache
def _lease_statement() -> ReturningUpdate[Any, Any, Any, Any]:
    now_ms = bindparam("now_ms", type_=BigInteger)
    is_free = or_(call_work.c.lease_until_ms.is_(None), call_work.c.lease_until_ms <= now_ms)
    due = (
        select(call_work.c.project, call_work.c.request_id)
        .where(call_work.c.due_ms <= now_ms, is_free)
        .order_by(call_work.c.due_ms, call_work.c.request_id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    return (
        update(call_work)
        .where(_key_of(call_work).in_(select(due.c.project, due.c.request_id)))
        .values(lease_owner=bindparam("owner"), lease_until_ms=bindparam("until_ms"))
        .returning(call_work.c.due_ms, call_work.c.project, call_work.c.request_id, call_work.c.dirty)
    )


def _lease(connection: Connection, owner: str, now_ms: int, lease_ms: int, limit: int) -> list[ClaimedCall]:
    """The claimed calls, oldest due first."""
    values = {"owner": owner, "now_ms": now_ms, "until_ms": now_ms + lease_ms, "most": limit}
    found = sorted(tuple(row) for row in connection.execute(_lease_statement(), values))
    return [ClaimedCall(project=project, request_id=request_id, dirty=dirty) for _, project, request_id, dirty in found]
