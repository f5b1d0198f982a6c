"""
The use cases of reading: one call whole, a trace, a blob.

Flow: api -> **here** -> storage (Reader). What is not in the asker's project does not exist for them.
"""

from typing import Any

from collector.errors import BadRequest, NotFound
from collector.fields import bounded
from collector.query.parameters import clean_text
from collector.storage.protocols import Reader

FIRST_EVENTS = 1000
"""How many events of a call come with it."""


def read_call(reader: Reader, project: str, request_id: str, *, cursor: str | None) -> dict[str, Any]:
    """The call's row, its spans, tools, usage, health and exports, and a page of its events. Raises NotFound."""
    request_id = bounded(_known("request_id", request_id))
    row = reader.call(project, request_id)
    if row is None:
        raise NotFound("no call with this request id in this project; `GET /v1/calls` lists what there is")
    page = reader.call_events(project, request_id, limit=FIRST_EVENTS, cursor=clean_text("cursor", cursor))
    details = reader.call_details(project, request_id)
    return {"call": row, **details, "events": {"items": page.items, "next_cursor": page.next_cursor}}


def read_trace(reader: Reader, project: str, trace_id: str) -> dict[str, Any]:
    """A trace's spans, calls and run events. Raises NotFound."""
    found = reader.trace(project, _known("trace_id", trace_id).lower())
    if not found["spans"] and not found["calls"]:
        raise NotFound("no trace with this id in this project; a call's `trace_id` names its trace")
    return {"trace_id": trace_id.lower(), **found}


def read_blob(reader: Reader, project: str, digest: str) -> tuple[str, bytes]:
    """Media type and bytes, by `<hex>` or `sha256:<hex>`. Raises NotFound, BadRequest."""
    sha256 = digest.removeprefix("sha256:").lower()
    if len(sha256) != 64 or not all(char in "0123456789abcdef" for char in sha256):
        raise BadRequest("sha256: not a SHA-256. Give the 64 hexadecimal digits of a `$blob`.")
    blob = reader.blob(project, sha256)
    if blob is None:
        raise NotFound("no media with this digest in this project")
    return blob


def _known(name: str, value: str) -> str:
    text = clean_text(name, value)
    if text is None:
        raise NotFound(f"{name} is empty")
    return text
