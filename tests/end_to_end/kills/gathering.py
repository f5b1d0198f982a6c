"""
What the database says after the rounds, read by the drivers alone, none of our code.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tests.end_to_end.database import count, query
from tests.end_to_end.kills.backend import Backend
from tests.end_to_end.kills.senders import Acknowledged
from tests.end_to_end.kills.verdict import Found, Kill, StoredCall

_OF_HOST = re.compile(r"([0-9a-f]{24})-(\d+)")
"""The event ids that our client makes: its process's prefix and a sequence without gaps."""
_ENDED = "SELECT DISTINCT request_id FROM events WHERE type = 'text:request:completed'"
_OPEN = f"SELECT count(*) FROM calls WHERE status = 'running' AND request_id IN ({_ENDED})"
_PENDING = "SELECT count(*) FROM exports WHERE state = 'pending'"


def exported_spans(store_url: str) -> frozenset[str]:
    """The spans whose export is committed."""
    return frozenset(row["span"] for row in query(store_url, "SELECT span FROM exports WHERE state = 'done'"))


def is_worked_off(store_url: str) -> bool:
    """Nothing is left to assemble or to send, but for calls without an end."""
    return count(store_url, _OPEN) == 0 and count(store_url, _PENDING) == 0


def gather(store_url: str, acknowledged: Acknowledged, backend: Backend, kills: Sequence[Kill]) -> Found:
    """Everything that the verdict needs."""
    event_ids = [row["event_id"] for row in query(store_url, "SELECT event_id FROM events")]
    calls = [StoredCall(**row) for row in query(store_url, "SELECT request_id, status, span_id FROM calls")]
    return Found(
        acknowledged=acknowledged.event_ids,
        stored_event_ids=event_ids,
        ended_calls={row["request_id"] for row in query(store_url, _ENDED)},
        calls=calls,
        copies=backend.copies(),
        kills=kills,
        sequences=_sequences(event_ids),
    )


def ended_calls_by_host(store_url: str) -> Mapping[str, int]:
    """How many finished calls of each host process are stored."""
    found: dict[str, int] = defaultdict(int)
    for row in query(store_url, "SELECT tags FROM calls WHERE status = 'ok' AND tags IS NOT NULL"):
        tags: dict[str, Any] = json.loads(row["tags"]) if isinstance(row["tags"], str) else row["tags"]
        found[str(tags.get("host"))] += 1
    return found


def _sequences(event_ids: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for event_id in event_ids:
        if matched := _OF_HOST.fullmatch(event_id):
            found[matched[1]].append(int(matched[2]))
    return found
