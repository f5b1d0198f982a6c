"""
Bodies for the way in, and what became of them, without HTTP.
"""

import json
from pathlib import Path
from typing import Any

from collector.events import LEFT_IN_COLUMNS, EventRow
from collector.validation import Limits, ReadResult, read_batch

NOW_MS = 1_764_000_000_000
TANSTACK = Path(__file__).parent.parent / "fixtures" / "tanstack"
TANSTACK_FILES = sorted(path.name for path in TANSTACK.glob("*.jsonl"))


def read(
    body: bytes | str, *, media: str = "json", project: str = "default", key: str | None = None, **limits: int
) -> ReadResult:
    """`read_batch` at NOW_MS."""
    data = body.encode() if isinstance(body, str) else body
    assert media in ("json", "ndjson")
    return read_batch(data, media=media, project=project, received_ms=NOW_MS, idempotency_key=key, limits=Limits(**limits))  # pyright: ignore[reportArgumentType]


def read_events(*events: Any, **options: Any) -> ReadResult:
    """A JSON array of these."""
    return read(json.dumps(events), **options)


def row_of(event: Any, **options: Any) -> EventRow:
    """The one row that an event becomes."""
    result = read_events(event, **options)
    assert () == result.rejected
    return result.batch.events[0]


def sent_event(row: EventRow) -> dict[str, Any]:
    """The event that a row was made of, but for what was reduced: put together as readers of the database get it."""
    fields = {
        field: getattr(row, column)
        for name in json.loads(row.reduced or "[]")
        for field, column in LEFT_IN_COLUMNS.get(name, {}).items()
        if getattr(row, column) is not None
    }
    return fields | json.loads(row.payload)


def code_of(event: Any, **options: Any) -> str:
    """Why an event is refused."""
    result = read_events(event, **options)
    assert () == result.batch.events
    return result.rejected[0].code


def event(**fields: Any) -> dict[str, Any]:
    """A small good event with an id and a time."""
    return {"type": "text:request:started", "eventId": "host-1", "timestamp": NOW_MS, "requestId": "r1", **fields}


def tanstack_lines(name: str) -> list[bytes]:
    """The bus messages of a recorded file."""
    return (TANSTACK / name).read_bytes().strip().split(b"\n")
