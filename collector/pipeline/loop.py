"""
A thread that runs one worker: at once when rung, else when something falls due, never in a busy circle.

Flow: pipeline -> **Loop** -> a worker's `run_once`, again and again until stopped.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import structlog

from collector.errors import StoreError

log: Any = structlog.get_logger(__name__)

LEAST_WAIT_S = 0.02
BREATH_S = 0.04
"""Rounds that find little begin no closer than this: a round has a price of its own, so a few calls each would cost double."""
MOST_IDLE_WAIT_S = 0.5
"""What is due by the store's word but not this worker's to do is looked at again no more often than this."""
MOST_FAILED_WAIT_S = 10.0
REST_A_ROUND = 2.0
"""A worker that steps back rests so many times as long as its round took. A third of the time stays its own: it never starves."""
MOST_REST_S = 1.0
PATIENCE_S = 5.0
"""So long a worker whose rounds are all full steps back: a rush passes, but a load that lasts must not leave it behind."""


class Loop:
    """
    `run_once` does what is due and tells how much; `until_due_s` how long there is nothing, None for no idea.

    The first round after a silence is at once; a round of `full` or more is followed by the next without a breath.
    While `is_pressed` says that others have more urgent work, each round is followed by a longer rest, unless so many were full,
    one after the other, that this worker falls behind.
    """

    def __init__(
        self,
        name: str,
        run_once: Callable[[], int],
        until_due_s: Callable[[], float | None],
        *,
        poll_s: float,
        full: int = 1,
        breath_s: float = BREATH_S,
        is_pressed: Callable[[], bool] = lambda: False,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._run_once = run_once
        self._until_due_s = until_due_s
        self._poll_s = poll_s
        self._full = full
        self._breath_s = breath_s
        self._is_pressed = is_pressed
        self._patience_s = patience_s
        self._bell = threading.Event()
        self._end = threading.Event()
        self._idle_rounds = 0
        self._failed_rounds = 0
        self._behind_since_s: float | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ring(self) -> None:
        """Something may be due. Cheap, from any thread."""
        self._bell.set()

    def ask_to_stop(self) -> None:
        """End after the round that is running."""
        self._end.set()
        self._bell.set()

    def join(self, timeout_s: float) -> bool:
        """Whether it has ended."""
        if self._thread.is_alive():
            self._thread.join(max(timeout_s, 0.0))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._end.is_set():
            # Cleared before looking, so that a ring during the round is heard after it.
            self._bell.clear()
            wait_s = self._round()
            if wait_s > 0 and not self._end.is_set():
                self._bell.wait(wait_s)

    def _round(self) -> float:
        """One round; how long to wait after it."""
        try:
            began_s = time.monotonic()
            done = self._run_once()
            wait_s = 0.0 if done else self._idle_wait_s()
            if done:
                self._rest(began_s, done)
        except StoreError as exc:
            return self._failed("work_waits_for_the_database", exc)
        except Exception as exc:  # A thread that dies in silence would be worse than one that tells and goes on.
            return self._failed("work_failed", exc)
        if self._failed_rounds:
            log.info("work_resumed", worker=self._thread.name)
        self._failed_rounds = 0
        return wait_s

    def _rest(self, began_s: float, done: int) -> None:
        """After a round that did something."""
        now_s = time.monotonic()
        took_s = now_s - began_s
        is_full = done >= self._full
        rest_s = 0.0 if is_full else self._breath_s - took_s
        if not is_full:
            self._behind_since_s = None
        elif self._behind_since_s is None:
            self._behind_since_s = now_s
        is_behind = self._behind_since_s is not None and now_s - self._behind_since_s >= self._patience_s
        if not is_behind and self._is_pressed():
            rest_s = max(rest_s, min(took_s * REST_A_ROUND, MOST_REST_S))
        if rest_s > 0:
            self._end.wait(rest_s)

    def _idle_wait_s(self) -> float:
        due_s = self._until_due_s()
        if due_s is None:
            self._idle_rounds = 0
            return self._poll_s
        if due_s > LEAST_WAIT_S:
            self._idle_rounds = 0
            return min(due_s, self._poll_s)
        self._idle_rounds += 1
        return min(LEAST_WAIT_S * 2 ** min(self._idle_rounds, 10), MOST_IDLE_WAIT_S)

    def _failed(self, event: str, exc: Exception) -> float:
        self._failed_rounds += 1
        if self._failed_rounds == 1:
            log.error(event, worker=self._thread.name, error=type(exc).__name__)
        return min(0.1 * 2 ** min(self._failed_rounds, 10), MOST_FAILED_WAIT_S)
