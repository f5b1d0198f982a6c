"""
How batches lie in a segment: a head that says for whom, then records, each a whole body of a POST.

Flow: segments, reading -> **records**. Pure.

    segment = head, record, record, …
    head    = "HKSPOOL1", length, CRC-32, JSON
    record  = "HR", state, encoding, events, prefix, length, CRC-32; the body

Everything is little-endian. The state is the one byte that changes in place: it says that the collector has the record.
The checksum covers the rest. `prefix` is where the body's first event begins, so that small bodies can be put together.
"""

from struct import Struct
from typing import Any, NamedTuple, cast

MAGIC = b"HKSPOOL1"
RECORD_MAGIC = b"HR"
WAITING, DONE = 0, 1
PLAIN, GZIP = 0, 1
MAX_BODY_BYTES = 1 << 28

_HEAD = Struct("<8sII")
_RECORD = Struct("<2sBBIIII")
_CHECKED = Struct("<BIII")

HEAD_BYTES = _HEAD.size
RECORD_BYTES = _RECORD.size
STATE_OFFSET = 2


class Record(NamedTuple):
    """One record's head, as read."""

    is_done: bool
    is_gzip: bool
    event_count: int
    prefix_bytes: int
    length: int
    checksum: int


def encode_head(about: dict[str, Any]) -> bytes:
    """The segment's first bytes."""
    import json
    from zlib import crc32

    text = json.dumps(about, separators=(",", ":")).encode()
    return _HEAD.pack(MAGIC, len(text), crc32(text)) + text


def head_length(start: bytes) -> int | None:
    """How long the JSON of the head is; None where this is no segment of ours."""
    if len(start) < HEAD_BYTES:
        return None
    magic, length, _ = _HEAD.unpack_from(start)
    return length if magic == MAGIC and length < 65_536 else None


def decode_head(start: bytes, text: bytes) -> dict[str, Any] | None:
    """What the head says; None where it is torn."""
    import json
    from zlib import crc32

    if crc32(text) != _HEAD.unpack_from(start)[2]:
        return None
    try:
        found: Any = json.loads(text)
    except ValueError:
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def encode_record(body: bytes, *, is_gzip: bool, count: int, prefix_bytes: int) -> bytes:
    """A record that waits, ready to be written."""
    encoding = GZIP if is_gzip else PLAIN
    checksum = _checksum(encoding, count, prefix_bytes, body)
    return _RECORD.pack(RECORD_MAGIC, WAITING, encoding, count, prefix_bytes, len(body), checksum) + body


def decode_record(start: bytes) -> Record | None:
    """The head of a record; None where there is none, or it makes no sense."""
    if len(start) < RECORD_BYTES:
        return None
    magic, state, encoding, count, prefix_bytes, length, checksum = _RECORD.unpack_from(start)
    if magic != RECORD_MAGIC or encoding not in (PLAIN, GZIP) or length > MAX_BODY_BYTES:
        return None
    return Record(state != WAITING, encoding == GZIP, count, prefix_bytes, length, checksum)


def is_whole(record: Record, body: bytes) -> bool:
    """Whether the body is the one that was written."""
    encoding = GZIP if record.is_gzip else PLAIN
    return len(body) == record.length and record.checksum == _checksum(encoding, record.event_count, record.prefix_bytes, body)


def _checksum(encoding: int, count: int, prefix_bytes: int, body: bytes) -> int:
    from zlib import crc32

    return crc32(body, crc32(_CHECKED.pack(encoding, count, prefix_bytes, len(body))))
