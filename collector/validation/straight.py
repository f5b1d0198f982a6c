"""
The straight way: an event that is exactly as the catalogue has it becomes a row by one decode.

Flow: reading -> **straight** -> batch, which sends all others the long way (decoding -> dialects -> columns -> reductions).
Nothing is decided here: every rule is the long way's, and this one only knows which events none of them concerns. A test reads
each body both ways and compares.
"""

from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter
from typing import Any, Final

import msgspec

from collector.dialects import OWN
from collector.events import EventRow
from collector.validation.clock import moment_of_number
from collector.validation.columns import NO_PARENT, TEXTS, duration_of, traceparent_of
from collector.validation.decoding import UNREADABLE, encode, is_deeper, may_need_mending
from collector.validation.identity import bounded_id
from collector.validation.limits import Limits
from collector.validation.media import may_hold_data_url, text_may_hold_media
from collector.validation.reductions import CHUNK_CONTEXT, is_repeated
from collector.validation.shapes import Shape, Shapes

_TYPE_FIRST: Final = '{"type":"'
_CHARACTER_BYTES: Final = 4
"""UTF-8 has at most so many."""
_texts = attrgetter(*TEXTS)
_chunk_context = attrgetter(*CHUNK_CONTEXT)


class _Typed(msgspec.Struct, gc=False):
    type: str


_type_of = msgspec.json.Decoder(_Typed).decode


@cache
def shapes() -> Shapes:
    """One for the process: it keeps what it compiled."""
    from sdk_hooks.events import EVENT_TYPES

    return Shapes(EVENT_TYPES)


@dataclass(slots=True, kw_only=True)
class Straight:
    """Reads the events of one POST that have nothing odd about them."""

    project: str
    service: str
    resource_id: str
    received_ms: int
    limits: Limits
    body: bytes
    shapes: Shapes = field(default_factory=lambda: shapes())
    may_need_mending: bool = field(init=False)
    may_hold_data_urls: bool | None = field(init=False, default=None)
    """Looked for in the whole body at once, when an event asks for it first: nearly none has any of it."""

    def __post_init__(self) -> None:
        self.may_need_mending = may_need_mending(self.body)

    def row(self, piece: bytes | msgspec.Raw) -> EventRow | None:
        """The row, or None for an event that has to go the long way. Raises Refused where that would do so too."""
        try:
            payload = str(piece, "utf-8")  # pyright: ignore[reportArgumentType, reportCallIssue]  (a Raw is a buffer)
            # Ours begin with their type. A wrong guess costs nothing: a shape takes no other type than its own.
            is_first = payload.startswith(_TYPE_FIRST)
            type_name = payload[len(_TYPE_FIRST) : payload.find('"', len(_TYPE_FIRST))] if is_first else _type_of(piece).type
            shape = self.shapes.get(type_name)
            if shape is None:
                return None
            event = shape.decode(piece)
        except UNREADABLE:
            return None
        if self._is_odd(event, type_name, shape, payload):
            return None
        return self._row(event, type_name, shape, payload)

    def _is_odd(self, event: Any, type_name: str, shape: Shape, payload: str) -> bool:
        if event.project is not None and event.project != self.project:
            return True
        if len(payload) * _CHARACTER_BYTES > self.limits.event_bytes:
            return True
        if type_name.startswith("text:chunk:") and _is_reduced(event, type_name):
            return True
        if self.may_need_mending and may_need_mending(payload.encode()):
            return True
        is_open = shape.is_open(event)
        if (is_open or shape.names_media or self._may_hold_data_urls()) and text_may_hold_media(payload):
            return True
        return is_open and _may_be_deeper(event, shape, payload, self.limits.depth)

    def _may_hold_data_urls(self) -> bool:
        if self.may_hold_data_urls is None:
            self.may_hold_data_urls = may_hold_data_url(self.body)
        return self.may_hold_data_urls

    def _row(self, event: Any, type_name: str, shape: Shape, payload: str) -> EventRow | None:
        moment = moment_of_number(event.timestamp, self.received_ms)
        duration: int | float | None = None
        duration_ms: float | None = None
        if not type_name.endswith(":started"):
            duration = getattr(event, "duration", None)
            duration = getattr(event, "durationMs", None) if duration is None else duration
        if duration is not None:
            duration_ms = duration_of(duration)
            if duration_ms is None:
                return None
        parent = NO_PARENT if event.traceparent is None else traceparent_of(event.traceparent)
        if parent is None:
            return None
        return EventRow._make((
            self.project,
            bounded_id(event.eventId),
            type_name,
            moment.ms,
            moment.fraction,
            self.received_ms,
            *_texts(event),
            None if event.toolNames is None else encode(event.toolNames),
            event.messageCount,
            event.hasTools,
            event.streaming,
            duration_ms,
            event.sequence,
            *parent,
            self.service,
            moment.clock,
            None,
            None,
            payload,
            OWN.name,
            self.resource_id,
        ))  # fmt: skip


def _is_reduced(event: Any, type_name: str) -> bool:
    """Whether the long way would cut what a chunk repeats."""
    if _chunk_context(event) != (None, None, None, None):
        return True
    content = getattr(event, "content", None)
    return is_repeated(
        type_name, content, getattr(event, "delta", None), chunks=getattr(event, "chunks", None), source=event.source
    )


def _may_be_deeper(event: Any, shape: Shape, payload: str, levels: int) -> bool:
    if payload.count("{") + payload.count("[") <= levels:
        return False
    for name in shape.hidden_names:
        if getattr(event, name) is not None:
            return True
    return any(is_deeper(getattr(event, name), levels - 1) for name in shape.open_names)
