"""
A POST's body -> the batch that storage takes, and what was refused of it.

Flow: HTTP -> reading -> straight | long_way -> **batch** -> storage.
Pure but for the random id of events that have neither an id nor a time.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass

from collector.errors import BadRequest
from collector.events import Batch, EventRow, Rejection
from collector.validation.codes import NOT_AN_OBJECT, Refused
from collector.validation.columns import bounded
from collector.validation.decoding import NotJson
from collector.validation.limits import Limits
from collector.validation.long_way import Post, long_way_row
from collector.validation.reading import Media, Piece, read_parcel
from collector.validation.redaction import Redaction
from collector.validation.repeats import (
    REPEATING_TYPE,
    may_repeat,
    put_aside,
    refs_in,
    require_untouched,
    store_name,
    unknown_ref,
)
from collector.validation.straight import Straight
from collector.validation.streams import response_ids
from collector.validation.touches import call_touches, part_touches, run_ends


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """What to store and what not."""

    batch: Batch
    rejected: tuple[Rejection, ...]
    store: str | None = None
    """For the answer, where the sender asks: what its references are good for."""


def read_batch(
    body: bytes,
    *,
    media: Media,
    project: str,
    received_ms: int,
    idempotency_key: str | None = None,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    redaction: Redaction | None = None,
    unknown: Set[str] = frozenset(),
) -> ReadResult:
    """
    Every good event of the body as a row. Raises BadRequest for what is not JSON, TooLarge for too much of it.

    Events that refer to one of the messages in `unknown` are rejected: storage has none of these.
    """
    parcel = read_parcel(body, media=media, limits=limits)
    post = Post(
        project=project,
        received_ms=received_ms,
        idempotency_key=idempotency_key,
        limits=limits,
        resource=parcel.resource,
        redaction=redaction,
    )
    straight = Straight(
        project=project,
        service=parcel.resource.service,
        resource_id=parcel.resource.resource_id,
        received_ms=received_ms,
        limits=limits,
        body=body,
    )
    row_of, add = straight.row, post.rows.append
    refs = _Refs(sent_to=parcel.store, store=store_name(project, redaction), unknown=unknown)
    for index, piece in enumerate(parcel.pieces):
        try:
            is_plain = redaction is None or not redaction.concerns(bytes(piece))
            row = (row_of(piece) if is_plain else None) or long_way_row(post, index, piece)
            add(refs.settle(post, row, index, piece) if row.type == REPEATING_TYPE else row)
        except Refused as exc:
            post.rejected.append(Rejection(index=index, code=exc.code, detail=exc.detail))
        except NotJson:
            if media == "json":
                raise BadRequest(f"the body is not JSON: the event at index {index} is malformed; nothing was stored") from None
            detail = "the line is not JSON: send one object a line"
            post.rejected.append(Rejection(index=index, code=NOT_AN_OBJECT, detail=detail))
    if post.marks:
        _give_request_ids(post)
    return ReadResult(batch=_batch(post), rejected=tuple(post.rejected), store=None if parcel.store is None else refs.store)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refs:
    """What the references of one POST mean."""

    sent_to: str | None
    store: str
    unknown: Set[str]

    def settle(self, post: Post, row: EventRow, index: int, piece: Piece) -> EventRow:
        """The row as it is stored. Raises Refused where it refers to what is not here."""
        # Who knows no store can refer to nothing: what looks like a reference is what somebody said.
        sent = refs_in(bytes(piece)) if self.sent_to else []
        if sent:
            require_untouched(sent, row.payload)
        elif not may_repeat(row):
            return row
        settled, refs = put_aside(row, blobs := {}, place=len(post.rows), index=index, has_refs=bool(sent))
        if refs is not None:
            if refs.needed and (self.sent_to != self.store or not refs.needed.isdisjoint(self.unknown)):
                raise unknown_ref()
            post.refs.append(refs)
            post.blobs.update(blobs)
        return settled


def _batch(post: Post) -> Batch:
    return Batch(
        project=post.project,
        received_ms=post.received_ms,
        resource=post.resource,
        events=tuple(post.rows),
        touches=(
            *call_touches(post.rows),
            *(part_touches([(post.rows[place], part) for place, part in post.parts]) if post.parts else ()),
        ),
        run_ends=run_ends(post.rows),
        blobs=tuple(post.blobs.values()),
        hook_states=tuple(post.states.values()),
        refs=tuple(post.refs),
    )


def _give_request_ids(post: Post) -> None:
    """Foreign events without a requestId get the id of the response that they lie in, as far as this POST shows it."""
    for places_and_marks in post.marks.values():
        places: Iterable[int] = (place for place, _ in places_and_marks)
        ids = response_ids([mark for _, mark in places_and_marks])
        for place, response_id in zip(places, ids, strict=True):
            if response_id is not None and post.rows[place].request_id is None:
                post.rows[place] = post.rows[place]._replace(request_id=bounded(response_id))
