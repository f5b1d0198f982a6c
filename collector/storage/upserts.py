"""
Inserts that may be repeated, and what a batch carries beside its events and calls.

Flow: batches, settling -> **insert** -> any table ; batches -> **store_beside** -> resources, blobs, blob_refs, hook_states.
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from collector.events import Batch
from collector.storage import sqlite_inserts
from collector.storage.tables import blob_refs, blobs, hook_states, resources

Insert = sqlite.Insert | postgresql.Insert
Names = tuple[str, ...]
Rows = Sequence[Sequence[Any]]

BLOB_MARK = re.compile(r'"\$blob": ?"sha256:([0-9a-f]{64})"')
"""How a row's payload names media that were lifted out of it."""

_INSERTS = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert(engine: str, table: Table) -> Insert:
    """An INSERT of an engine's dialect, which knows ON CONFLICT."""
    return _INSERTS[engine](table)


def named(rows: Sequence[dict[str, Any]]) -> tuple[Names, Rows]:
    """Rows by name, all with the same names in the same order, as the functions below take them."""
    return (tuple(rows[0]), [tuple(row.values()) for row in rows]) if rows else ((), ())


def insert_new(connection: Connection, table: Table, names: Names, rows: Rows) -> None:
    """Insert rows; those whose key exists stay as they are."""
    if rows:
        insert_rows(connection, _insert_new(connection.dialect.name, table), names, rows)


def replace_all(
    connection: Connection, table: Table, names: Names, rows: Rows, *, key: tuple[str, ...], keep: tuple[str, ...] = ()
) -> None:
    """Insert rows; of those whose key exists, set every column that is in the rows but not in `keep`."""
    if rows:
        insert_rows(connection, _replace_all(connection.dialect.name, table, names, key, keep), names, rows)


def insert_rows(
    connection: Connection, statement: Insert, names: Names, rows: Rows, *, filler: Sequence[Any] | None = None
) -> None:
    """
    Run an INSERT with rows of these columns, the quickest way that the engine has.

    It may be quicker with a `filler`, a row that changes nothing when it comes, any number of times, behind the last one.
    """
    if isinstance(statement, sqlite.Insert):
        sqlite_inserts.insert_rows(connection, statement, names, rows, filler)
    else:
        # Its driver is large, and the other engine needs none of it.
        from collector.storage import postgresql_inserts

        postgresql_inserts.insert_rows(connection, statement, names, rows)


# Building a statement costs as much as a commit, so each is built once: they depend on the table and the engine alone.
@cache
def _insert_new(engine: str, table: Table) -> Insert:
    return insert(engine, table).on_conflict_do_nothing()


@cache
def _replace_all(engine: str, table: Table, names: tuple[str, ...], key: tuple[str, ...], keep: tuple[str, ...]) -> Insert:
    statement = insert(engine, table)
    changed = {name: statement.excluded[name] for name in names if name not in {*key, *keep}}
    return statement.on_conflict_do_update(index_elements=list(key), set_=changed)


def store_beside(connection: Connection, batches: Sequence[Batch]) -> None:
    """Resources, blobs and hook states of batches. Sorted by key, so that two collectors never wait for each other in a ring."""
    # Most of them are the same sender's.
    seen = {(b.project, b.resource.resource_id): b for b in reversed(batches)}
    insert_new(connection, resources, *named([_resource(seen[key]) for key in sorted(seen)]))
    media = {(b.project, blob.sha256): _blob(b, i) for b in batches for i, blob in enumerate(b.blobs)}
    insert_new(connection, blobs, *named(_sorted(media)))
    if media or any(batch.refs for batch in batches):
        insert_new(connection, blob_refs, ("project", "sha256", "timestamp", "event_id"), _blob_refs(batches))
    _store_hook_states(connection, batches)


def _blob_refs(batches: Sequence[Batch]) -> Rows:
    """Which event refers to which media and messages; media are found in the rows, since only few POSTs bring any."""
    referred = {
        (batch.project, sha256, batch.events[refs.place].timestamp, batch.events[refs.place].event_id)
        for batch in batches
        for refs in batch.refs
        for sha256 in refs.sha256s
    }
    found = {
        (batch.project, sha256, row.timestamp, row.event_id)
        for batch in batches
        if batch.blobs
        for row in batch.events
        for sha256 in BLOB_MARK.findall(row.payload)
    }
    return sorted(found | referred)


def _store_hook_states(connection: Connection, batches: Sequence[Batch]) -> None:
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for batch in batches:
        for state in batch.hook_states:
            key = (batch.project, state.hook_id)
            held = newest.get(key)
            if held is None or (held["timestamp"], held["sequence"]) < (state.timestamp, state.sequence):
                newest[key] = {
                    "project": batch.project,
                    "hook_id": state.hook_id,
                    "timestamp": state.timestamp,
                    "sequence": state.sequence,
                    "state": state.state,
                }
    if not newest:
        return
    insert_rows(connection, _keep_newest_state(connection.dialect.name), *named(_sorted(newest)))


@cache
def _keep_newest_state(engine: str) -> Insert:
    statement = insert(engine, hook_states)
    new = statement.excluded
    is_newer = tuple_(hook_states.c.timestamp, hook_states.c.sequence) < tuple_(new.timestamp, new.sequence)
    changed = {name: new[name] for name in ("timestamp", "sequence", "state")}
    return statement.on_conflict_do_update(index_elements=["project", "hook_id"], set_=changed, where=is_newer)


def _sorted(rows: dict[tuple[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
    return [rows[key] for key in sorted(rows)]


def _resource(batch: Batch) -> dict[str, Any]:
    return {
        "project": batch.project,
        "resource_id": batch.resource.resource_id,
        "service": batch.resource.service,
        "attributes": json.dumps(dict(batch.resource.attributes), ensure_ascii=False, separators=(",", ":")),
        "first_seen_ms": batch.received_ms,
    }


def _blob(batch: Batch, index: int) -> dict[str, Any]:
    blob = batch.blobs[index]
    return {
        "project": batch.project,
        "sha256": blob.sha256,
        "media_type": blob.media_type,
        "bytes": len(blob.content),
        "created_ms": batch.received_ms,
        "content": b"" if blob.is_message else blob.content,
        "text": blob.content.decode() if blob.is_message else None,
    }
