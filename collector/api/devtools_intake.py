"""
From single messages of pages to batches in the database.

Flow: api.devtools -> **DevtoolsIntake** -> validation -> EventWriter.
The bus has no acknowledgements: a message that was taken here and not committed when the machine dies is lost, a moment's worth.
While the database is away it waits, within bounds, and then pages wait.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import msgspec
import structlog

from collector.api.allowances import Allowance, Rates
from collector.dialects.tanstack_bus import SDK_NAME
from collector.errors import HooklineError, RateLimited, StoreBusy, StoreError, StoreUnavailable
from collector.events import Batch, Rejection
from collector.storage.protocols import EventWriter
from collector.validation import Limits, ReadResult, Redaction, read_batch

log = structlog.get_logger(__name__)

RATES: Final = Rates(events=5_000.0, bytes=32.0 * 1024 * 1024)
"""Of all pages together, with ten seconds' worth at once."""
MOST_WAITING_BYTES: Final = 64 * 1024 * 1024
MOST_WAITING_EVENTS: Final = 20_000
BATCH_EVENTS: Final = 1_000
BATCH_BYTES: Final = 4 * 1024 * 1024
_RETRY_S: Final = 0.5
_STOP_S: Final = 3.0
_RESOURCE: Final = msgspec.json.encode({"service.name": "browser", "telemetry.sdk.name": SDK_NAME})


class DevtoolsIntake:
    """Takes events for one project. The listeners must return at once."""

    def __init__(
        self,
        writer: EventWriter,
        now_ms: Callable[[], int],
        *,
        project: str,
        limits: Limits,
        redaction: Redaction | None = None,
        on_commit: Callable[[Batch], None] = lambda batch: None,
        on_rejected: Callable[[Sequence[Rejection]], None] = lambda rejected: None,
        rates: Rates = RATES,
    ) -> None:
        self._writer = writer
        self._now_ms = now_ms
        self._project = project
        self._limits = limits
        self._redaction = redaction
        self._on_commit = on_commit
        self._on_rejected = on_rejected
        self._allowance = Allowance(rates)
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._changed = asyncio.Condition()
        self._is_stopping = False
        self.dropped = 0
        """What was taken and could not be stored."""

    @property
    def message_max_bytes(self) -> int:
        """More of one message is not read."""
        return self._limits.event_bytes

    async def put(self, event: bytes) -> None:
        """Take an event in, as soon as there is room and the rate allows."""
        while (wait_s := self._wait_s()) > 0:
            await asyncio.sleep(wait_s)
        self._allowance.spend(events=1, size_bytes=len(event))
        async with self._changed:
            await self._changed.wait_for(self._has_room)
            self._waiting.append(event)
            self._waiting_bytes += len(event)
            self._changed.notify_all()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """While the application runs; at the end what waits is stored, or counted."""
        storing = asyncio.create_task(self._store_for_ever())
        try:
            yield
        finally:
            self._is_stopping = True
            async with self._changed:
                self._changed.notify_all()
            with suppress(TimeoutError):
                await asyncio.wait_for(storing, _STOP_S)
            if self._waiting:
                self.dropped += len(self._waiting)
                log.error("devtools_events_lost", count=len(self._waiting))

    def _wait_s(self) -> float:
        try:
            self._allowance.require()
        except RateLimited as exc:
            return exc.after_s
        return 0.0

    def _has_room(self) -> bool:
        return len(self._waiting) < MOST_WAITING_EVENTS and self._waiting_bytes < MOST_WAITING_BYTES

    async def _store_for_ever(self) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._waiting or self._is_stopping)
                if not self._waiting:
                    return
                batch = self._take()
            try:
                await self._store(batch)
            except Exception as exc:
                # The next batch may be fine; without this task every page would wait for ever.
                self.dropped += len(batch)
                log.exception("devtools_batch_failed", count=len(batch), error=type(exc).__name__)

    def _take(self) -> list[bytes]:
        taken: list[bytes] = []
        size = 0
        while self._waiting and len(taken) < BATCH_EVENTS and size < BATCH_BYTES:
            taken.append(self._waiting.popleft())
            size += len(taken[-1])
        self._waiting_bytes -= size
        self._changed.notify_all()
        return taken

    async def _store(self, events: list[bytes]) -> None:
        body = b'{"resource":%b,"events":[%b]}' % (_RESOURCE, b",".join(events))
        try:
            result = await asyncio.to_thread(self._read, body)
        except HooklineError as exc:
            self.dropped += len(events)
            log.error("devtools_batch_refused", count=len(events), reason=str(exc))
            return
        if result.rejected:
            self._tell(self._on_rejected, result.rejected)
            log.info("events_rejected", count=len(result.rejected), codes=sorted({r.code for r in result.rejected}))
        if result.batch.events:
            await self._append(result.batch)

    def _read(self, body: bytes) -> ReadResult:
        return read_batch(
            body,
            media="json",
            project=self._project,
            received_ms=self._now_ms(),
            limits=self._limits,
            redaction=self._redaction,
        )

    async def _append(self, batch: Batch) -> None:
        """Again and again while the database is away: the events have their ids, so none is stored twice."""
        is_told = False
        while True:
            try:
                await asyncio.wrap_future(self._writer.append(batch))
                break
            except (StoreBusy, StoreUnavailable) as exc:
                if self._is_stopping:
                    self.dropped += len(batch.events)
                    log.error("devtools_events_lost", count=len(batch.events), reason=str(exc))
                    return
                if not is_told:
                    is_told = True
                    log.warning("devtools_waits", reason=str(exc))
                await asyncio.sleep(_RETRY_S)
            except StoreError as exc:
                self.dropped += len(batch.events)
                log.error("devtools_batch_refused", count=len(batch.events), reason=str(exc))
                return
        self._tell(self._on_commit, batch)

    def _tell(self, listener: Callable[[Any], None], news: Any) -> None:
        # The events are stored, or refused for good: whatever a listener does, that is so.
        try:
            listener(news)
        except Exception:
            log.exception("ingest_listener_failed")
