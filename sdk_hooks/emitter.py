"""
One thread that turns records into events and sees to their delivery.

Flow: recorder -> **emitter** -> delivery -> transport.
Started with the first record, paced so that the host's threads keep running, parked when there is nothing to do.
`sequence` and `eventId` are given here: one order, without gaps.
"""

from collections.abc import Callable
from contextvars import Context
from math import inf
from threading import Condition, RLock, Thread, current_thread
from time import monotonic, perf_counter, sleep

from sdk_hooks.bell import Bell
from sdk_hooks.buffer import URGENT_COUNT, Backlog, Inbox, Record
from sdk_hooks.config import DeliverySettings, Event
from sdk_hooks.context import suppress, unsuppress
from sdk_hooks.cutting import MESSAGE_MAX_BYTES, fit
from sdk_hooks.delivery import Delivery
from sdk_hooks.encoding import encode_event
from sdk_hooks.guard import guard, log, log_seldom
from sdk_hooks.heads import Headed, encode_headed
from sdk_hooks.loading import load
from sdk_hooks.loss_counts import Losses
from sdk_hooks.redact import RedactFailed, prepare
from sdk_hooks.repeats import encode_long

WORK_S = 200e-6
REST_S = 500e-6
"""After 200 µs of work the host gets the interpreter for half a millisecond: measured, it stalls 3 ms instead of 40."""
GATHER = 0.75
"""Part of the flush interval in which events gather. An eighth goes into waiting for the collector before they go to disk, so
that what is older than the interval is delivered or on disk; an eighth is for the disk and for waiting for the interpreter."""
WORK_MAX_S = 1e-3
"""Beside a host that never blocks."""
WATCH_MAX_S = 1.0
WATCH_CALL_S = 2e-3
"""Calls that have nothing new are looked at less often the more there are: once a second at most."""
LINGER_S = 10.0
"""
So long after the last event the thread looks for calls by itself, each interval, before it parks: a call that comes then need not
wake it. Beside a host that works, waking it is most of what a call costs: both want the interpreter at once.
"""
REPLAY_REST_S = 0.02
"""Between two rounds while there is more on disk for a collector that is back."""
LOST_ON_THE_WAY = ("undelivered", "refused", "rejected", "too_large", "spool_full", "spool_torn")
FINISH_S = 1.0
"""How long the end of the process waits for the emitter's thread to come out of a round, where it does not get on."""
ANSWER_S = 0.1
"""How much later than asked the emitter may answer somebody who waits."""
AGAIN_S = 0.1
"""Between two tries while somebody waits in `flush`."""
LEFTOVERS_AT_EXIT = 1_000
LEFTOVERS_AT_EXIT_S = 0.25
"""What other processes left behind may keep the end of this one waiting: where every process is short, nobody else sends it."""
LONG_CALL_BYTES = 1400
"""From this estimate on a call may hold a message that is worth a reference; the messages of others are not looked at."""


class _Flush:
    """Somebody waits for everything that was recorded so far."""

    __slots__ = ("give_up_early", "losses_before", "result", "until_s")

    def __init__(self, until_s: float, give_up_early: bool, losses_before: int) -> None:
        self.until_s = until_s
        self.give_up_early = give_up_early
        self.losses_before = losses_before
        self.result: bool | None = None


class Emitter:
    """The buffer, its thread, and the order of events of this process."""

    def __init__(
        self,
        *,
        settings: Callable[[], DeliverySettings],
        losses: Losses,
        prefix: str,
        delivery: Callable[[Backlog, Callable[[], float], Callable[[], None]], Delivery],
        on_start: Callable[[], None] = lambda: None,
        on_round: Callable[[], None] = lambda: None,
        starts_thread: bool = True,
        clock_s: Callable[[], float] = monotonic,
    ) -> None:
        self._settings = settings
        self._losses = losses
        self._prefix = prefix
        self._on_start = on_start
        self._on_round = on_round
        self._starts_thread = starts_thread
        self._inbox = Inbox(self._wake, self._full)
        self.offer = self._inbox.offer
        """Take a record in. False, counted: it does not fit, or the process is at its end."""
        self._live: list[Record] = []
        self._backlog = Backlog()
        self._clock_s = clock_s
        self._sequence = 0
        self._thread: Thread | None = None
        self._starting = RLock()
        self._cycling = RLock()
        self._bell = Bell()
        self._delivery = delivery(self._backlog, clock_s, self._bell.ring)
        self._done = Condition()
        self._flushes: list[_Flush] = []
        self._is_watched = False
        self._closed = False
        self.hears_ends = True
        """Whether `ended` wants to be called: asked first, by a host's thread that need not call it."""
        self._is_cycling = False
        self._watch_s = 0.0
        self._linger_until_s = 0.0
        self.refresh()

    def refresh(self) -> None:
        """Take over changed settings (`configure`)."""
        self._now = self._settings()
        self._is_sync = self._now.delivery == "sync"
        self.hears_ends = self._is_sync or self._inbox.is_awaited
        self._make_room()

    def _make_room(self) -> None:
        self._inbox.room = 0 if self._closed else self._now.buffer_max_events - len(self._live)
        self._inbox.max_bytes = self._now.buffer_max_bytes // 2

    # -- called by the host's threads: short, never waiting for the collector (but in sync delivery) -----------------------

    def ended(self) -> None:
        """A call has ended. In sync delivery it is sent now."""
        if self._is_sync and not self._closed:
            # Not forced: while the collector is away, a host that waits for us must not wait at every call.
            with guard("emitter.sync"):
                self._cycle(force=False, until_s=self._clock_s() + self._now.exit_timeout_s)
        elif self._inbox.is_awaited:
            self._wake()

    def _wake(self) -> None:
        if self._thread is None:
            self._start()
        self._bell.ring()

    def _full(self) -> None:
        if not self._closed:
            self._losses.count("buffer_full")

    def flush(self, timeout_s: float, *, give_up_early: bool = False) -> bool:
        """Wait until everything recorded so far is delivered. False: some of it is not even on disk, or not in time."""
        if self._is_cycling and (self._thread is None or current_thread() is self._thread):
            # `redact` calls us from inside: waiting for ourselves would never end.
            return False
        ticket = _Flush(self._clock_s() + timeout_s, give_up_early, self._lost())
        if self._thread is None or not self._thread.is_alive():
            return self._flush_here(ticket)
        with self._done:
            self._flushes.append(ticket)
            self._bell.ring()
            self._done.wait_for(lambda: ticket.result is not None, timeout_s + ANSWER_S)
        return bool(ticket.result)

    def close(self, timeout_s: float) -> bool:
        """
        The last flush: at most `timeout_s`, and less when the collector is away. What stays is on disk for the next process.

        Only where there is no disk for it, it is counted as `exit`.
        """
        if self._closed:
            return True
        is_safe = self.flush(timeout_s, give_up_early=True)
        self._closed = True
        self._make_room()
        self._bell.ring()
        if self._cycling.acquire(timeout=FINISH_S):
            try:
                with guard("emitter.close"):
                    self._finish()
            finally:
                self._cycling.release()
        left = self._delivery.in_memory + len(self._inbox)
        if left:
            self._losses.count("exit", left)
        lost = left + self._lost()
        if lost:
            log("warning", "hookline: %d events of this process were not delivered and are lost; losses() tells why", lost)
        return is_safe

    @property
    def is_idle(self) -> bool:
        """Nothing that was recorded so far is in memory only."""
        return not len(self._inbox) and not self._live and not self._delivery.in_memory and not self._is_cycling

    def abandon(self) -> None:
        """After a fork: these records are the parent's, and so are the connection and the spool's files."""
        self._closed = True
        self._make_room()
        with guard("emitter.abandon"):
            self._delivery.abandon()

    def _finish(self) -> None:
        if not self.is_idle:
            # The emitter's thread got no processor in all the time: what it did not come to is done here.
            self._cycle(force=False, until_s=self._clock_s())
        if self._delivery.is_done and not self._delivery.is_failing:
            self._delivery.run(force=False, until_s=self._clock_s() + LEFTOVERS_AT_EXIT_S, leftovers=LEFTOVERS_AT_EXIT)
        self._delivery.close()

    def _start(self) -> None:
        with self._starting:
            if not self._is_watched:
                self._is_watched = True
                self._on_start()
            if self._thread is not None or not self._starts_thread or self._now.delivery == "sync":
                return
            # An empty context: the host's session or span must not live on in this thread.
            try:
                thread = Thread(target=Context().run, args=(self._run,), name="hookline-emitter", daemon=True)
                thread.start()
            except RuntimeError:
                # The interpreter is ending, or allows no such threads: `close` sends what there is.
                return
            self._thread = thread

    # -- the emitter's thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        with guard("emitter.load"):
            load(is_https=self._now.url.startswith("https:"))
        while not self._closed:
            self._rest()
            self._on_round()
            self._round()

    def _rest(self) -> None:
        """Park while there is nothing to do, else wait a moment so that a batch comes together."""
        if self._flushes or self._closed:
            return
        next_s = self._delivery.next_s
        if not self._live:
            has_gathered = self._wait_for_calls(next_s)
            self._bell.hush()
            if has_gathered or not len(self._inbox):
                return
        if not self._flushes:
            self._listen(self._watch_s > 0)
            rest_s = max(self._now.flush_interval_s * GATHER, self._watch_s)
            self._bell.wait(rest_s if next_s is None else min(rest_s, max(next_s, REPLAY_REST_S)))
            self._listen(False)
        self._bell.hush()

    def _wait_for_calls(self, next_s: float | None) -> bool:
        """Until one comes, the bell rings, or `next_s` is over. True: those that came had an interval's time to gather."""
        now_s = self._clock_s()
        until_s = inf if next_s is None else now_s + max(next_s, REPLAY_REST_S)
        linger_until_s = min(until_s, self._linger_until_s)
        while now_s < linger_until_s and not self._flushes:
            if self._bell.wait(min(self._now.flush_interval_s * GATHER, linger_until_s - now_s)):
                return len(self._inbox) >= URGENT_COUNT
            if len(self._inbox):
                return True
            now_s = self._clock_s()
        self._listen(True)
        if not len(self._inbox) and not self._flushes and now_s < until_s:
            self._bell.wait(None if next_s is None else until_s - now_s)
        self._listen(False)
        return False

    def _listen(self, is_awaited: bool) -> None:
        self._inbox.is_awaited = is_awaited
        self.hears_ends = is_awaited or self._is_sync

    def _round(self) -> None:
        flushes = self._flushes[:]
        wait_s = self._now.flush_interval_s / 8
        if flushes:
            # Not longer at once: others may come who wait, too.
            wait_s = min(AGAIN_S, max(flush.until_s for flush in flushes) - self._clock_s())
        with guard("emitter"):
            self._cycle(force=bool(flushes), until_s=self._clock_s() + wait_s, is_paced=not flushes)
        if flushes:
            self._answer(flushes)
            if self._flushes and not self._delivery.is_sending:
                # Somebody still waits: try again soon, but do not hammer.
                self._bell.hush()
                self._bell.wait(AGAIN_S)

    def _answer(self, flushes: list[_Flush]) -> None:
        is_done = self._delivery.is_done
        with self._done:
            for flush in flushes:
                is_over = self._clock_s() >= flush.until_s or (flush.give_up_early and self._delivery.is_failing)
                if is_done or is_over:
                    flush.result = self._is_safe(flush)
                    self._flushes.remove(flush)
            self._done.notify_all()

    def _is_safe(self, flush: _Flush) -> bool:
        """Delivered or on disk, and nothing went since."""
        return not self._delivery.in_memory and self._lost() == flush.losses_before

    def _flush_here(self, ticket: _Flush) -> bool:
        """Without a thread (sync delivery, or at the very end of the interpreter) the caller does the work."""
        while True:
            with guard("emitter.flush"):
                self._cycle(force=True, until_s=ticket.until_s)
            is_late = self._clock_s() >= ticket.until_s or ticket.give_up_early or self._now.delivery == "sync"
            if is_late or self._delivery.is_done:
                return self._is_safe(ticket)
            sleep(AGAIN_S)

    def _cycle(self, *, force: bool, until_s: float, is_paced: bool = False) -> None:
        """Render what is new and deliver what waits. One thread at a time, and not from inside itself (destructors)."""
        if not self._cycling.acquire(timeout=max(ANSWER_S, until_s - self._clock_s())):
            return
        try:
            if self._is_cycling:
                return
            self._is_cycling = True
            # What a host's `redact` calls must not be recorded: that would never end.
            token = suppress()
            try:
                self._work(force, until_s, is_paced)
            finally:
                unsuppress(token)
                self._is_cycling = False
        finally:
            self._cycling.release()

    def _work(self, force: bool, until_s: float, is_paced: bool) -> None:
        settings = self._now
        self._delivery.use(settings)
        before = self._sequence
        self._render(is_paced)
        self._delivery.run(force=force, until_s=until_s, leftovers=1 if is_paced else 0)
        is_quiet = self._sequence == before
        if not is_quiet:
            self._linger_until_s = self._clock_s() + LINGER_S
        most_s = min(WATCH_MAX_S, len(self._live) * WATCH_CALL_S)
        self._watch_s = min(most_s, self._watch_s * 2 or settings.flush_interval_s) if is_quiet else 0.0

    def _render(self, is_paced: bool) -> None:
        self._live += self._inbox.take()
        self._make_room()
        pace = _Pace() if is_paced else None
        going, still = self._live[::-1], self._live
        still.clear()
        try:
            while going:
                self._render_one(going[-1], pace)
                # Let go of one by one: what comes next, in the host's thread as well, is made in memory that is at hand.
                record = going.pop()
                if not record.is_done:
                    still.append(record)
        finally:
            self._live += reversed(going)
        self._make_room()

    def _render_one(self, record: Record, pace: "_Pace | None") -> None:
        try:
            for event in record.drain():
                self._add(event, record)
                if pace is not None and not self._flushes and len(self._inbox) < self._now.buffer_max_events // 2:
                    pace.rest_if_due()
        except Exception as error:
            # What a hook's reader can't read: this call's remaining events are lost, others are not.
            record.is_done = True
            self._losses.count("render_failed")
            log_seldom("emitter.render", "hookline: a call could not be rendered (%s)", type(error).__name__)

    def _add(self, event: Event | Headed, record: Record) -> None:
        try:
            prepared = prepare(event, record.settings)
        except RedactFailed:
            self._losses.count("redact_failed")
            log_seldom("redact", "hookline: redact raised or returned no event; the event is not sent")
            return
        if prepared is None:
            self._losses.count("redacted")
            return
        sequence = self._sequence + 1
        event_id = f"{self._prefix}-{sequence}"
        is_long = record.size_bytes >= LONG_CALL_BYTES
        if isinstance(prepared, Headed):
            numbered = f'{prepared.head},"sequence":{sequence},"eventId":"{event_id}"'
            encoded = encode_headed(numbered, prepared.own, is_long=is_long)
            if len(encoded) > MESSAGE_MAX_BYTES:
                encoded = _fitted(encoded, Headed(numbered, prepared.own).whole())
        else:
            prepared["sequence"] = sequence
            prepared["eventId"] = event_id
            encoded = encode_long(prepared, encode_event) if is_long else encode_event(prepared)
            if len(encoded) > MESSAGE_MAX_BYTES:
                encoded = _fitted(encoded, prepared)
        self._backlog.add(encoded)
        self._sequence = sequence

    def _lost(self) -> int:
        counts = self._losses.snapshot()
        return sum(counts[reason] for reason in LOST_ON_THE_WAY)


def _fitted(encoded: bytes, event: Event) -> bytes:
    """The encoded event, or another with what had to be cut."""
    fitted = fit(event)
    return encoded if fitted == event else encode_long(fitted, encode_event)


class _Pace:
    """Gives the interpreter back after every slice of work."""

    __slots__ = ("_since_s", "_work_s")

    def __init__(self) -> None:
        self._since_s = perf_counter()
        self._work_s = WORK_S

    def rest_if_due(self) -> None:
        now_s = perf_counter()
        if now_s - self._since_s > self._work_s:
            sleep(REST_S)
            self._since_s = perf_counter()
            # A host that never blocks gives the interpreter back after five milliseconds only: then take more at a time,
            # a quarter of what it took, or it would be out of sight soon.
            waited_s = self._since_s - now_s - REST_S
            self._work_s = min(WORK_MAX_S, max(WORK_S, waited_s / 4))
