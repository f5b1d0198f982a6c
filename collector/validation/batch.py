"""
A POST's body -> the batch that storage takes, and what was refused of it.

Flow: HTTP -> reading -> decoding -> dialects -> columns -> reductions -> **batch** -> storage.
Pure but for the random id of events that have neither an id nor a time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from collector.dialects import DIALECTS, OWN, Dialect, StreamMark, dialect_of
from collector.errors import BadRequest
from collector.events import Batch, Blob, EventRow, HookState, Rejection, Resource
from collector.validation.catalogue import schema_check
from collector.validation.clock import moment_of
from collector.validation.codes import MISSING_TYPE, NOT_AN_OBJECT, PROJECT_MISMATCH, TOO_LARGE, Refused
from collector.validation.columns import Issues, bounded, read_columns
from collector.validation.decoding import NotJson, decode_event, encode, require_object
from collector.validation.identity import event_id
from collector.validation.limits import Limits
from collector.validation.media import lift_media, may_hold_media
from collector.validation.reading import Media, Piece, read_parcel
from collector.validation.reductions import reduce_chunk, take_state
from collector.validation.resource import resource_of
from collector.validation.streams import response_ids
from collector.validation.touches import call_touches, part_touches, run_ends


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """What to store and what not."""

    batch: Batch
    rejected: tuple[Rejection, ...]


@dataclass(slots=True, kw_only=True)
class _Post:
    """What is gathered while the events of one POST are read."""

    project: str
    received_ms: int
    idempotency_key: str | None
    limits: Limits
    resource: Resource
    rows: list[EventRow] = field(default_factory=list[EventRow])
    rejected: list[Rejection] = field(default_factory=list[Rejection])
    blobs: dict[str, Blob] = field(default_factory=dict[str, Blob])
    states: dict[str, HookState] = field(default_factory=dict[str, HookState])
    marks: dict[str, list[tuple[int, StreamMark]]] = field(default_factory=dict[str, list[tuple[int, StreamMark]]])
    parts: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    """Places of rows that name a part which is a call of its own."""


def read_batch(
    body: bytes,
    *,
    media: Media,
    project: str,
    received_ms: int,
    idempotency_key: str | None = None,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
) -> ReadResult:
    """Every good event of the body as a row. Raises BadRequest for what is not JSON, TooLarge for too much of it."""
    parcel = read_parcel(body, media=media, limits=limits)
    post = _Post(
        project=project,
        received_ms=received_ms,
        idempotency_key=idempotency_key,
        limits=limits,
        resource=resource_of(parcel.resource),
    )
    for index, piece in enumerate(parcel.pieces):
        try:
            post.rows.append(_row(post, index, piece))
        except Refused as exc:
            post.rejected.append(Rejection(index=index, code=exc.code, detail=exc.detail))
        except NotJson:
            if media == "json":
                raise BadRequest(f"the body is not JSON: the event at index {index} is malformed; nothing was stored") from None
            detail = "the line is not JSON: send one object a line"
            post.rejected.append(Rejection(index=index, code=NOT_AN_OBJECT, detail=detail))
    _give_request_ids(post)
    return ReadResult(batch=_batch(post), rejected=tuple(post.rejected))


def _batch(post: _Post) -> Batch:
    return Batch(
        project=post.project,
        received_ms=post.received_ms,
        resource=post.resource,
        events=tuple(post.rows),
        touches=(
            *call_touches(row for row in post.rows if DIALECTS[row.dialect].makes_calls),
            *part_touches((post.rows[place], part) for place, part in post.parts),
        ),
        run_ends=run_ends(post.rows),
        blobs=tuple(post.blobs.values()),
        hook_states=tuple(post.states.values()),
    )


def _row(post: _Post, index: int, piece: Piece) -> EventRow:
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

    reduced = [*decoded.mended, *_reduce(post, event, type_name, raw, moment.ms, sequence)]
    is_as_sent = dialect is OWN and len(reduced) == len(decoded.mended)
    return EventRow(
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


def _type_of(event: dict[str, Any]) -> str:
    type_name = event.get("type")
    if type(type_name) is str and type_name:
        return type_name
    raise Refused(MISSING_TYPE, "the event has no `type`: send one like `text:request:started`")


def _check_project(event: dict[str, Any], project: str) -> None:
    # An empty name is one that was not set.
    if event.get("project") not in (None, "", project):
        raise Refused(PROJECT_MISMATCH, "the event is of another project than the key: use that project's key")


def _reduce(post: _Post, event: dict[str, Any], type_name: str, raw: bytes, timestamp: int, sequence: int | None) -> list[str]:
    reduced: list[str] = lift_media(event, type_name, post.blobs) if may_hold_media(raw) else []
    if type_name.startswith("text:chunk:"):
        reduced += reduce_chunk(event, type_name)
    elif (state := take_state(event, type_name, timestamp=timestamp, sequence=sequence)) is not None:
        reduced.append("state")
        newest = post.states.get(state.hook_id)
        if newest is None or (newest.timestamp, newest.sequence) <= (state.timestamp, state.sequence):
            post.states[state.hook_id] = state
    return reduced


def _note_stream(post: _Post, dialect: Dialect, event: dict[str, Any]) -> None:
    mark = dialect.stream_mark(event)
    if mark is not None:
        post.marks.setdefault(dialect.name, []).append((len(post.rows), mark))


def _give_request_ids(post: _Post) -> None:
    """Foreign events without a requestId get the id of the response that they lie in, as far as this POST shows it."""
    for places_and_marks in post.marks.values():
        places: Iterable[int] = (place for place, _ in places_and_marks)
        ids = response_ids([mark for _, mark in places_and_marks])
        for place, response_id in zip(places, ids, strict=True):
            if response_id is not None and post.rows[place].request_id is None:
                post.rows[place] = post.rows[place]._replace(request_id=bounded(response_id))
