"""
Rounds of the worker of calls: when what was assembled is stored at once, and when beside the next claim.
"""

from collections.abc import Callable
from typing import Any

import pytest

from collector.assembly.inputs import CallEvents
from collector.errors import StoreUnavailable
from collector.keeping.sampling import Sampling
from collector.pipeline import bench as benching
from collector.pipeline.backoff import Backoff
from collector.pipeline.benches import Benches
from collector.pipeline.calls import BREATH_S, CallWorker
from collector.spans import Assembled
from collector.storage.outbox import SpanLease
from collector.storage.protocols import Store
from tests.fakes.bench import IDLE_TIMEOUT_MS, SETTLE_MS, Bench
from tests.fakes.faulty import FaultyStore

REAL = benching.with_price(lambda *about: None, capture_content=False)


class Pressed(FaultyStore):
    """Says of itself what the test wants."""

    presses = False

    def is_pressed(self) -> bool:
        return self.presses


@pytest.fixture
def fed(store: Store) -> Bench:
    """
    What feeds the store, and its clock. Its own pipeline does not run.
    """
    return Bench(store, [])


def worker(fed: Bench, queue: Any, *, round_takes_s: float) -> CallWorker:
    """A worker each of whose calls takes so long to assemble."""

    def assemble(call: CallEvents) -> Assembled:
        fed.clock.advance(round_takes_s * 1000)
        return REAL(call)

    timing = benching.Timing(settle_ms=SETTLE_MS, idle_timeout_ms=IDLE_TIMEOUT_MS)
    return CallWorker(
        queue,
        Benches(benching.Bench(fed.store, assemble, {}, timing=timing, sampling=Sampling())),
        clock=fed.clock,
        owner="w",
        backoff=Backoff(first_ms=1, most_ms=1, roll=lambda: 1.0),
        on_settled=lambda projects: None,
        lease_spans=lambda: SpanLease(owner="w", until_ms={}),
        on_leased=lambda claims: None,
        count=lambda project, resource, measured: None,
    )


def test_a_round_that_took_its_time_is_stored_beside_the_next(fed: Bench, store: Store) -> None:
    """
    The next claim comes first; and if it brings nothing, what was ready is stored all the same.
    """
    queue = Pressed(store)
    calls = worker(fed, queue, round_takes_s=BREATH_S)
    fed.feed(*fed.whole("a"))
    assert (1, "running") == (calls.run_on(), fed.status("a"))

    fed.feed(*fed.whole("b"))
    assert (1, "ok", "running") == (calls.run_on(), fed.status("a"), fed.status("b"))
    assert (0, "ok") == (calls.run_on(), fed.status("b"))
    assert 2 == queue.calls["settle_calls"]


@pytest.mark.parametrize(
    ("round_takes_s", "presses", "run"),
    [(0.0, False, CallWorker.run_on), (BREATH_S, True, CallWorker.run_on), (BREATH_S, False, CallWorker.run_once)],
    ids=["a rest follows", "requests press", "the only round"],
)
def test_a_round_that_is_not_followed_at_once_is_stored_at_once(
    fed: Bench, store: Store, round_takes_s: float, presses: bool, run: Callable[[CallWorker], int]
) -> None:
    """
    Nobody waits for the end of a rest.
    """
    queue = Pressed(store)
    queue.presses = presses
    fed.feed(*fed.whole("a"))

    assert (1, "ok") == (run(worker(fed, queue, round_takes_s=round_takes_s)), fed.status("a"))


def test_what_was_not_stored_when_the_database_went_away_is_worked_on_again(fed: Bench, store: Store) -> None:
    """
    The claim is given back: nothing waits for its lease.
    """
    queue = Pressed(store)
    calls = worker(fed, queue, round_takes_s=BREATH_S)
    fed.feed(*fed.whole("a"))
    calls.run_on()
    queue.will_raise("claim_calls", StoreUnavailable("away"))
    with pytest.raises(StoreUnavailable):
        calls.run_on()

    assert (1, "ok") == (calls.run_once(), fed.status("a"))


def test_the_last_round_leaves_nothing(fed: Bench, store: Store) -> None:
    """
    A collector that stops stores what is ready.
    """
    calls = worker(fed, Pressed(store), round_takes_s=BREATH_S)
    fed.feed(*fed.whole("a"))
    calls.run_on()
    calls.finish()

    assert "ok" == fed.status("a")
