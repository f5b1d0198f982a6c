"""
A segment back into batches: whole records up to a tear, each once.

Flow: segments -> **reading** -> own, leftovers -> delivery.
Small records of one resource go out as one POST: an hour of an absent collector is thousands of them.
"""

from typing import Any, NamedTuple, cast

from sdk_hooks.encoding import Batch, encode_batch, encode_event, pack
from sdk_hooks.loss_counts import Losses
from sdk_hooks.spool.records import DONE, RECORD_BYTES, STATE_OFFSET, Record, decode_record, is_whole
from sdk_hooks.spool.segments import Segment

_BODY_END = b"]}"


class _Taken(NamedTuple):
    offset: int
    after: int
    record: Record
    body: bytes


class _Split(NamedTuple):
    """A record that is too large for one POST, event by event."""

    offset: int
    resource: bytes
    events: list[bytes]


class Reader:
    """The records of one segment that wait, oldest first. `batch`, then `release` when the collector has it."""

    def __init__(self, segment: Segment, losses: Losses) -> None:
        self.segment = segment
        self._losses = losses
        self._next = segment.start
        self._taken: list[int] = []
        self._split: _Split | None = None
        self._split_count = 0
        self._count: int | None = None

    def waiting(self) -> int:
        """How many events wait. Reads the heads of all records the first time; at least one where that fails."""
        if self._count is None:
            try:
                self._count = sum(record.event_count for _, record in scan(self.segment) if not record.is_done)
            except OSError:
                return 1
        return self._count

    @property
    def is_over(self) -> bool:
        """Everything up to the end of the file is done with."""
        return self._split is None and self._next >= self.segment.end

    def added(self, count: int) -> None:
        """A record of so many events was appended."""
        if self._count is not None:
            self._count += count

    def batch(self, max_events: int, max_bytes: int, *, joins: bool = True) -> Batch | None:
        """The oldest events that wait, as one POST; None when none do. Without `joins` just one record, as it was written."""
        if self._split is not None:
            return self._part(self._split, max_events)
        first = self._whole(self._next)
        if first is None:
            return None
        if first.record.event_count > max_events and (split := _split(first)) is not None:
            self._split = split
            return self._part(split, max_events)
        return self._together(first, max_events if joins else 0, max_bytes)

    def release(self) -> None:
        """What `batch` gave last is done with: delivered, or refused for good."""
        if self._split is not None:
            self._release_part(self._split)
            return
        for offset in self._taken:
            self._mark(offset)
        self._taken = []

    def _together(self, first: _Taken, max_events: int, max_bytes: int) -> Batch:
        """The first record, and those after it as long as there is room."""
        record = first.record
        alone = Batch(first.body, record.is_gzip, record.event_count, record.prefix_bytes)
        self._taken = [first.offset]
        last, count, size = first, record.event_count, 0
        pieces: list[bytes] = []
        while count * 2 <= max_events and (more := self._whole(last.after, most=max_events - count)) is not None:
            if not pieces:
                pieces = [_text(first)]
                size = len(pieces[0])
            text = _text(more)
            size += len(text)
            if size > max_bytes or not _is_alike(pieces[0], text, record.prefix_bytes, more.record.prefix_bytes):
                break
            pieces.append(text)
            self._taken.append(more.offset)
            last, count = more, count + more.record.event_count
        if len(pieces) < 2:
            return alone
        events = b",".join(text[record.prefix_bytes : -len(_BODY_END)] for text in pieces)
        return pack(pieces[0][: record.prefix_bytes] + events + _BODY_END, count, record.prefix_bytes)

    def _whole(self, offset: int, most: int | None = None) -> _Taken | None:
        """
        The next record that waits. What is torn on the way is counted and left behind.

        With `most` one only looks ahead: nothing is counted, and a record of more events, or a torn one, is none.
        """
        is_ahead = most is not None
        while offset < self.segment.end:
            record = decode_record(self.segment.read(offset, RECORD_BYTES))
            if record is None:
                return None if is_ahead else self._tear(1, self.segment.end)
            after = offset + RECORD_BYTES + record.length
            if not record.is_done:
                if most is not None and record.event_count > most:
                    return None
                body = self.segment.read(offset + RECORD_BYTES, record.length)
                if is_whole(record, body):
                    return _Taken(offset, after, record, body)
                if is_ahead:
                    return None
                self._tear(record.event_count, after)
            offset = after
            if not is_ahead:
                self._next = offset
        return None

    def _tear(self, count: int, offset: int) -> None:
        self._losses.count("spool_torn", max(1, count))
        self._next = offset
        self._less(count)

    def _mark(self, offset: int) -> None:
        record = decode_record(self.segment.read(offset, RECORD_BYTES))
        self.segment.overwrite(offset + STATE_OFFSET, bytes((DONE,)))
        if record is not None:
            self._less(record.event_count)
            self._next = max(self._next, offset + RECORD_BYTES + record.length)

    def _part(self, split: _Split, max_events: int) -> Batch:
        part = split.events[:max_events]
        self._split_count = len(part)
        return encode_batch(split.resource, part)

    def _release_part(self, split: _Split) -> None:
        del split.events[: self._split_count]
        if not split.events:
            self._split = None
            self._mark(split.offset)

    def _less(self, count: int) -> None:
        if self._count is not None:
            self._count = max(0, self._count - count)


def scan(segment: Segment) -> list[tuple[int, Record]]:
    """Offset and head of every record up to the first that makes no sense; bodies are not read."""
    found: list[tuple[int, Record]] = []
    offset = segment.start
    while (record := decode_record(segment.read(offset, RECORD_BYTES))) is not None:
        found.append((offset, record))
        offset += RECORD_BYTES + record.length
    return found


def inflated(record: Record, body: bytes) -> bytes:
    """The body as JSON text."""
    if not record.is_gzip:
        return body
    import zlib

    return zlib.decompress(body, 31)


def opened(text: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    """Resource and events of a body; None where it is something else."""
    import json

    try:
        found: Any = json.loads(text)
        return cast("tuple[dict[str, Any], list[dict[str, Any]]]", (found["resource"], list(found["events"])))
    except (ValueError, KeyError, TypeError):
        return None


def _split(taken: _Taken) -> _Split | None:
    found = opened(inflated(taken.record, taken.body))
    if found is None:
        return None
    resource, events = found
    return _Split(taken.offset, encode_event(resource), [encode_event(event) for event in events])


def _text(taken: _Taken) -> bytes:
    return inflated(taken.record, taken.body)


def _is_alike(first: bytes, other: bytes, prefix_bytes: int, other_prefix_bytes: int) -> bool:
    """Both are whole bodies of the same resource."""
    return (
        prefix_bytes == other_prefix_bytes
        and other.startswith(first[:prefix_bytes])
        and first.endswith(_BODY_END)
        and other.endswith(_BODY_END)
    )
