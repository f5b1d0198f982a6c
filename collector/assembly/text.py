"""
Join streamed pieces into text.

Flow: chunk events, in order -> rules -> **text runs** -> previews, messages, health.
A run is one (messageId, choice): choices and messages interleave in a stream.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from collector.events import StoredEvent
from collector.fields import LARGEST_AMOUNT, amount, items, mapping, text

_NUMBERS: frozenset[type] = frozenset({int, float})
_TEXTS: frozenset[type] = frozenset({str})


@dataclass(slots=True)
class TextRun:
    """The pieces of one text, and how long the sender said it had become."""

    pieces: list[str] = field(default_factory=list[str])
    told_length: int = 0

    def joined(self) -> str:
        """The whole text."""
        return "".join(self.pieces)

    def has_hole(self) -> bool:
        """Whether the sender's count says that a piece is missing."""
        return sum(map(len, self.pieces)) < self.told_length


def add_piece(run: TextRun, event: StoredEvent) -> int:
    """Add a chunk event to its run; how many pieces it had."""
    payload = event.payload
    content = payload.get("content")
    delta = payload.get("delta")
    if isinstance(delta, str):
        run.pieces.append(delta)
        run.told_length = max(run.told_length, _length(content))
        return 1
    if "chunks" in payload:
        return _add_pack(run.pieces, payload["chunks"])
    if isinstance(content, str):
        # No delta at all: the content is everything so far.
        run.pieces[:] = [content]
    return 1


def add_packed(pieces: list[str], event: StoredEvent, field_name: str) -> int:
    """Add the pieces of a chunk event whose single piece stands in `field_name`; how many."""
    payload = event.payload
    if "chunks" in payload:
        return _add_pack(pieces, payload["chunks"])
    piece = text(payload.get("delta"))
    piece = text(payload.get(field_name)) if piece is None else piece
    if piece is not None:
        pieces.append(piece)
    return 1


def piece_times_ms(event: StoredEvent) -> list[float]:
    """When each piece came: the event's time, in a pack each with its offset."""
    at_ms = event.timestamp_ms
    chunks = event.payload.get("chunks")
    if not chunks:
        return [at_ms]
    # Streams have thousands of pieces, nearly all with a number here: no call for those.
    offsets_ms = _all_of(chunks, "offsetMs", _NUMBERS)
    if offsets_ms is not None and min(offsets_ms) >= 0 and max(offsets_ms) <= LARGEST_AMOUNT:
        return [at_ms + offset_ms for offset_ms in offsets_ms]
    return [at_ms + (amount(mapping(chunk).get("offsetMs")) or 0) for chunk in items(chunks)] or [at_ms]


def _add_pack(pieces: list[str], chunks: object) -> int:
    deltas = _all_of(chunks, "delta", _TEXTS)
    if deltas is not None:
        pieces += deltas
        return len(deltas)
    found = items(chunks)
    for chunk in found:
        delta = mapping(chunk).get("delta")
        if isinstance(delta, str):
            pieces.append(delta)
    return len(found)


def _all_of(chunks: Any, field_name: str, kinds: frozenset[type]) -> list[Any] | None:
    """That field of all chunks, if they are some and all have it as they should."""
    try:
        found = [chunk[field_name] for chunk in chunks]
    except (TypeError, KeyError):
        return None
    return found if found and kinds.issuperset(map(type, found)) else None


def _length(content: object) -> int:
    if isinstance(content, str):
        return len(content)
    return content if isinstance(content, int) else 0


def join_first_choice(runs: Iterable[tuple[tuple[str, int], TextRun]]) -> str | None:
    """The text of the last message that has any, first choice; None where no piece came."""
    answer = None
    for (_, choice), run in runs:
        joined = run.joined() if choice == 0 else ""
        if joined:
            answer = joined
    return answer
