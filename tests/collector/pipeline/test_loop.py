"""
The thread around a worker: woken, timed, and alive whatever happens.
"""

import threading
import time
from collections.abc import Callable

import pytest
import structlog

from collector.errors import StoreUnavailable
from collector.pipeline.loop import BREATH_S, REST_A_ROUND, Loop


class Worker:
    """Counts its rounds and lets a test wait for one."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.rounds = 0
        self._changed = threading.Condition()

    def run_once(self) -> int:
        with self._changed:
            self.rounds += 1
            self._changed.notify_all()
        if self.faults:
            raise self.faults.pop(0)
        return 0

    def wait_for(self, rounds: int, timeout_s: float = 30.0) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.rounds >= rounds, timeout_s)


def run(worker: Worker, until_due_s: Callable[[], float | None] = lambda: None) -> Loop:
    loop = Loop("test-loop", worker.run_once, until_due_s, poll_s=3600.0)
    loop.start()
    return loop


def test_ring_is_heard_at_once() -> None:
    """
    Not only at the next poll.
    """
    worker = Worker()
    loop = run(worker)
    assert worker.wait_for(1)
    loop.ring()

    assert worker.wait_for(2)
    loop.ask_to_stop()
    assert loop.join(30.0)


def test_due_work_of_others_is_no_busy_circle() -> None:
    """
    The store says "due now", but it is not ours to do: looks become rare, half a second apart at last.
    """
    worker = Worker()
    loop = run(worker, lambda: -1.0)
    worker.wait_for(1000, timeout_s=1.0)
    loop.ask_to_stop()

    assert loop.join(30.0)
    assert worker.rounds < 20


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), RuntimeError("secret")])
def test_failure_is_told_once_and_survived(fault: Exception) -> None:
    """
    The thread goes on, waits a little, and says when it works again.
    """
    worker = Worker(fault, fault)
    with structlog.testing.capture_logs() as logs:
        loop = run(worker)
        assert worker.wait_for(3)
        loop.ring()
        assert worker.wait_for(4)
        loop.ask_to_stop()
        assert loop.join(30.0)

    assert 2 == len(logs)
    assert "work_resumed" == logs[1]["event"]
    assert "secret" not in repr(logs)


def test_join_is_bounded() -> None:
    """
    A round that does not end keeps nobody: join says False in time.
    """
    release = threading.Event()

    def stuck() -> int:
        release.wait(60)
        return 0

    loop = Loop("stuck", stuck, lambda: None, poll_s=3600.0)
    loop.start()
    loop.ask_to_stop()
    began_s = time.monotonic()

    assert not loop.join(0.1)
    assert time.monotonic() - began_s < 30.0
    release.set()
    assert loop.join(30.0)


@pytest.mark.parametrize(("done", "breath_s", "least_s"), [(9, BREATH_S, 2 * BREATH_S), (10, 3600.0, 0.0)])
def test_small_rounds_leave_time_for_more_to_come(done: int, breath_s: float, least_s: float) -> None:
    """
    After a round with little work the next waits a moment, rung or not; after a full one it comes at once.
    """
    begun_s: list[float] = []
    is_enough = threading.Event()

    def work() -> int:
        begun_s.append(time.monotonic())
        loop.ring()
        if len(begun_s) == 3:
            is_enough.set()
        return done

    loop = Loop("paced", work, lambda: None, poll_s=3600.0, full=10, breath_s=breath_s)
    loop.start()
    assert is_enough.wait(30.0)
    loop.ask_to_stop()
    assert loop.join(30.0)

    assert begun_s[2] - begun_s[0] >= least_s * 0.99


def test_round_is_followed_by_a_rest_while_others_press() -> None:
    """
    In proportion to the round's length, so that what can wait keeps a share of the time. Without pressure it goes on at once.
    """
    took_s, begins_s = 0.05, list[float]()
    worker = Worker()

    def run_once() -> int:
        begins_s.append(time.monotonic())
        threading.Event().wait(took_s)
        worker.run_once()
        return 1

    loop = Loop("test-loop", run_once, lambda: None, poll_s=3600.0, is_pressed=lambda: len(begins_s) == 1)
    loop.start()
    assert worker.wait_for(3)
    loop.ask_to_stop()
    assert loop.join(30.0)

    # Only the least is asked for: a busy machine makes any of it longer.
    assert begins_s[1] - begins_s[0] >= took_s * (1 + REST_A_ROUND)


def test_a_worker_that_falls_behind_steps_back_no_more() -> None:
    """
    Others press all the time: once its patience is over, full rounds follow each other without a rest, until one was not full.
    """
    asked, rounds, worker = list[int](), list[int](), Worker()

    def run_once() -> int:
        rounds.append(len(asked))
        worker.run_once()
        return 9 if len(rounds) == 3 else 10

    def is_pressed() -> bool:
        asked.append(len(rounds))
        return True

    loop = Loop("test-loop", run_once, lambda: None, poll_s=3600.0, full=10, breath_s=0.0, is_pressed=is_pressed, patience_s=0.0)
    loop.start()
    assert worker.wait_for(6)
    loop.ask_to_stop()
    assert loop.join(30.0)

    assert {3} == set(asked), "after the one round that was not full, and after no other"
