"""
Which bench works on the next calls: this process's own, or another process's while calls come by the hundred.

Flow: CallWorker -> **Benches** -> Bench | WorkerProcess.
On a laptop one process does all. Where claims are large again and again, one interpreter is soon too little; then a second one
is started, and ended after a silence. If it fails, the work is done here.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from collector.pipeline.bench import Bench, Worked
from collector.pipeline.line import LineCut
from collector.pipeline.worker_process import WorkerProcess
from collector.storage.protocols import ClaimedCall

log: Any = structlog.get_logger(__name__)

BUSY_CALLS = 20
"""Calls of one claim; claims are a twentieth of a second apart."""
RUSH_CALLS = 250
"""So many in busy claims in a row are no passing rush. Not so many claims: the larger ones are, the longer they take."""
IDLE_S = 60.0
FIRST_REST_S = 10.0
MOST_REST_S = 600.0


@dataclass(slots=True, eq=False)
class _Begun:
    """Calls that were handed out."""

    claimed: Sequence[ClaimedCall]
    now_ms: int
    is_beside: bool
    """The other process has them."""


class Benches:
    """
    Used by one thread at a time: for each `begin` one `finish`, in the same order.

    Two may be begun at once, no more: so the other process has its next task already when it is done with one.
    """

    def __init__(
        self,
        here: Bench,
        beside: WorkerProcess | None = None,
        *,
        is_always_beside: bool = False,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._here = here
        self._beside = beside
        self._is_always_beside = is_always_beside
        self._monotonic_s = monotonic_s
        self._rush_calls = 0
        self._last_busy_s = float("-inf")
        self._failures = 0
        self._rests_until_s = float("-inf")
        self._begun: deque[_Begun] = deque()

    @property
    def begun(self) -> int:
        """How many tasks are to be finished."""
        return len(self._begun)

    @property
    def is_beside(self) -> bool:
        """Whether the other process works on the last task, and need not be waited for."""
        return bool(self._begun) and self._begun[-1].is_beside

    def note_claim(self, calls: int) -> None:
        """How many calls a claim brought: many call for the other process, a silence sends it away."""
        if self._beside is None:
            return
        now_s, is_busy = self._monotonic_s(), calls >= BUSY_CALLS
        self._rush_calls = self._rush_calls + calls if is_busy else 0
        if is_busy:
            self._last_busy_s = now_s
        if (self._is_always_beside or self._rush_calls >= RUSH_CALLS) and now_s >= self._rests_until_s:
            self._start(self._beside)
        elif self._is_idle(now_s) and self._beside.pid is not None:
            self._beside.stop()
            log.info("worker_process_ended", reason="little to do")

    def begin(self, claimed: Sequence[ClaimedCall], *, now_ms: int) -> None:
        """Hand calls out; they are worked on at once where another process does it."""
        task = _Begun(claimed, now_ms, is_beside=False)
        self._begun.append(task)
        beside = self._beside
        if beside is None:
            return
        try:
            if beside.is_ready():
                beside.begin(claimed, now_ms=now_ms)
                task.is_beside = True
        except LineCut as exc:
            self._leave_alone(beside, exc)

    def finish(self) -> Worked:
        """What became of the calls that were begun first. Raises StoreUnavailable."""
        task = self._begun.popleft()
        worked: Worked | None = None
        if task.is_beside and self._beside is not None:
            try:
                worked = self._beside.finish()
            except LineCut as exc:
                self._leave_alone(self._beside, exc)
        return worked or self._here.work(task.claimed, now_ms=task.now_ms)

    def drop(self) -> None:
        """Forget what was begun: its claims are given back."""
        while self._begun:
            task = self._begun.popleft()
            if task.is_beside and self._beside is not None:
                try:
                    # Whoever asks next must not hear of this one.
                    self._beside.finish()
                except LineCut as exc:
                    self._leave_alone(self._beside, exc)

    def close(self) -> None:
        """End the other process."""
        if self._beside is not None:
            self._beside.stop()

    def _is_idle(self, now_s: float) -> bool:
        return not self._is_always_beside and not self._begun and now_s - self._last_busy_s > IDLE_S

    def _start(self, beside: WorkerProcess) -> None:
        if beside.pid is None:
            try:
                beside.start()
                log.info("worker_process_started", pid=beside.pid)
            except LineCut as exc:
                self._leave_alone(beside, exc)

    def _leave_alone(self, beside: WorkerProcess, exc: LineCut) -> None:
        """It failed: for a while it is not asked again, and what it has is worked on here."""
        beside.stop()
        for task in self._begun:
            task.is_beside = False
        self._failures += 1
        rest_s = min(FIRST_REST_S * 2 ** (self._failures - 1), MOST_REST_S)
        self._rests_until_s = self._monotonic_s() + rest_s
        log.warning("worker_process_gone", reason=str(exc), note="its work is done here", again_in_s=rest_s)
