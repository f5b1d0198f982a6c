"""
The long way: any event becomes a row, whatever is odd about it, or is refused.

Flow: reading -> **long_way** (decoding -> dialects -> redaction -> columns -> reductions) -> batch.
Events as our own clients send them go straight instead (see `straight`), by the same rules.
"""

from dataclasses import dataclass, field
from typing import Any

from collector.dialects import OWN, Dialect, StreamMark, dialect_of
from collector.events import LEFT_IN_COLUMNS, REFS, Blob, EventRefs, EventRow, HookState, Rejection, Resource
from collector.validation.catalogue import schema_check
from collector.validation.clock import moment_of
from collector.validation.codes import MISSING_TYPE, PROJECT_MISMATCH, TOO_LARGE, Refused
from collector.validation.columns import Issues, bounded, read_columns
from collector.validation.decoding import decode_event, encode, require_object
from collector.validation.identity import event_id
from collector.validation.limits import Limits
from collector.validation.media import lift_media, may_hold_media
from collector.validation.reading import Piece
from collector.validation.redaction import Redaction
from collector.validation.reductions import leave_in_columns, reduce_chunk, take_state


@dataclass(slots=True, kw_only=True)
class Post:
    """What is gathered while the events of one POST are read."""

    project: str
    received_ms: int
    idempotency_key: str | None
    limits: Limits
    resource: Resource
    redaction: Redaction | None = None
    rows: list[EventRow] = field(default_factory=list[EventRow])
    rejected: list[Rejection] = field(default_factory=list[Rejection])
    blobs: dict[str, Blob] = field(default_factory=dict[str, Blob])
    states: dict[str, HookState] = field(default_factory=dict[str, HookState])
    marks: dict[str, list[tuple[int, StreamMark]]] = field(default_factory=dict[str, list[tuple[int, StreamMark]]])
    parts: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    """Places of rows that name a part which is a call of its own."""
    refs: list[EventRefs] = field(default_factory=list[EventRefs])


def long_way_row(post: Post, index: int, piece: Piece) -> EventRow:
    """The row; what lies beside it goes to `post`. Raises Refused for an event that can't be stored, NotJson."""
    raw = bytes(piece)
    if len(raw) > post.limits.event_bytes:
        raise Refused(TOO_LARGE, f"the event has {len(raw)} bytes, {post.limits.event_bytes} are allowed: cut its content")
    decoded = decode_event(raw, max_depth=post.limits.depth)
    received = require_object(decoded.value)
    dialect = dialect_of(received)
    event = received if dialect is OWN else dialect.flatten(received)
    type_name = _type_of(event)
    _check_project(event, post.project)
    moment = moment_of(event, post.received_ms)
    unique_id = event_id(event.get("eventId"), received, moment, index=index, idempotency_key=post.idempotency_key)

    redacted = [] if post.redaction is None else _redact(post.redaction, post, event, type_name, raw)

    issues: Issues = {}
    columns = read_columns(event, type_name, issues)
    if dialect is not OWN:
        if columns.sequence is None:
            columns = columns._replace(sequence=dialect.sequence(event))
        _note_stream(post, dialect, event)
        post.parts.extend((len(post.rows), part) for part in dialect.parts(event))
    sequence = columns.sequence
    if dialect.has_catalogue:
        schema_check().add_issues(type_name, event, issues)

    reduced = [*decoded.mended, *redacted, *_reduce(post, event, type_name, raw, moment.ms, sequence)]
    # A field that media were taken out of may have any name.
    reduced = [f"$.{name}" if name in LEFT_IN_COLUMNS or name == REFS else name for name in reduced]
    is_as_sent = dialect is OWN and len(reduced) == len(decoded.mended)
    row = EventRow(
        post.project,
        unique_id,
        bounded(type_name),
        moment.ms,
        moment.fraction,
        post.received_ms,
        *columns,
        post.resource.service,
        moment.clock,
        encode([f"{name}: {what}" for name, what in issues.items()]) if issues else None,
        encode(reduced) if reduced else None,
        decoded.text if is_as_sent else encode(event),
        dialect.name,
        post.resource.resource_id,
    )
    return _slimmed(row, event, reduced) if type_name.startswith("text:chunk:") and not is_as_sent else row


def _slimmed(row: EventRow, event: dict[str, Any], reduced: list[str]) -> EventRow:
    """A chunk that had to be written anew says nothing twice."""
    left = leave_in_columns(event, row._asdict())
    return row._replace(payload=encode(event), reduced=encode([*reduced, *left])) if left else row


def _type_of(event: dict[str, Any]) -> str:
    type_name = event.get("type")
    if type(type_name) is str and type_name:
        return type_name
    raise Refused(MISSING_TYPE, "the event has no `type`: send one like `text:request:started`")


def _check_project(event: dict[str, Any], project: str) -> None:
    # An empty name is one that was not set.
    if event.get("project") not in (None, "", project):
        raise Refused(PROJECT_MISMATCH, "the event is of another project than the key: use that project's key")


def _redact(redaction: Redaction, post: Post, event: dict[str, Any], type_name: str, raw: bytes) -> list[str]:
    """What the rules take out. Media first: nobody looks for words in a picture's base64."""
    if not redaction.concerns(raw):
        return []
    lifted = lift_media(event, type_name, post.blobs) if may_hold_media(raw) else []
    return [*lifted, *redaction.redact(event, raw)]


def _reduce(post: Post, event: dict[str, Any], type_name: str, raw: bytes, timestamp: int, sequence: int | None) -> list[str]:
    reduced: list[str] = lift_media(event, type_name, post.blobs) if may_hold_media(raw) else []
    if type_name.startswith("text:chunk:"):
        reduced += reduce_chunk(event, type_name)
    elif (state := take_state(event, type_name, timestamp=timestamp, sequence=sequence)) is not None:
        reduced.append("state")
        newest = post.states.get(state.hook_id)
        if newest is None or (newest.timestamp, newest.sequence) <= (state.timestamp, state.sequence):
            post.states[state.hook_id] = state
    return reduced


def _note_stream(post: Post, dialect: Dialect, event: dict[str, Any]) -> None:
    mark = dialect.stream_mark(event)
    if mark is not None:
        post.marks.setdefault(dialect.name, []).append((len(post.rows), mark))
