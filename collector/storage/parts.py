"""
Calls that are a part of another call's stream, such as an image: they have no events of their own.

Flow: claiming, event_reads -> **parts** -> events of the stream.
Such a call is named `<requestId of the stream>/<id of the part>`, and the stream is its parent.
"""

import json
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, select

from collector.storage.tables import calls, events


def stream_of_part(call: Any) -> tuple[str, str] | None:
    """The (project, requestId) of the stream whose part a call's row may be, by its name; None for other calls."""
    parent = call.parent_request_id
    return (call.project, parent) if parent and call.request_id.startswith(f"{parent}/") else None


def events_of_call(connection: Connection, project: str, request_id: str) -> ColumnElement[bool]:
    """The rows that tell of a call: its own, or those of its stream that name it."""
    own = and_(events.c.request_id == request_id, events.c.project == project)
    if "/" not in request_id:
        return own
    row: Any = connection.execute(
        select(calls.c.project, calls.c.request_id, calls.c.parent_request_id).where(
            calls.c.project == project, calls.c.request_id == request_id, ~exists().where(own)
        )
    ).one_or_none()
    stream = None if row is None else stream_of_part(row)
    if stream is None:
        return own
    part = json.dumps(request_id.removeprefix(f"{stream[1]}/"), ensure_ascii=False)
    return and_(events.c.request_id == stream[1], events.c.project == project, events.c.payload.contains(part, autoescape=True))
