"""
The group-commit writer: many requests a commit.

Flow: ingest, pipeline -> **GroupWriter** -> Committer -> `batches.store` | a work job -> commit and sync -> the futures.
While one group is being synced the next one gathers by itself, so there is no waiting time to tune. Ingest goes first; work has
its turn when no request waits, or when it has waited long enough, in a transaction of its own: neither starves the other.
Where a database takes several writers at once, a second thread with a connection of its own does what piles up behind the first.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from collector.clock import Clock
from collector.errors import StoreBusy, StoreError, StoreUnavailable
from collector.events import Batch, Receipt
from collector.storage.batches import store_batches
from collector.storage.committer import CommitHealth, Committer, Job
from collector.storage.engine import Engine
from collector.storage.pressure import Pressure

T = TypeVar("T")

MAX_GROUP_EVENTS = 5_000
MAX_GROUP_JOBS = 8
WORK_WAITS_S = 0.02
"""How long assembly and exports wait at most while requests queue up for their commit."""
PRESSED_REQUESTS = 16
PRESSED_FOR_S = 0.1
"""After a commit of so many requests at once the next ones are on their way: their senders sit there with the answer."""
SECOND_FROM_EVENTS = 250
"""The second thread takes events only where so many wait behind the first: smaller groups cost more each."""
_PROBE_EVERY_S = 1.0


@dataclass(slots=True, eq=False)
class _Append:
    batch: Batch
    since_s: float
    future: Future[Receipt] = field(default_factory=Future[Receipt])


@dataclass(slots=True, eq=False)
class _Job:
    run: Job
    since_s: float
    is_alone: bool
    future: Future[Any] = field(default_factory=Future[Any])


@dataclass(slots=True, eq=False)
class _Hand:
    """What one of the writer's threads works with."""

    committer: Committer
    is_first: bool
    """The others only do what piles up behind this one."""
    busy_since_s: float | None = None
    """Since when the oldest of what it took has waited; None while it has nothing."""


class GroupWriter:
    """Owns the engine's writing connections. All methods may be called from any thread."""

    def __init__(self, engine: Engine, clock: Clock, *, settle_ms: int, queue_max_events: int) -> None:
        self._engine = engine
        self._clock = clock
        self._settle_ms = settle_ms
        self._queue_max_events = queue_max_events
        lock = threading.RLock()
        self._changed = threading.Condition(lock)
        self._piled_up = threading.Condition(lock)
        """For the second thread, if there is one."""
        self._appends: deque[_Append] = deque()
        self._jobs: deque[_Job] = deque()
        self._queued_events = 0
        self._waiting_events = 0
        """Of the queued ones those that no thread has taken."""
        self._pressed_until_s = float("-inf")
        self._pressure = Pressure()
        self._health = CommitHealth(clock)
        self._closing = False
        self._hands = [_Hand(Committer(engine, self._health), is_first=not n) for n in range(engine.writers_at_once)]
        self._threads = [
            threading.Thread(target=self._run, args=(hand,), name=f"hookline-writer-{n}", daemon=True)
            for n, hand in enumerate(self._hands, start=1)
        ]
        for thread in self._threads:
            thread.start()

    def append(self, batch: Batch) -> Future[Receipt]:
        """Queue a batch; see `EventWriter.append`."""
        append = _Append(batch, self._clock.monotonic_s())
        with self._changed:
            self._refuse_when_closing()
            if self._queued_events and self._queued_events + len(batch.events) > self._queue_max_events:
                raise StoreBusy(f"{self._queued_events} events wait for a commit: try again in a moment")
            self._queued_events += len(batch.events)
            self._waiting_events += len(batch.events)
            self._appends.append(append)
            self._wake()
        return append.future

    def run(self, job: Callable[[Connection], T], *, is_alone: bool = False) -> T:
        """
        Run a job in a transaction on a writing connection; back after its commit. Not from a future's callback.

        With `is_alone` there is no transaction: for what an engine does outside of one. Commits wait meanwhile.
        """
        return self.begin(job, is_alone=is_alone).result()

    def begin(self, job: Callable[[Connection], T], *, is_alone: bool = False) -> Future[T]:
        """The same for those who have more to do meanwhile: the future is done after the commit."""
        queued = _Job(job, self._clock.monotonic_s(), is_alone)
        with self._changed:
            self._refuse_when_closing()
            self._jobs.append(queued)
            self._wake()
        return queued.future

    def queued_events(self) -> int:
        """Events whose commit is still to come."""
        return self._queued_events

    def is_pressed(self) -> bool:
        """See `WorkQueue.is_pressed`."""
        return self._pressure.is_high(self._clock.monotonic_s())

    def last_commit_age_s(self) -> float:
        """Seconds since a commit was last shown to work while something waited, or since commits began to fail."""
        with self._changed:
            waiting = [queue[0].since_s for queue in (self._appends, self._jobs) if queue]
            busy = [hand.busy_since_s for hand in self._hands]
            since = [at for at in (*waiting, *busy, self._health.failing_since_s) if at is not None]
        return max(0.0, self._clock.monotonic_s() - min(since)) if since else 0.0

    def failing_because(self) -> str | None:
        """Why the last commit failed; None as soon as commits work again."""
        return self._health.failing_because

    def close(self, timeout_s: float = 10.0) -> None:
        """Commit what is queued, for at most `timeout_s`; what is left fails with StoreUnavailable."""
        ends_s = time.monotonic() + timeout_s
        self._end()
        for thread in self._threads:
            thread.join(max(0.0, ends_s - time.monotonic()))
        with self._changed:
            self._fail_queued(StoreUnavailable("the store was closed before this could be written"))

    def _end(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()
            self._piled_up.notify()

    def _refuse_when_closing(self) -> None:
        if self._closing:
            raise StoreUnavailable("the store is closing")

    def _wake(self) -> None:
        """Something came."""
        self._changed.notify()
        if self._is_piled_up():
            self._piled_up.notify()

    def _is_piled_up(self) -> bool:
        """Whether there is something for the second thread."""
        return self._hands[0].busy_since_s is not None and (bool(self._jobs) or self._waiting_events >= SECOND_FROM_EVENTS)

    def _run(self, hand: _Hand) -> None:
        try:
            while self._wait(hand.committer) if hand.is_first else self._wait_for_more():
                # Handed on, not held: what was committed would stay in memory until the next group.
                self._commit_appends(hand, self._take_appends(hand))
                self._commit_jobs(hand, self._take_jobs(hand))
        finally:
            self._end()
            if hand.is_first:
                with self._changed:
                    self._fail_queued(StoreUnavailable("the writer ended"))
            hand.committer.disconnect()

    def _wait(self, committer: Committer) -> bool:
        """Until there is something to do; False when closed and drained."""
        with self._changed:
            while not self._appends and not self._jobs:
                if self._closing:
                    return False
                heard = self._changed.wait(_PROBE_EVERY_S if self._health.failing_since_s is not None else None)
                if not heard:
                    break
            is_silent = not self._appends and not self._jobs
            if not self._appends:
                self._wait_for_requests()
        if is_silent:
            committer.probe()
        return True

    def _wait_for_more(self) -> bool:
        """Until more is there than the first thread gets done; False when closed: what is left is the first one's."""
        with self._piled_up:
            self._piled_up.wait_for(lambda: self._closing or self._is_piled_up())
            return not self._closing

    def _wait_for_requests(self) -> None:
        """Jobs are there and no requests, but of those more are to be expected at once."""
        now_s = self._clock.monotonic_s()
        ends_s = min(self._pressed_until_s, self._jobs[0].since_s + WORK_WAITS_S) if self._jobs else now_s
        is_over = now_s >= ends_s or not self._changed.wait_for(lambda: self._appends or self._closing, ends_s - now_s)
        if is_over:
            self._pressed_until_s = now_s

    def _take_appends(self, hand: _Hand) -> list[_Append]:
        taken: list[_Append] = []
        count = 0
        with self._changed:
            if not hand.is_first and self._waiting_events < SECOND_FROM_EVENTS:
                return []
            while self._appends and (not taken or count + len(self._appends[0].batch.events) <= MAX_GROUP_EVENTS):
                append = self._appends.popleft()
                self._waiting_events -= len(append.batch.events)
                if append.future.set_running_or_notify_cancel():
                    taken.append(append)
                    count += len(append.batch.events)
                else:
                    self._queued_events -= len(append.batch.events)
            hand.busy_since_s = taken[0].since_s if taken else None
            if self._is_piled_up():
                self._piled_up.notify()
        return taken

    def _take_jobs(self, hand: _Hand) -> list[_Job]:
        with self._changed:
            # What senders wait for goes first; work only gets what is left, but always something. Beside another thread that
            # takes requests it keeps none of them waiting.
            now_s = self._clock.monotonic_s()
            is_pressed = bool(self._appends) or (now_s < self._pressed_until_s and not self._closing)
            if self._jobs and is_pressed and hand.is_first and now_s - self._jobs[0].since_s < WORK_WAITS_S:
                return []
            taken = [self._jobs.popleft() for _ in range(min(len(self._jobs), MAX_GROUP_JOBS))]
            hand.busy_since_s = taken[0].since_s if taken else None
        return [job for job in taken if job.future.set_running_or_notify_cancel()]

    def _commit_appends(self, hand: _Hand, appends: Sequence[_Append]) -> None:
        if not appends:
            return
        began_s = self._clock.monotonic_s()
        batches = [append.batch for append in appends]
        outcome = hand.committer.transact(lambda connection: store_batches(self._engine, connection, batches, self._settle_ms))
        events = sum(len(batch.events) for batch in batches)
        with self._changed:
            self._queued_events -= events
        if len(batches) >= PRESSED_REQUESTS:
            self._pressed_until_s = self._clock.monotonic_s() + PRESSED_FOR_S
            self._pressure.note_many_senders(self._pressed_until_s)
        if isinstance(outcome, StoreError):
            self._health.note_refused_events()
        else:
            self._health.note_success(of_events=True)
        self._resolve(hand, [append.future for append in appends], outcome)
        now_s = self._clock.monotonic_s()
        if hand.is_first:
            self._pressure.note_requests(now_s, took_s=now_s - began_s, events=events)

    def _commit_jobs(self, hand: _Hand, jobs: Sequence[_Job]) -> None:
        if not jobs:
            return
        began_s = self._clock.monotonic_s()
        together = [job for job in jobs if not job.is_alone]
        if together:
            self._resolve(hand, [job.future for job in together], hand.committer.run([job.run for job in together]))
        for job in jobs:
            if job.is_alone:
                self._resolve(hand, [job.future], hand.committer.run_alone(job.run))
        now_s = self._clock.monotonic_s()
        if hand.is_first:
            self._pressure.note_jobs(now_s, took_s=now_s - began_s)

    def _resolve(self, hand: _Hand, futures: Sequence[Future[Any]], outcome: Sequence[Any] | StoreError) -> None:
        results = [outcome] * len(futures) if isinstance(outcome, StoreError) else outcome
        hand.busy_since_s = None
        for future, result in zip(futures, results, strict=True):
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _fail_queued(self, error: StoreError) -> None:
        for queued in (*self._appends, *self._jobs):
            if queued.future.set_running_or_notify_cancel():
                queued.future.set_exception(error)
        self._appends.clear()
        self._jobs.clear()
        self._queued_events = self._waiting_events = 0
