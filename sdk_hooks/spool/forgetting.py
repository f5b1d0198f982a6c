"""
Take the events of a user, a session or a client out of the spool.

Flow: `python -m sdk_hooks.spool forget` -> **forgetting** -> segments.
What a live process holds stays, and is told: `flush` delivers it, then the collector's own `forget` finds it.
"""

import os
from collections.abc import Callable
from contextlib import suppress as ignoring
from typing import Any, NamedTuple

from sdk_hooks.encoding import encode_batch, encode_event
from sdk_hooks.spool.reading import inflated, opened, scan
from sdk_hooks.spool.records import RECORD_BYTES, encode_head, encode_record, is_whole
from sdk_hooks.spool.segments import Segment, claim, list_segments

Event = dict[str, Any]
_UNFINISHED = ".part"


class Forgotten(NamedTuple):
    """What was done, and what could not be."""

    event_count: int
    changed_files: int
    held_files: int


def forget(folder: str, *, user_id: str | None = None, session_id: str | None = None, client_id: str | None = None) -> Forgotten:
    """Remove every event that has one of these ids. What can't be read is removed with its file: nobody knows what is in it."""
    wanted = {name: value for name, value in (("userId", user_id), ("sessionId", session_id), ("clientId", client_id)) if value}

    def is_wanted(event: Event) -> bool:
        return any(event.get(name) == value for name, value in wanted.items())

    removed = changed = held = 0
    for found in list_segments(folder) if wanted else []:
        try:
            segment = claim(found.path)
        except FileNotFoundError:
            continue
        except OSError:
            segment = None
        if segment is None:
            held += 1
            continue
        count = _forget_in(segment, is_wanted)
        removed += count
        changed += count > 0
    return Forgotten(removed, changed, held)


def _forget_in(segment: Segment, is_wanted: Callable[[Event], bool]) -> int:
    """Write the file anew without these events, and put it in the old one's place."""
    records: list[bytes] = []
    removed = 0
    end = segment.start
    try:
        for offset, record in scan(segment):
            end = offset + RECORD_BYTES + record.length
            if record.is_done:
                continue
            body = segment.read(offset + RECORD_BYTES, record.length)
            found = opened(inflated(record, body)) if is_whole(record, body) else None
            kept = [event for event in found[1] if not is_wanted(event)] if found is not None else []
            removed += record.event_count - len(kept)
            if found is not None and kept:
                records.append(_encoded(found[0], kept))
        # What was delivered, and a torn tail, may hold the same text: they go with it.
        if removed or end != segment.end or any(record.is_done for _, record in scan(segment)):
            _replace(segment, records)
    finally:
        segment.close()
    return removed


def _encoded(resource: Event, events: list[Event]) -> bytes:
    batch = encode_batch(encode_event(resource), [encode_event(event) for event in events])
    return encode_record(batch.body, is_gzip=batch.is_gzip, count=batch.event_count, prefix_bytes=batch.prefix_bytes)


def _replace(segment: Segment, records: list[bytes]) -> None:
    if not records:
        segment.remove()
        return
    unfinished = segment.path + _UNFINISHED
    with ignoring(FileNotFoundError):
        os.unlink(unfinished)
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(file, "wb") as new:
        new.write(encode_head(segment.about) + b"".join(records))
        new.flush()
        os.fsync(new.fileno())
    os.replace(unfinished, segment.path)
