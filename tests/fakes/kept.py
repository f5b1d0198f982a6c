"""
What keeping has to hold to: which rows refer to nothing, and short ways to fill a store for it.

Flow: keeping's tests -> **these questions** -> a database of either engine.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from collector.events import Blob
from collector.storage.protocols import Store
from tests.end_to_end.database import query
from tests.fakes.stored import NOW_MS, append, claim, event, settlement

CHILDREN = ("spans", "tool_calls", "token_usage", "call_health", "call_work", "exports")
DAY_MS = 86_400_000
OLD_MS = NOW_MS - 100 * DAY_MS

_NO_CALL = (
    "SELECT count(*) AS n FROM {table} AS t WHERE t.project <> '' AND NOT EXISTS"
    " (SELECT 1 FROM calls AS c WHERE c.project = t.project AND c.request_id = t.request_id)"
)
_DANGLING = {
    **{f"{table} without a call": _NO_CALL.format(table=table) for table in CHILDREN},
    "calls without an event": (
        "SELECT count(*) AS n FROM calls AS c WHERE NOT EXISTS (SELECT 1 FROM events AS e WHERE e.project = c.project"
        " AND e.request_id = c.request_id) AND NOT EXISTS (SELECT 1 FROM events AS e WHERE e.project = c.project"
        " AND e.request_id = c.parent_request_id)"
    ),
    "events without their call": (
        "SELECT count(*) AS n FROM events AS e WHERE e.request_id IS NOT NULL AND e.project <> '' AND NOT EXISTS"
        " (SELECT 1 FROM calls AS c WHERE c.project = e.project AND c.request_id = e.request_id)"
    ),
    "references without an event": (
        "SELECT count(*) AS n FROM blob_refs AS r WHERE NOT EXISTS (SELECT 1 FROM events AS e WHERE e.project = r.project"
        " AND e.timestamp = r.timestamp AND e.event_id = r.event_id)"
    ),
    "references without media": (
        "SELECT count(*) AS n FROM blob_refs AS r WHERE NOT EXISTS (SELECT 1 FROM blobs AS b WHERE b.project = r.project"
        " AND b.sha256 = r.sha256)"
    ),
    "media without a reference": (
        "SELECT count(*) AS n FROM blobs AS b WHERE NOT EXISTS (SELECT 1 FROM blob_refs AS r WHERE b.project = r.project"
        " AND b.sha256 = r.sha256)"
    ),
    "calls without their resource": (
        "SELECT count(*) AS n FROM calls AS c WHERE NOT EXISTS (SELECT 1 FROM resources AS r WHERE r.project = c.project"
        " AND r.resource_id = c.resource_id)"
    ),
    "events without their resource": (
        "SELECT count(*) AS n FROM events AS e WHERE e.project <> '' AND NOT EXISTS (SELECT 1 FROM resources AS r"
        " WHERE r.project = e.project AND r.resource_id = e.resource_id)"
    ),
}


def dangling(url: str) -> dict[str, int]:
    """What refers to nothing, and how many rows; empty where all is well."""
    parts = (f"SELECT '{name}' AS name, n FROM ({statement}) AS found" for name, statement in _DANGLING.items())
    return {row["name"]: int(row["n"]) for row in query(url, " UNION ALL ".join(parts)) if row["n"]}


def rows(url: str, *tables: str, project: str = "p") -> dict[str, int]:
    """How many rows of a project tables have."""
    parts = (f"SELECT '{table}' AS name, count(*) AS n FROM {table} WHERE project = '{project}'" for table in tables)
    return {row["name"]: int(row["n"]) for row in query(url, " UNION ALL ".join(parts))}


def media(content: bytes) -> Blob:
    """Media, named by its content."""
    return Blob(sha256=hashlib.sha256(content).hexdigest(), media_type="image/png", content=content)


def showing(blob: Blob) -> dict[str, Any]:
    """A payload that refers to media."""
    return {"images": [{"b64Json": {"$blob": f"sha256:{blob.sha256}", "mediaType": blob.media_type, "bytes": len(blob.content)}}]}


def old_call(
    store: Store,
    name: str,
    *,
    at_ms: int = OLD_MS,
    settled: bool = True,
    blob: Blob | None = None,
    project: str = "p",
    **more: Any,
) -> None:
    """A call of two events that came at `at_ms`; settled unless told otherwise, and exported where `destinations` say so."""
    columns: Mapping[str, Any] = {"request_id": name, "timestamp": at_ms, "received_at": at_ms, **more.pop("columns", {})}
    payload = {} if blob is None else showing(blob)
    events = (event(f"{name}-1", **columns), event(f"{name}-2", payload=payload, **columns, type="text:request:completed"))
    blobs = () if blob is None else (blob,)
    append(store, *events, start=True, terminal=True, received_ms=int(columns["received_at"]), blobs=blobs, project=project)
    if settled:
        claims = [one for one in claim(store, now_ms=NOW_MS, lease_ms=1) if one.request_id == name]
        changes = {"start_ms": float(at_ms), "tools": ("search",), **more}
        store.settle_calls([settlement(one, **changes) for one in claims], now_ms=at_ms)
