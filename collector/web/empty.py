"""
The empty state: how to connect a client to this collector, and why nothing may be arriving.

Flow: the first page without a call -> **Diagnosis** -> list/empty.html.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import Request

from collector.api.asked import Asked
from collector.storage.protocols import EventFilter

_REASONS: Final[Mapping[str, str]] = {
    "NotAuthenticated": "no key, or an unknown one",
    "NotAllowed": "the key lacks the scope `ingest`, or Host or Origin are not allowed",
    "BadRequest": "the body is not JSON",
    "UnsupportedMedia": "the media type or encoding is not read",
    "TooLarge": "too large",
    "StoreBusy": "too much waited for a commit; clients try again",
    "StoreUnavailable": "the database was away; clients try again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What can be said while there is no call."""

    url: str
    """Under which the browser reaches this collector, so that a client can too."""
    needs_key: bool
    last_event_ms: int | None
    """Receipt of the newest event; events that belong to no call make no row."""
    rejected: tuple[tuple[str, int], ...]
    refused: tuple[tuple[str, int], ...]
    """Whole requests that were turned away, by reason."""


def diagnose(asked: Asked, request: Request) -> Diagnosis:
    """Why the list is empty, as far as the collector can know."""
    parts = asked.parts
    newest = parts.store.events(EventFilter(project=asked.project, limit=1)).items
    host = request.headers.get("host", "127.0.0.1:4319")
    return Diagnosis(
        url=f"{request.url.scheme}://{host}",
        needs_key=parts.access.needs_key(),
        last_event_ms=int(newest[0]["received_at"]) if newest else None,
        rejected=tuple(sorted(parts.metrics.rejected_by_code().items())),
        refused=tuple((_REASONS.get(why, why), number) for why, number in sorted(parts.metrics.refused_by_reason().items())),
    )
