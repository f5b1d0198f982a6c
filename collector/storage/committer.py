"""
One writing connection and what happens on it: transactions, tried again where that is safe, and what a failure means.

Flow: GroupWriter -> **Committer** -> engine. A store may have several, each with a thread of its own; they share their health.
"""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from collector.clock import Clock
from collector.errors import HooklineError, StoreError, StoreUnavailable
from collector.storage.engine import Engine
from collector.storage.failures import reason_of
from collector.storage.savepoints import savepoint

log: Any = structlog.get_logger(__name__)

T = TypeVar("T")
Job = Callable[[Connection], Any]

_REST_AFTER_FAILURE_S = 3.0
"""A small write may go through where events don't: so long after a failed group only events prove that commits work again."""
_ATTEMPTS = 3


class CommitHealth:
    """Whether commits work, as the committers of a store find it. All methods may be called from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._refused_at_s = float("-inf")
        self.failing_since_s: float | None = None
        self.failing_because: str | None = None

    def note_success(self, *, of_events: bool) -> None:
        """A commit was synced. Told once, if it is the first one after a failure."""
        with self._lock:
            now_s = self._clock.monotonic_s()
            if self.failing_since_s is None or (not of_events and now_s - self._refused_at_s < _REST_AFTER_FAILURE_S):
                return
            log.info("commits_resumed", failed_for_s=round(now_s - self.failing_since_s, 1))
            self.failing_since_s = self.failing_because = None

    def note_refused_events(self) -> None:
        """A group of events could not be stored."""
        self._refused_at_s = self._clock.monotonic_s()

    def note_failure(self, exc: Exception) -> StoreError:
        """What to tell those who wait. Each new reason is told once."""
        reason = reason_of(exc)
        with self._lock:
            if reason != self.failing_because:
                log.error("commit_failed", reason=reason, error=type(exc).__name__)
            self.failing_because = reason
            if self.failing_since_s is None:
                self.failing_since_s = self._clock.monotonic_s()
        if isinstance(exc, StoreError):
            return exc
        failure = StoreUnavailable(f"nothing was stored, try again later: {reason}")
        failure.__cause__ = exc
        return failure


class Committer:
    """Holds a connection from its first use until something goes wrong on it. Used by one thread."""

    def __init__(self, engine: Engine, health: CommitHealth) -> None:
        self._engine = engine
        self._health = health
        self._connection: Connection | None = None

    def transact(self, work: Callable[[Connection], list[T]]) -> list[T] | StoreError:
        """Run the work in one transaction; only after its commit is there a result."""
        for attempt in range(1, _ATTEMPTS + 1):
            was_open, is_committing = self._connection is not None, False
            try:
                connection = self._connect()
                with connection.begin():
                    results = work(connection)
                    is_committing = True
            except Exception as exc:
                self.disconnect()
                verdict = self._engine.verdict(exc)
                # A connection may have died in its sleep; whether a broken commit counted can't be known, so it isn't repeated.
                is_stale = verdict == "away" and was_open and not is_committing
                if (is_stale or verdict == "again") and attempt < _ATTEMPTS:
                    continue
                return self._health.note_failure(exc)
            self._health.note_success(of_events=False)
            return results
        raise AssertionError("the last attempt returns")

    def run(self, jobs: list[Job]) -> list[Any] | StoreError:
        """Jobs in one transaction: each one's result or its own error; an error of the database ends them all."""
        return self.transact(lambda connection: [self._attempt(connection, job) for job in jobs])

    def run_alone(self, job: Job) -> list[Any] | StoreError:
        """A job outside of a transaction."""
        try:
            return [job(self._connect())]
        except Exception as exc:
            self.disconnect()
            if isinstance(exc, StoreError):
                return exc
            failure = StoreUnavailable(f"the database refused ({type(exc).__name__}): is there room on the disk?")
            failure.__cause__ = exc
            return failure

    def probe(self) -> None:
        """While commits fail and nothing is sent any more, find out when they work again."""

        def write(connection: Connection) -> list[None]:
            self._engine.write_something(connection)
            return []

        self.transact(write)

    def disconnect(self) -> None:
        """Let go of the connection; the next use makes a new one."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.invalidate()
            connection.close()
        except Exception:
            # Gone is what we wanted.
            return

    def _attempt(self, connection: Connection, job: Job) -> Any:
        try:
            with savepoint(connection, "job"):
                return job(connection)
        except HooklineError as exc:
            return exc
        except Exception as exc:
            if self._engine.verdict(exc) != "refused":
                raise
            return exc

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect_writer()
        return self._connection
