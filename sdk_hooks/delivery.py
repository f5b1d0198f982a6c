"""
Send what waits, oldest first, and decide what becomes of it: delivered, on disk, or counted.

Flow: emitter -> **delivery** -> posting -> collector; or -> spool, and from there to the collector later.
What one round could not deliver within a moment is on disk when the round ends. Order holds: what is on disk goes before what
is in memory, and what other processes left behind goes last. One thread at a time (the emitter's lock).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from sdk_hooks.buffer import Backlog
from sdk_hooks.config import DeliverySettings
from sdk_hooks.encoding import Batch, encode_batch, encode_event
from sdk_hooks.loss_counts import Losses
from sdk_hooks.posting import Posting
from sdk_hooks.repeats import Parcel, Repeats
from sdk_hooks.retrying import Retrying
from sdk_hooks.transport import UNKNOWN_REF, Delivered, Denied, Refused, RetryLater, Transport, is_near

if TYPE_CHECKING:
    from sdk_hooks.spool.destination import Destination
    from sdk_hooks.spool.leftovers import Leftovers
    from sdk_hooks.spool.own import OwnSpool

Connect = Callable[[str, str | None], Transport]

LEAST_POST_S = 0.05
LEFTOVERS_PACE_S = 0.2
"""Between two batches that another process left behind."""
CURE = "check HOOKLINE_URL and HOOKLINE_API_KEY"
KEPT = "they are kept as far as there is room"
MOST_EVENTS_ON_DISK = 1_000
"""Of one record: small enough for any collector's limit."""


class _Sending(NamedTuple):
    """The batch that is on its way, and where it came from."""

    batch: Batch
    events: list[bytes] | None
    """Where it came from memory: there it goes back to."""
    source: OwnSpool | Leftovers | None
    parcel: Parcel | None = None
    """How they went, where that is otherwise than they wait."""


class Delivery:
    """The way to one collector."""

    def __init__(
        self,
        backlog: Backlog,
        losses: Losses,
        connect: Connect,
        describe: Callable[[DeliverySettings], Mapping[str, Any]],
        clock_s: Callable[[], float],
        *,
        spool_folder: str | None = None,
        project: Callable[[], str | None] = lambda: None,
        on_late_answer: Callable[[], None] = lambda: None,
        has_thread: bool = True,
    ) -> None:
        self._backlog = backlog
        self._losses = losses
        self._connect = connect
        self._describe = describe
        self._clock_s = clock_s
        self._default_folder = spool_folder
        self._project = project
        self._on_late_answer = on_late_answer
        self._has_thread = has_thread
        self._settings: DeliverySettings | None = None
        self._posting: Posting | None = None
        self._spool: OwnSpool | None = None
        self._leftovers: Leftovers | None = None
        self._service: str | None = None
        self._resource = b"{}"
        self._shown_url = ""
        self._is_near = False
        self._sending: _Sending | None = None
        self._batch_limit: int | None = None
        self._retrying = Retrying(clock_s)
        self._repeats = Repeats()

    # -- what the emitter asks --------------------------------------------------------------------------------------

    @property
    def is_failing(self) -> bool:
        return self._retrying.is_failing

    @property
    def is_sending(self) -> bool:
        """A batch is on its way."""
        return self._sending is not None

    @property
    def in_memory(self) -> int:
        """How many events are neither delivered nor on disk."""
        sending = self._sending
        return len(self._backlog) + (sending.batch.event_count if sending is not None and sending.events is not None else 0)

    @property
    def is_done(self) -> bool:
        """The collector has everything of this process."""
        has_own = self._sending is not None and self._sending.source is not self._leftovers
        return not len(self._backlog) and not has_own and (self._spool is None or self._spool.is_empty)

    @property
    def next_s(self) -> float | None:
        """How long there is nothing to do here, if no event comes; None: for ever."""
        if self._sending is not None:
            # An answer wakes the emitter; this is for the case that none comes.
            return self._settings.post_timeout_s if self._settings else 1.0
        if not self.is_done:
            return self._retrying.due_s
        has_more = self._leftovers is not None and self._leftovers.may_have_more and not self.is_failing
        return LEFTOVERS_PACE_S if has_more else None

    # -- what the emitter does --------------------------------------------------------------------------------------

    def use(self, settings: DeliverySettings) -> None:
        """The settings of now; another address is another connection, and another spool."""
        if settings == self._settings:
            return
        from sdk_hooks.spool.destination import plain_url

        self.close()
        transport = self._connect(settings.url, settings.api_key)
        has_thread = self._has_thread and settings.delivery != "sync"
        self._posting = Posting(transport, has_thread=has_thread, on_late_answer=self._on_late_answer)
        resource = self._describe(settings)
        self._service = str(resource["service.name"]) if "service.name" in resource else None
        self._resource = encode_event(dict(resource))
        self._open_spool(settings)
        self._settings = settings
        self._shown_url = plain_url(settings.url)
        # On one machine compressing costs more than carrying: 3 to 5 µs a call here, and the taking apart there.
        self._is_near = is_near(settings.url)
        self._batch_limit = None
        self._repeats = Repeats()
        self._retrying.reset()

    def _open_spool(self, settings: DeliverySettings) -> None:
        # Imported here, in the emitter's thread: the host's imports need not wait for it.
        from sdk_hooks.spool.leftovers import Leftovers
        from sdk_hooks.spool.own import OwnSpool

        folder = (settings.spool_dir or self._default_folder) if settings.spool_max_bytes else None
        self._leftovers = Leftovers(self._losses, self._clock_s, folder=folder, destination=self._destination)
        self._spool = OwnSpool(
            self._losses,
            self._clock_s,
            folder=folder,
            max_bytes=settings.spool_max_bytes,
            max_age_s=settings.spool_max_age_s,
            destination=self._destination,
        )

    def run(self, *, force: bool, until_s: float, leftovers: int = 0) -> None:
        """
        POST batch after batch, until nothing waits, the collector says later, or it is `until_s`; the rest goes to disk.

        `force` does not wait for our own backoff, but for what the collector asked (`Retry-After`). When everything of our own
        is delivered, so many batches follow that other processes left behind.
        """
        posting = self._posting
        if posting is None:
            return
        while self._sending is not None or self._begin(posting, force, until_s, leftovers > 0):
            answer = posting.wait(max(0.0, until_s - self._clock_s()))
            if answer is None:
                break
            leftovers -= self._sending is not None and self._sending.source is self._leftovers
            if not self._settle(answer):
                break
        self._spill()

    def close(self) -> None:
        """What is on disk is for whoever comes next; what is in memory stays."""
        sending, self._sending = self._sending, None
        if sending is not None and sending.events is not None:
            self._backlog.put_back(sending.events)
        if self._posting is not None:
            self._posting.close()
        for held in (self._spool, self._leftovers):
            if held is not None:
                held.close()

    def abandon(self) -> None:
        """In a forked child: the parent keeps its connection and its locks; only our handles of them go."""
        if self._posting is not None:
            self._posting.abandon()
        for held in (self._spool, self._leftovers):
            if held is not None:
                held.close()

    # -- one batch --------------------------------------------------------------------------------------------------

    def _begin(self, posting: Posting, force: bool, until_s: float, leftovers: bool) -> bool:
        settings = self._settings
        if settings is None or not self._retrying.may_try(force=force):
            return False
        sending = self._next(settings, leftovers and not self.is_failing)
        if sending is None:
            return False
        self._sending = sending
        in_place_s = max(LEAST_POST_S, until_s - self._clock_s())
        posting.start(sending.batch, timeout_s=settings.post_timeout_s, in_place_s=in_place_s)
        return True

    def _next(self, settings: DeliverySettings, leftovers: bool) -> _Sending | None:
        limit = self._batch_limit or settings.batch_max_events
        # While the collector is away a small batch is enough to see whether it is back.
        spool, joins = self._spool, not self.is_failing
        if spool is not None and (batch := spool.batch(limit, settings.batch_max_bytes, joins=joins)) is not None:
            return _Sending(batch, None, spool)
        if len(self._backlog):
            events = self._backlog.take(limit, settings.batch_max_bytes)
            parcel = self._repeats.shorten(events)
            batch = encode_batch(self._resource, parcel.events, store=parcel.store, compresses=not self._is_near)
            return _Sending(batch, events, None, parcel)
        if leftovers and self._leftovers is not None and spool is not None:
            batch = self._leftovers.batch(limit, settings.batch_max_bytes, held=spool.paths())
            return _Sending(batch, None, self._leftovers) if batch is not None else None
        return None

    def _settle(self, answer: Delivered | RetryLater | Refused | Denied) -> bool:
        """What becomes of the batch. False: no other one now."""
        sending, settings = self._sending, self._settings
        if sending is None or settings is None:
            return False
        count = sending.batch.event_count
        match answer:
            case Delivered() as receipt:
                self._retrying.healed(self._shown_url)
                self._count_rejected(self._delivered(sending, receipt))
                if self._batch_limit is not None:
                    self._batch_limit = min(self._batch_limit * 2, settings.batch_max_events)
                return True
            case Refused(status=413) if count > 1:
                self._give_back(sending)
                self._batch_limit = count // 2
                return True
            case Refused(status=status):
                self._release(sending)
                self._refused(status, count)
                return True
            case Denied(status=status):
                self._give_back(sending)
                self._retrying.wait(self._shown_url, None, f"refused with {status}", f"{CURE}; {KEPT}")
                return False
            case RetryLater(after_s=after_s, why=why):
                self._give_back(sending)
                self._retrying.wait(self._shown_url, after_s, why, KEPT)
                return False

    def _delivered(self, sending: _Sending, receipt: Delivered) -> Mapping[str, int]:
        """Let go of what the collector has; what refers to something that it lacks goes again, whole. What is lost."""
        parcel = sending.parcel
        if parcel is None:
            self._release(sending)
            return receipt.rejected
        self._repeats.learn(receipt.store, parcel, is_whole=not receipt.rejected)
        again = [n for n in receipt.unknown if n in parcel.referred]
        if not again:
            self._release(sending)
            return receipt.rejected
        self._repeats.forget({digest for n in again for digest in parcel.referred[n]})
        self._sending = None
        if sending.events is None:
            # On disk they are whole, in one record with the others: all of it goes again, and is answered then.
            return {}
        self._backlog.put_back([sending.events[n] for n in again])
        return {**receipt.rejected, UNKNOWN_REF: receipt.rejected[UNKNOWN_REF] - len(again)}

    def _release(self, sending: _Sending) -> None:
        self._sending = None
        if sending.source is not None:
            sending.source.release()

    def _give_back(self, sending: _Sending) -> None:
        self._sending = None
        if sending.events is not None:
            self._backlog.put_back(sending.events)

    def _spill(self) -> None:
        """What is in memory goes to disk, the batch that is on its way first. Without a disk it stays, within bounds."""
        settings, spool, sending = self._settings, self._spool, self._sending
        if settings is None or spool is None:
            return
        if sending is not None and sending.events is not None and spool.append(encode_batch(self._resource, sending.events)):
            # From now on the record on disk is what the answer is about.
            head = spool.batch(sending.batch.event_count, settings.batch_max_bytes, joins=False)
            self._sending = _Sending(sending.batch, None, spool if head is not None else None, sending.parcel)
        if self._sending is None or self._sending.events is None:
            while len(self._backlog) and self._spill_one(settings, spool):
                pass
        gone = self._backlog.trim(settings.buffer_max_events, settings.buffer_max_bytes // 2)
        self._losses.count("undelivered", gone)

    def _spill_one(self, settings: DeliverySettings, spool: OwnSpool) -> bool:
        events = self._backlog.take(min(MOST_EVENTS_ON_DISK, settings.batch_max_events), settings.batch_max_bytes)
        if spool.append(encode_batch(self._resource, events)):
            return True
        self._backlog.put_back(events)
        return False

    # -- counting --------------------------------------------------------------------------------------------------

    def _count_rejected(self, rejected: Mapping[str, int]) -> None:
        for code, count in rejected.items():
            if not count:
                continue
            self._losses.count("rejected", count)
            self._losses.count(f"rejected_{code}", count)

    def _refused(self, status: int, count: int) -> None:
        if status == 413:
            self._losses.count("too_large", count)
            return
        self._losses.count("refused", count)
        self._losses.count(f"refused_{status}", count)
        self._retrying.failed(self._shown_url, f"refused with {status}", "what is refused is lost")

    def _destination(self) -> Destination:
        from sdk_hooks.spool.destination import Destination, key_tag, plain_url

        settings = self._settings or DeliverySettings()
        return Destination(plain_url(settings.url), self._project(), self._service, key_tag(settings.api_key))
