"""
Rounds of the worker of calls: when what the other process assembles is waited for, and when the next claim comes first.
"""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from collector.errors import StoreUnavailable
from collector.keeping.sampling import Sampling
from collector.pipeline import bench as benching
from collector.pipeline.backoff import Backoff
from collector.pipeline.benches import Benches
from collector.pipeline.calls import BREATH_S, CallWorker
from collector.pipeline.worker_process import WorkerProcess, WorkPlan
from collector.storage.outbox import SpanLease
from collector.storage.protocols import Store
from tests.end_to_end.processes import wait_for
from tests.fakes.bench import IDLE_TIMEOUT_MS, SETTLE_MS, Bench
from tests.fakes.faulty import FaultyStore

TIMING = benching.Timing(settle_ms=SETTLE_MS, idle_timeout_ms=IDLE_TIMEOUT_MS)


class SlowStore(FaultyStore):
    """Each claim takes its time, of the test's clock; and requests press where the test wants it."""

    def __init__(self, fed: Bench, *, claim_takes_s: float = BREATH_S, presses: bool = False) -> None:
        super().__init__(fed.store)
        self.check("claim_calls", lambda **more: fed.clock.advance(claim_takes_s * 1000))
        self._presses = presses

    def is_pressed(self) -> bool:
        return self._presses


@pytest.fixture
def fed(store: Store) -> Bench:
    """
    What feeds the store, and its clock. Its own pipeline does not run.
    """
    return Bench(store, [])


@pytest.fixture
def beside(sqlite_url: str, store: Store) -> Iterator[WorkerProcess]:
    """
    Another process that assembles, ready.
    """
    plan = WorkPlan(database_url=sqlite_url, destinations=(), capture_content=False, timing=TIMING, sampling=Sampling())
    process = WorkerProcess(plan)
    process.start()
    wait_for("the process to be ready", process.is_ready, limit_s=60)
    yield process
    process.stop()


def worker(fed: Bench, queue: Any, beside: WorkerProcess | None) -> CallWorker:
    real = benching.with_price(lambda *about: None, capture_content=False)
    return CallWorker(
        queue,
        Benches(benching.Bench(fed.store, real, {}, timing=TIMING, sampling=Sampling()), beside, is_always_beside=True),
        clock=fed.clock,
        owner="w",
        backoff=Backoff(first_ms=1, most_ms=1, roll=lambda: 1.0),
        on_settled=lambda projects: None,
        lease_spans=lambda: SpanLease(owner="w", until_ms={}),
        on_leased=lambda claims: None,
        count=lambda project, resource, measured: None,
    )


def test_the_next_claim_comes_before_the_last_answer(fed: Bench, beside: WorkerProcess) -> None:
    """
    Where a round took its time, the other process gets its next task before it is done with this one; a claim that brings
    nothing waits for it.
    """
    queue = SlowStore(fed)
    calls = worker(fed, queue, beside)
    fed.feed(*fed.whole("a"))
    assert (1, "running") == (calls.run_on(), fed.status("a"))

    fed.feed(*fed.whole("b"))
    assert (1, "ok", "running") == (calls.run_on(), fed.status("a"), fed.status("b"))
    assert (0, "ok") == (calls.run_on(), fed.status("b"))
    assert 2 == queue.calls["settle_calls"]


@pytest.mark.parametrize(
    ("claim_takes_s", "presses", "run"),
    [(0.0, False, CallWorker.run_on), (BREATH_S, True, CallWorker.run_on), (BREATH_S, False, CallWorker.run_once)],
    ids=["a rest follows", "requests press", "the only round"],
)
def test_a_round_that_is_not_followed_at_once_is_stored_at_once(
    fed: Bench, beside: WorkerProcess, claim_takes_s: float, presses: bool, run: Callable[[CallWorker], int]
) -> None:
    """
    Nobody waits for the end of a rest.
    """
    calls = worker(fed, SlowStore(fed, claim_takes_s=claim_takes_s, presses=presses), beside)
    fed.feed(*fed.whole("a"))

    assert (1, "ok") == (run(calls), fed.status("a"))


def test_without_another_process_there_is_nothing_to_wait_for(fed: Bench) -> None:
    """
    The work is done here, so it is done in its round.
    """
    fed.feed(*fed.whole("a"))

    assert (1, "ok") == (worker(fed, SlowStore(fed), None).run_on(), fed.status("a"))


def test_both_tasks_of_a_process_that_ended_are_worked_on_here(fed: Bench, beside: WorkerProcess) -> None:
    """
    The one that it had and the one that it was to have.
    """
    calls = worker(fed, SlowStore(fed), beside)
    fed.feed(*fed.whole("a"))
    assert 1 == calls.run_on()
    assert beside.pid is not None
    os.kill(beside.pid, signal.SIGSTOP)
    fed.feed(*fed.whole("b"))
    os.kill(beside.pid, signal.SIGKILL)

    assert (1, "ok", "ok") == (calls.run_on(), fed.status("a"), fed.status("b"))


def test_what_was_begun_when_the_database_went_away_is_worked_on_again(fed: Bench, beside: WorkerProcess) -> None:
    """
    Its claim is given back, so that nothing waits for a lease; and its answer is not taken for the next one's.
    """
    queue = SlowStore(fed)
    calls = worker(fed, queue, beside)
    fed.feed(*fed.whole("a"))
    calls.run_on()
    queue.will_raise("claim_calls", StoreUnavailable("away"))
    with pytest.raises(StoreUnavailable):
        calls.run_on()

    fed.feed(*fed.whole("b"))
    assert (2, "ok", "ok") == (calls.run_once(), fed.status("a"), fed.status("b"))
    assert beside.pid is not None


def test_an_end_gives_back_what_was_begun(fed: Bench, beside: WorkerProcess) -> None:
    """
    Whoever comes next finds it due.
    """
    calls = worker(fed, SlowStore(fed), beside)
    fed.feed(*fed.whole("a"))
    calls.run_on()
    calls.finish()

    assert beside.pid is None
    assert (1, "ok") == (worker(fed, SlowStore(fed), None).run_once(), fed.status("a"))
