"""
POST /v1/events: the way in.

Flow: HTTP -> access -> bodies -> validation -> **EventWriter, and the answer after its commit**.
A plain ASGI function: FastAPI would cost half of the single-event rate. And beside it `take`, without ASGI, for most small POSTs.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

import structlog
from starlette.responses import Response

from collector.api.access import Access, Identity
from collector.api.bodies import Receive, SenderGone, encoding_of, header, inflate, media_of, most_bytes, read_body
from collector.api.inflight import Held, Inflight
from collector.api.ingest_answers import METHODS, all_good, preflight, with_rejections
from collector.api.landing import Landing
from collector.api.problems import method_not_allowed, problem_response
from collector.api.receipts import FirstReceipts
from collector.errors import BadRequest, HooklineError, UnknownRefs
from collector.events import Batch, Receipt, Rejection
from collector.storage.protocols import EventWriter
from collector.validation import MIB, PUBLIC_LIMITS, Limits, Media, ReadResult, Redaction, read_batch

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = structlog.get_logger(__name__)

_IN_PLACE_BYTES: Final = 128 * 1024
"""Bodies up to this size are read on the event loop, in a few milliseconds; a thread costs more than it frees below that."""
_LONGEST_KEY: Final = 255
_JSON: Final = (b"content-type", b"application/json")
_READINGS: Final = 4
"""So often a body is read anew because contents that it refers to went; in the end none of its references count."""
_TELLING: Final = frozenset({b"host", b"origin", b"cookie", b"content-type", b"content-encoding"})
"""What a sender says in the same way with every request."""
_OF_PAGES: Final = frozenset({b"origin", b"cookie"})
_HEADS_KEPT: Final = 256
_KEPT_HEAD_BYTES: Final = 1024

Headers = list[tuple[bytes, bytes]]
Again = Callable[[frozenset[str]], ReadResult]
"""Reads a body anew, as if none of these messages were here."""
Answer = Callable[[int, Sequence[tuple[bytes, bytes]], bytes], None]
"""Sends a whole answer: status, headers, body."""


class IngestApp:
    """Takes events in. `now_ms` is the receiver's clock; the listeners must return at once."""

    def __init__(
        self,
        writer: EventWriter,
        access: Access,
        now_ms: Callable[[], int],
        limits: Limits = Limits(),  # noqa: B008  (frozen)
        public_limits: Limits = PUBLIC_LIMITS,
        body_timeout_s: float = 60.0,
        inflight: Inflight | None = None,
        receipts: FirstReceipts | None = None,
        redaction: Redaction | None = None,
        on_commit: Callable[[Batch], None] = lambda batch: None,
        on_rejected: Callable[[Sequence[Rejection]], None] = lambda rejected: None,
        on_refused: Callable[[HooklineError], None] = lambda error: None,
    ) -> None:
        self._writer = writer
        self._access = access
        self._now_ms = now_ms
        self._limits = limits
        self._public_limits = public_limits
        self._body_timeout_s = body_timeout_s
        self._inflight = inflight or Inflight(256 * MIB)
        self._redaction = redaction
        self._on_commit = on_commit
        self._on_rejected = on_rejected
        self._on_refused = on_refused
        self._receipts = receipts or FirstReceipts()
        self._landing: Landing | None = None
        self._usual: dict[tuple[tuple[bytes, bytes], ...], tuple[Media, str]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Nothing is raised: a failure is an answer and a line in the log."""
        try:
            response = await self._answer(scope, receive)
        except SenderGone:
            return
        except HooklineError as exc:
            self._told(self._on_refused, exc)
            response = problem_response(exc)
        except Exception as exc:
            log.exception("ingest_failed")
            response = problem_response(exc)
        if isinstance(response, bytes):
            await self._send(scope, send, response)
            return
        response.raw_headers.extend(self._access.cross_origin_headers(scope, is_sending=True))
        await response(scope, receive, send)

    def take(self, headers: Headers, body: bytes, answer: Answer) -> bool:
        """
        A usual request without ASGI around it, which costs more than all the rest of a small one; False: this one is not usual,
        nothing was done, and it is for `__call__`. For True `answer` is called later. `headers` have small letters.
        """
        held = Held(self._inflight)
        try:
            queued = self._queued(headers, body, held)
        except Exception:
            # Told in words on the other way.
            queued = None
        if queued is None:
            held.release()
            return False
        future, result = queued
        self._landing_here().then(future, lambda done: self._answer_taken(done, result, held, answer))
        return True

    def _queued(self, headers: Headers, body: bytes, held: Held) -> "tuple[Future[Receipt], ReadResult] | None":
        """What is to be committed; None, or whatever is raised, for a request with anything unusual about it."""
        if len(body) > min(_IN_PLACE_BYTES, self._limits.expanded_bytes) or any(
            name == b"idempotency-key" for name, _ in headers
        ):
            return None
        sender = self._recognised(headers)
        if sender is None or sender[2] != "identity" or sender[0].allowance is not None or sender[0].origins is not None:
            return None
        held.grow(len(body))
        result = self._read_as_of(self._now_ms(), body, sender[1], sender[0], None, self._limits)
        if result.rejected or not result.batch.events or result.batch.needed:
            return None
        return self._writer.append(result.batch), result

    def _answer_taken(self, future: "Future[Receipt]", result: ReadResult, held: Held, answer: Answer) -> None:
        held.release()
        try:
            receipt = future.result()
        except Exception as exc:
            if isinstance(exc, HooklineError):
                self._told(self._on_refused, exc)
            else:
                log.error("ingest_failed", exc_info=exc)
            response = problem_response(exc)
            answer(response.status_code, response.raw_headers, bytes(response.body))
            return
        self._told(self._on_commit, result.batch)
        body = all_good(receipt, result.store)
        answer(200, (_JSON, (b"content-length", b"%d" % len(body))), body)

    async def _send(self, scope: Scope, send: Send, body: bytes) -> None:
        """The usual answer, by hand: a Response costs a tenth of a small request."""
        headers = [_JSON, (b"content-length", b"%d" % len(body)), *self._access.cross_origin_headers(scope, is_sending=True)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> Response | bytes:
        """An answer of 200 as its body."""
        if scope["method"] == "OPTIONS":
            await self._access.check_sending_site(scope)
            return preflight()
        if scope["method"] != "POST":
            self._access.check_site(scope)
            return method_not_allowed(*METHODS)
        headers: Headers = list(scope["headers"])
        identity, media, encoding = await self._admitted(scope, headers)
        limits = self._limits if identity.origins is None else self._public_limits
        most = most_bytes(header(headers, b"content-length"), encoding, limits)
        held = Held(self._inflight)
        try:
            body = await read_body(receive, most, self._body_timeout_s, held)
            key = _idempotency_key(headers)
            if key is None and encoding == "identity" and len(body) <= _IN_PLACE_BYTES:
                _spend(identity, 0, len(body))
                read = partial(self._read_as_of, self._now_ms(), body, media, identity, None, limits)
                result = read()
                _spend(identity, len(result.batch.events) + len(result.rejected), 0)
            else:
                # With a key it may have to ask the database.
                result, read = await asyncio.to_thread(self._read, body, encoding, media, identity, key, limits, held)
            # Its rows are enough while it waits for its commit, unless it refers to messages that may be lacking then.
            again = read if result.batch.needed else None
            del body, read
            return await self._store(result, again)
        finally:
            held.release()

    def _recognised(self, headers: Headers) -> tuple[Identity, Media, str] | None:
        """As `_admitted` for one who was here before; None where that one has to look. Raises RequestError."""
        known = self._usual.get(_usual(headers))
        if known is None or (identity := self._access.recognise(headers)) is None:
            return None
        identity.require("ingest")
        return identity, *known

    async def _admitted(self, scope: Scope, headers: Headers) -> tuple[Identity, Media, str]:
        """Who sends what, in which encoding. Raises RequestError, StoreUnavailable."""
        sender = self._recognised(headers)
        if sender is not None:
            return sender
        usual = _usual(headers)
        identity = await self._access.admit(scope)
        identity.require("ingest")
        known = media_of(header(headers, b"content-type")), encoding_of(headers)
        # Of pages every one is looked at: which are welcome may change.
        is_short = sum(len(value) for _, value in usual) <= _KEPT_HEAD_BYTES
        if is_short and not any(name.lower() in _OF_PAGES for name, _ in usual):
            if len(self._usual) >= _HEADS_KEPT:
                self._usual.clear()
            self._usual[usual] = known
        return identity, *known

    def _read(
        self, body: bytes, encoding: str, media: Media, identity: Identity, key: str | None, limits: Limits, held: Held
    ) -> tuple[ReadResult, Again]:
        received_ms = self._now_ms()
        _spend(identity, 0, len(body))
        inflated = inflate(body, encoding, limits, held)
        read = partial(self._read_as_of, received_ms, inflated, media, identity, key, limits)
        result = read()
        _spend(identity, len(result.batch.events) + len(result.rejected), len(inflated) - len(body))
        if key is None or all(row.clock != "receiver" for row in result.batch.events):
            return result, read
        # The receipt's time is part of these events: a repeat must find the first one, wherever that came in.
        first_ms = self._receipts.first(identity.project, key, received_ms)
        if first_ms == received_ms:
            return result, read
        read = partial(self._read_as_of, first_ms, inflated, media, identity, key, limits)
        return read(), read

    def _read_as_of(
        self,
        at_ms: int,
        inflated: bytes,
        media: Media,
        identity: Identity,
        key: str | None,
        limits: Limits,
        unknown: frozenset[str] = frozenset(),
    ) -> ReadResult:
        return read_batch(
            inflated,
            media=media,
            project=identity.project,
            received_ms=at_ms,
            idempotency_key=key,
            limits=limits,
            redaction=self._redaction,
            unknown=unknown,
        )

    async def _store(self, result: ReadResult, read: Again | None) -> Response | bytes:
        """The answer, once the batch is committed and synced."""
        receipt = Receipt(accepted=0, duplicates=0)
        result, committed = await self._committed(result, read)
        if committed is not None:
            receipt = committed
            self._told(self._on_commit, result.batch)
        if not result.rejected:
            return all_good(receipt, result.store)
        self._told(self._on_rejected, result.rejected)
        log.info("events_rejected", count=len(result.rejected), codes=sorted({r.code for r in result.rejected}))
        return with_rejections(receipt, result)

    async def _committed(self, result: ReadResult, read: Again | None) -> tuple[ReadResult, Receipt | None]:
        """What is stored in the end. Only the transaction knows whether a message is there: without it, the others are stored."""
        unknown: frozenset[str] = frozenset()
        for reading in range(_READINGS):
            if not result.batch.events:
                break
            try:
                return result, await self._landed(self._writer.append(result.batch))
            except UnknownRefs as exc:
                if read is None:
                    raise
                unknown |= exc.sha256s if reading + 2 < _READINGS else result.batch.needed
                result = await asyncio.to_thread(read, unknown)
        return result, None

    async def _landed(self, future: "Future[Receipt]") -> Receipt:
        return await self._landing_here().wait(future)

    def _landing_here(self) -> Landing:
        loop = asyncio.get_running_loop()
        if self._landing is None or self._landing.loop is not loop:
            self._landing = Landing(loop)
        return self._landing

    def _told(self, listener: Callable[[Any], None], news: Any) -> None:
        # The events are stored: whatever a listener does, the sender must hear so.
        try:
            listener(news)
        except Exception:
            log.exception("ingest_listener_failed")


def _usual(headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
    return tuple([pair for pair in headers if pair[0].lower() in _TELLING])


def _spend(identity: Identity, events: int, size_bytes: int) -> None:
    # Most keys have no rate.
    if identity.allowance is not None:
        identity.allowance.spend(events=events, size_bytes=size_bytes)


def _idempotency_key(headers: Headers) -> str | None:
    key = header(headers, b"idempotency-key")
    if key is not None and len(key) > _LONGEST_KEY:
        raise BadRequest(f"the Idempotency-Key is over {_LONGEST_KEY} characters: send a shorter one, such as a UUID")
    return key or None
