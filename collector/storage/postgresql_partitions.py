"""
Partitions of events by time: made ahead, dropped whole.

Flow: upkeep -> PostgresqlEngine -> **make_partitions**, **drop_empty_partitions** -> events.
What lies outside of all ranges, by a clock that is far off or because nobody made partitions for weeks, is in the default
partition; a new range takes along what is there of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

DAY_MS = 86_400_000
AHEAD = 2
"""So many ranges beyond the present one."""
LOCK_TIMEOUT_MS = 1_000
"""Whoever waits for a lock on `events` keeps all others waiting behind it: better to try again later."""

_MAKER = 0x686B_0004 << 32
_BOUNDS = re.compile(r"FOR VALUES FROM \((?:MINVALUE|'(-?\d+)')\) TO \((?:MAXVALUE|'(-?\d+)')\)")
_LIST = """
    SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'events'::regclass
"""


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """From a time on, up to another one, exclusive. None: without a bound."""

    from_ms: int | None
    until_ms: int | None


def ranges_to_make(existing: Sequence[Range], *, now_ms: int, width_ms: int) -> list[Range]:
    """What is missing from now on, in a row; the first one may be shorter, so that it fits between those that are there."""
    missing: list[Range] = []
    at_ms, end_ms = now_ms, (now_ms // width_ms + 1 + AHEAD) * width_ms
    while at_ms < end_ms:
        here = next((one for one in existing if _holds(one, at_ms)), None)
        if here is not None:
            if here.until_ms is None:
                break
            at_ms = here.until_ms
            continue
        before = [one.until_ms for one in existing if one.until_ms is not None and one.until_ms <= at_ms]
        behind = [one.from_ms for one in existing if one.from_ms is not None and one.from_ms > at_ms]
        aligned_ms = at_ms // width_ms * width_ms
        made = Range(max([aligned_ms, *before]), min([aligned_ms + width_ms, *behind]))
        missing.append(made)
        at_ms = made.until_ms or end_ms
    return missing


def make_partitions(connection: Connection, *, now_ms: int, days: int) -> list[str]:
    """Make what is missing from now on, in the open transaction; their names. Nothing where another collector is at it."""
    run = connection.exec_driver_sql
    run(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
    if not run(f"SELECT pg_try_advisory_xact_lock({_MAKER})").scalar():
        return []
    missing = ranges_to_make(list(listed(connection).values()), now_ms=now_ms, width_ms=days * DAY_MS)
    return [_make(connection, one) for one in missing]


def drop_empty_partitions(connection: Connection, *, before_ms: int) -> list[str]:
    """Drop, in the open transaction, old partitions that retention has emptied, since each costs every query; their names."""
    run = connection.exec_driver_sql
    run(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")

    def is_empty(name: str) -> bool:
        return not run(f'SELECT EXISTS (SELECT 1 FROM "{name}")').scalar()  # noqa: S608

    empty = [name for name in _older(connection, before_ms) if is_empty(name)]
    if empty:
        # First the parent, as whoever writes does; then looked at again, since something may have come in between.
        run("LOCK TABLE ONLY events IN ACCESS EXCLUSIVE MODE")
    dropped = [name for name in empty if is_empty(name)]
    for name in dropped:
        run(f'DROP TABLE "{name}"')
    return dropped


def _older(connection: Connection, before_ms: int) -> list[str]:
    return [name for name, its in listed(connection).items() if its.until_ms is not None and its.until_ms <= before_ms]


def _holds(one: Range, at_ms: int) -> bool:
    return (one.from_ms is None or one.from_ms <= at_ms) and (one.until_ms is None or at_ms < one.until_ms)


def listed(connection: Connection) -> dict[str, Range]:
    """The partitions that have a range: all but the default one."""
    found = [(name, _BOUNDS.fullmatch(bound)) for name, bound in connection.exec_driver_sql(_LIST)]
    return {name: Range(*(int(at) if at else None for at in bounds.groups())) for name, bounds in found if bounds}


def _make(connection: Connection, its: Range) -> str:
    run = connection.exec_driver_sql
    name = f"events_p{datetime.fromtimestamp((its.from_ms or 0) / 1000, UTC):%Y%m%d}"
    # Attaching locks the default partition anyway; from here on nothing can come into it that belongs to the new one.
    run("LOCK TABLE events_default IN ACCESS EXCLUSIVE MODE")
    run(f"CREATE TABLE {name} (LIKE events INCLUDING DEFAULTS, CONSTRAINT {name}_pkey PRIMARY KEY (arrival))")
    moved = f"DELETE FROM events_default WHERE timestamp >= {its.from_ms} AND timestamp < {its.until_ms} RETURNING *"  # noqa: S608
    run(f"WITH moved AS ({moved}) INSERT INTO {name} SELECT * FROM moved")  # noqa: S608
    run(f"ALTER TABLE events ATTACH PARTITION {name} FOR VALUES FROM ({its.from_ms}) TO ({its.until_ms})")
    return name
