"""
The group-commit writer: one thread, one connection, many requests a commit.

Flow: ingest, pipeline -> **GroupWriter** -> `batches.store` | a work job -> commit and sync -> the futures.
While one group is being synced the next one gathers by itself, so there is no waiting time to tune. Ingest goes first; work has
its turn when no request waits, or when it has waited long enough, in a transaction of its own: neither starves the other.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from collector.clock import Clock
from collector.errors import HooklineError, StoreBusy, StoreError, StoreUnavailable
from collector.events import Batch, Receipt
from collector.storage.batches import store_batches
from collector.storage.engine import Engine
from collector.storage.failures import reason_of
from collector.storage.pressure import Pressure
from collector.storage.savepoints import savepoint

log: Any = structlog.get_logger(__name__)

T = TypeVar("T")

MAX_GROUP_EVENTS = 5_000
MAX_GROUP_JOBS = 8
WORK_WAITS_S = 0.05
"""How long assembly and exports wait at most while requests queue up for their commit."""
PRESSED_REQUESTS = 16
PRESSED_FOR_S = 0.1
"""After a commit of so many requests at once the next ones are on their way: their senders sit there with the answer."""
_PROBE_EVERY_S = 1.0
_REST_AFTER_FAILURE_S = 3.0
"""A small write may go through where events don't: so long after a failed group only events prove that commits work again."""
_ATTEMPTS = 3


@dataclass(slots=True, eq=False)
class _Append:
    batch: Batch
    since_s: float
    future: Future[Receipt] = field(default_factory=Future[Receipt])


@dataclass(slots=True, eq=False)
class _Job:
    run: Callable[[Connection], Any]
    since_s: float
    is_alone: bool
    future: Future[Any] = field(default_factory=Future[Any])


class GroupWriter:
    """Owns the engine's writing connection. All methods may be called from any thread."""

    def __init__(self, engine: Engine, clock: Clock, *, settle_ms: int, queue_max_events: int) -> None:
        self._engine = engine
        self._clock = clock
        self._settle_ms = settle_ms
        self._queue_max_events = queue_max_events
        self._changed = threading.Condition()
        self._appends: deque[_Append] = deque()
        self._jobs: deque[_Job] = deque()
        self._queued_events = 0
        self._busy_since_s: float | None = None
        self._pressed_until_s = float("-inf")
        self._pressure = Pressure()
        self._failing_since_s: float | None = None
        self._failing_because: str | None = None
        self._refused_at_s = float("-inf")
        self._closing = False
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="hookline-writer", daemon=True)
        self._thread.start()

    def append(self, batch: Batch) -> Future[Receipt]:
        """Queue a batch; see `EventWriter.append`."""
        append = _Append(batch, self._clock.monotonic_s())
        with self._changed:
            self._refuse_when_closing()
            if self._queued_events and self._queued_events + len(batch.events) > self._queue_max_events:
                raise StoreBusy(f"{self._queued_events} events wait for a commit: try again in a moment")
            self._queued_events += len(batch.events)
            self._appends.append(append)
            self._changed.notify()
        return append.future

    def run(self, job: Callable[[Connection], T], *, is_alone: bool = False) -> T:
        """
        Run a job in a transaction on the writing connection; back after its commit. Not from a future's callback.

        With `is_alone` there is no transaction: for what an engine does outside of one. Commits wait meanwhile.
        """
        queued = _Job(job, self._clock.monotonic_s(), is_alone)
        with self._changed:
            self._refuse_when_closing()
            self._jobs.append(queued)
            self._changed.notify()
        return queued.future.result()

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
            since = [at for at in (*waiting, self._busy_since_s, self._failing_since_s) if at is not None]
        return max(0.0, self._clock.monotonic_s() - min(since)) if since else 0.0

    def failing_because(self) -> str | None:
        """Why the last commit failed; None as soon as commits work again."""
        return self._failing_because

    def close(self, timeout_s: float = 10.0) -> None:
        """Commit what is queued, for at most `timeout_s`; what is left fails with StoreUnavailable."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout_s)
        with self._changed:
            self._fail_queued(StoreUnavailable("the store was closed before this could be written"))

    def _refuse_when_closing(self) -> None:
        if self._closing:
            raise StoreUnavailable("the store is closing")

    def _run(self) -> None:
        try:
            while self._wait():
                # Handed on, not held: what was committed would stay in memory until the next group.
                self._commit_appends(self._take_appends())
                self._commit_jobs(self._take_jobs())
        finally:
            with self._changed:
                self._closing = True
                self._fail_queued(StoreUnavailable("the writer ended"))
            self._disconnect()

    def _wait(self) -> bool:
        """Until there is something to do; False when closed and drained."""
        with self._changed:
            while not self._appends and not self._jobs:
                if self._closing:
                    return False
                heard = self._changed.wait(_PROBE_EVERY_S if self._failing_since_s is not None else None)
                if not heard:
                    break
            if not self._appends:
                self._wait_for_requests()
        if not self._appends and not self._jobs:
            self._probe()
        return True

    def _wait_for_requests(self) -> None:
        """Jobs are there and no requests, but of those more are to be expected at once."""
        now_s = self._clock.monotonic_s()
        ends_s = min(self._pressed_until_s, self._jobs[0].since_s + WORK_WAITS_S) if self._jobs else now_s
        is_over = now_s >= ends_s or not self._changed.wait_for(lambda: self._appends or self._closing, ends_s - now_s)
        if is_over:
            self._pressed_until_s = now_s

    def _take_appends(self) -> list[_Append]:
        taken: list[_Append] = []
        count = 0
        with self._changed:
            while self._appends and (not taken or count + len(self._appends[0].batch.events) <= MAX_GROUP_EVENTS):
                append = self._appends.popleft()
                if append.future.set_running_or_notify_cancel():
                    taken.append(append)
                    count += len(append.batch.events)
                else:
                    self._queued_events -= len(append.batch.events)
            self._busy_since_s = taken[0].since_s if taken else None
        return taken

    def _take_jobs(self) -> list[_Job]:
        with self._changed:
            # What senders wait for goes first; work only gets what is left, but always something.
            now_s = self._clock.monotonic_s()
            is_pressed = bool(self._appends) or (now_s < self._pressed_until_s and not self._closing)
            if self._jobs and is_pressed and now_s - self._jobs[0].since_s < WORK_WAITS_S:
                return []
            taken = [self._jobs.popleft() for _ in range(min(len(self._jobs), MAX_GROUP_JOBS))]
            self._busy_since_s = taken[0].since_s if taken else None
        return [job for job in taken if job.future.set_running_or_notify_cancel()]

    def _commit_appends(self, appends: Sequence[_Append]) -> None:
        if not appends:
            return
        began_s = self._clock.monotonic_s()
        batches = [append.batch for append in appends]
        outcome = self._transact(lambda connection: store_batches(self._engine, connection, batches, self._settle_ms))
        with self._changed:
            self._queued_events -= sum(len(batch.events) for batch in batches)
        if len(batches) >= PRESSED_REQUESTS:
            self._pressed_until_s = self._clock.monotonic_s() + PRESSED_FOR_S
            self._pressure.note_many_senders(self._pressed_until_s)
        if isinstance(outcome, StoreError):
            self._refused_at_s = self._clock.monotonic_s()
        else:
            self._note_success()
        self._resolve([append.future for append in appends], outcome)
        now_s = self._clock.monotonic_s()
        self._pressure.note(now_s, requests_s=now_s - began_s)

    def _commit_jobs(self, jobs: Sequence[_Job]) -> None:
        if not jobs:
            return
        began_s = self._clock.monotonic_s()
        together = [job for job in jobs if not job.is_alone]
        if together:
            outcome = self._transact(lambda connection: [self._attempt(connection, job) for job in together])
            self._resolve([job.future for job in together], outcome)
        for job in jobs:
            if job.is_alone:
                self._resolve([job.future], self._run_alone(job))
        now_s = self._clock.monotonic_s()
        self._pressure.note(now_s, jobs_s=now_s - began_s)

    def _run_alone(self, job: _Job) -> list[Any] | StoreError:
        try:
            return [job.run(self._connect())]
        except Exception as exc:
            self._disconnect()
            if isinstance(exc, StoreError):
                return exc
            failure = StoreUnavailable(f"the database refused ({type(exc).__name__}): is there room on the disk?")
            failure.__cause__ = exc
            return failure

    def _attempt(self, connection: Connection, job: _Job) -> Any:
        """A job's result or its own error; an error of the database ends the whole group."""
        try:
            with savepoint(connection, "job"):
                return job.run(connection)
        except HooklineError as exc:
            return exc
        except Exception as exc:
            if self._engine.verdict(exc) != "refused":
                raise
            return exc

    def _transact(self, work: Callable[[Connection], list[T]]) -> list[T] | StoreError:
        """Run the work in one transaction; only after its commit is there a result."""
        for attempt in range(1, _ATTEMPTS + 1):
            was_open, is_committing = self._connection is not None, False
            try:
                connection = self._connect()
                with connection.begin():
                    results = work(connection)
                    is_committing = True
            except Exception as exc:
                self._disconnect()
                verdict = self._engine.verdict(exc)
                # A connection may have died in its sleep; whether a broken commit counted can't be known, so it isn't repeated.
                is_stale = verdict == "away" and was_open and not is_committing
                if (is_stale or verdict == "again") and attempt < _ATTEMPTS:
                    continue
                return self._note_failure(exc)
            if self._clock.monotonic_s() - self._refused_at_s >= _REST_AFTER_FAILURE_S:
                self._note_success()
            return results
        raise AssertionError("the last attempt returns")

    def _note_success(self) -> None:
        if self._failing_since_s is not None:
            log.info("commits_resumed", failed_for_s=round(self._clock.monotonic_s() - self._failing_since_s, 1))
        self._failing_since_s = self._failing_because = None

    def _note_failure(self, exc: Exception) -> StoreError:
        reason = reason_of(exc)
        if reason != self._failing_because:
            log.error("commit_failed", reason=reason, error=type(exc).__name__)
        self._failing_because = reason
        if self._failing_since_s is None:
            self._failing_since_s = self._clock.monotonic_s()
        if isinstance(exc, StoreError):
            return exc
        failure = StoreUnavailable(f"nothing was stored, try again later: {reason}")
        failure.__cause__ = exc
        return failure

    def _resolve(self, futures: Sequence[Future[Any]], outcome: Sequence[Any] | StoreError) -> None:
        results = [outcome] * len(futures) if isinstance(outcome, StoreError) else outcome
        self._busy_since_s = None
        for future, result in zip(futures, results, strict=True):
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _probe(self) -> None:
        """While commits fail and nothing is sent any more, find out when they work again."""

        def write(connection: Connection) -> list[None]:
            self._engine.write_something(connection)
            return []

        self._transact(write)

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect_writer()
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.invalidate()
            connection.close()
        except Exception:
            # Gone is what we wanted; a new connection is made at the next group.
            return

    def _fail_queued(self, error: StoreError) -> None:
        for queued in (*self._appends, *self._jobs):
            if queued.future.set_running_or_notify_cancel():
                queued.future.set_exception(error)
        self._appends.clear()
        self._jobs.clear()
        self._queued_events = 0
