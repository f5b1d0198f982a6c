"""The spool of a process that lives on, with its real threads and a real receiver."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from sdk_hooks.config import Config
from sdk_hooks.fork_gate import importing
from sdk_hooks.runtime import Runtime, current_runtime, use
from tests.fakes.clock import FakeClock
from tests.fakes.far_collector import FarCollector
from tests.fakes.receiver import Answer, Receiver
from tests.sdk_hooks.calls import chat

Live = Callable[..., Runtime]
Process = Callable[..., Runtime]
Kill = Callable[[Runtime], None]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


@pytest.fixture
def live(receiver: Receiver, folder: Path) -> Iterator[Live]:
    made: list[Runtime] = []

    def start(*, clock_s: Callable[[], float] = time.monotonic, **settings: Any) -> Runtime:
        config = Config({})
        config.update({"url": receiver.url, "spool_dir": str(folder), "flush_interval_s": 0.04} | settings)
        made.append(Runtime(config, clock_s=clock_s))
        use(made[-1])
        return made[-1]

    before = use(None)
    try:
        yield start
    finally:
        receiver.always(None)
        for runtime in made:
            runtime.emitter.close(0.5)
        use(before)


def wait_until(is_so: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def files(folder: Path) -> list[Path]:
    return list(folder.glob("*.spool"))


def test_what_a_silent_collector_is_being_sent_is_on_disk_meanwhile(receiver: Receiver, live: Live, folder: Path):
    """The answer takes its time: the batch is on disk until it comes, later calls too; each event is sent once."""
    runtime = live()
    is_time = Event()
    receiver.script(Answer(200, after=is_time))
    chat().complete()
    wait_until(lambda: runtime.emitter.is_idle and len(files(folder)) == 1)
    assert [] == receiver.accepted
    chat().complete()
    wait_until(lambda: runtime.emitter.is_idle)
    assert [] == receiver.accepted

    is_time.set()
    receiver.wait_for(4)
    wait_until(lambda: files(folder) == [])
    assert [1, 2, 3, 4] == [event["sequence"] for event in receiver.accepted]


def test_a_collector_that_comes_back_gets_everything_in_order(receiver: Receiver, live: Live, folder: Path):
    """Recorded while it was away and after: one order, nothing twice, no file left, without anybody flushing."""
    runtime = live()
    receiver.always(503)
    for _ in range(20):
        chat().complete()
    wait_until(lambda: runtime.emitter.is_idle and len(files(folder)) == 1)
    receiver.always(None)
    for _ in range(20):
        chat().complete()

    receiver.wait_for(80)
    wait_until(lambda: files(folder) == [])
    assert list(range(1, 81)) == [event["sequence"] for event in receiver.accepted]
    assert 0 == sum(runtime.losses.snapshot().values())


def test_leftovers_go_out_behind_what_is_live(
    receiver: Receiver, live: Live, folder: Path, process: Process, collector: FarCollector, killed: Kill
):
    """A living process sends what dead ones left, after its own events and not all at once."""
    collector.is_away = True
    for _ in range(3):
        dead = process(url=receiver.url)
        chat().complete()
        killed(dead)
    runtime = live()
    began_s = time.monotonic()
    chat().complete()
    receiver.wait_for(8)

    assert time.monotonic() - began_s >= 0.4, "three batches, a fifth of a second apart"
    prefixes = [event["eventId"].rpartition("-")[0] for event in receiver.accepted]
    assert [runtime.identity.prefix] * 2 == prefixes[:2]
    wait_until(lambda: files(folder) == [])


def test_sync_delivery_waits_a_bounded_time_and_then_writes(receiver: Receiver, live: Live, folder: Path):
    """A silent collector costs one call the limit; the events are on disk when it returns, and the next call asks nobody."""
    clock = FakeClock()
    live(delivery="sync", exit_timeout_s=0.3, clock_s=clock.monotonic_s)
    receiver.always(Answer(200, after=Event()))
    chat().complete()
    assert 1 == len(files(folder))
    chat().complete()
    receiver.wait_until_begun(1)

    assert [] == receiver.posts, "nobody waited for an answer"
    assert 1 == receiver.begun


def test_fork_waits_for_an_import_of_our_threads():
    """A child that is forked in the middle of one would find a half-made module, locked by a thread that it has not."""
    import os

    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    before = use(None)
    current_runtime()
    use(before)
    is_imported = Event()
    is_importing = Event()

    def load() -> None:
        with importing():
            is_importing.set()
            time.sleep(0.2)
            is_imported.set()

    thread = Thread(target=load)
    thread.start()
    assert is_importing.wait(60)
    child = os.fork()
    if child == 0:
        os._exit(0 if is_imported.is_set() else 9)
    assert 0 == os.waitpid(child, 0)[1]
    thread.join()


def test_fork_leaves_the_parents_files_to_the_parent(receiver: Receiver, live: Live, folder: Path):
    """A child lets go of its parent's segments without unlocking or sending them."""
    import os

    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    receiver.always(503)
    runtime = live()
    chat().complete()
    wait_until(lambda: runtime.emitter.is_idle and len(files(folder)) == 1)
    child = os.fork()
    if child == 0:
        from sdk_hooks.spool.segments import claim

        os._exit(0 if claim(str(files(folder)[0])) is None else 9)
    assert 0 == os.waitpid(child, 0)[1]
    receiver.always(None)
    receiver.wait_for(2)
    assert [1, 2] == [event["sequence"] for event in receiver.accepted]
