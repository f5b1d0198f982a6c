"""
The writer's health as `/readyz` sees it: how long commits have not worked.
"""

import sqlite3
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from collector.errors import StoreUnavailable
from collector.storage.sqlite import SqliteEngine
from collector.storage.writer import MAX_GROUP_EVENTS, PRESSED_REQUESTS, GroupWriter
from tests.fakes.clock import FakeClock
from tests.fakes.held_writer import Hold
from tests.fakes.stored import batch, event


class AwayEngine(SqliteEngine):
    """An SQLite file that can be away, as a full disk or a stopped server is."""

    is_away = False
    tries = 0

    def connect_writer(self) -> Any:
        self.tries += 1
        if self.is_away:
            raise sqlite3.OperationalError("disk I/O error")
        return super().connect_writer()


@pytest.fixture
def engine(sqlite_url: str) -> AwayEngine:
    return AwayEngine(sqlite_url)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for the writer's thread, which runs on real time."""
    pause = threading.Event()
    for _ in range(3000):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it did not come true")


def test_age_grows_while_commits_fail_and_falls_when_they_work_again(engine: AwayEngine):
    """
    Failing commits make the age grow although nothing waits any more; the writer itself finds out when it is over.
    """
    clock = FakeClock()
    writer = GroupWriter(engine, clock, settle_ms=0, queue_max_events=10)
    assert 0 == writer.last_commit_age_s()

    engine.is_away = True
    assert isinstance(writer.append(batch(event("e1"))).exception(60), StoreUnavailable)
    clock.advance(5_000)
    assert 5 == writer.last_commit_age_s()

    engine.is_away = False
    wait_until(lambda: writer.last_commit_age_s() == 0)
    assert 1 == writer.append(batch(event("e1"))).result(60).accepted
    writer.close()
    engine.close()


def test_age_counts_from_what_waits_longest(engine: AwayEngine):
    """
    A commit that hangs is seen: the age is that of the oldest request without an answer.
    """
    clock = FakeClock()
    writer = GroupWriter(engine, clock, settle_ms=0, queue_max_events=10)
    hold = Hold(writer)
    future = writer.append(batch(event("e1")))
    clock.advance(3_000)

    assert 3 == writer.last_commit_age_s()
    hold.end()
    future.result(60)
    wait_until(lambda: writer.last_commit_age_s() == 0)
    writer.close()
    engine.close()


def test_close_within_its_limit_fails_what_is_left(engine: AwayEngine):
    """
    A commit that hangs can't hold the stop: what waits behind it is told so.
    """
    writer = GroupWriter(engine, FakeClock(), settle_ms=0, queue_max_events=10)
    hold = Hold(writer)
    future = writer.append(batch(event("e1")))

    writer.close(timeout_s=0.05)

    assert isinstance(future.exception(0), StoreUnavailable)
    hold.end()
    wait_until(lambda: not any(thread.name.startswith("hookline-writer") for thread in threading.enumerate()))
    engine.close()


def test_cancelled_request_is_not_stored(engine: AwayEngine):
    """
    A sender that hung up before its turn is left out, and its place in the queue is free again.
    """
    writer = GroupWriter(engine, FakeClock(), settle_ms=0, queue_max_events=10)
    hold = Hold(writer)
    gone = writer.append(batch(event("gone")))
    assert gone.cancel()
    hold.end()

    assert 1 == writer.append(batch(event("gone"))).result(60).accepted
    assert 0 == writer.queued_events()
    writer.close()
    engine.close()


@pytest.mark.parametrize(("waited_ms", "groups_before"), [(0, 2), (10_000, 1)])
def test_work_goes_after_requests_but_does_not_wait_for_ever(engine: AwayEngine, waited_ms: int, groups_before: int):
    """
    A job that came before two groups of requests is done after both, or between them once it has waited long enough.
    """
    clock = FakeClock()
    writer = GroupWriter(engine, clock, settle_ms=0, queue_max_events=20_000)
    seen: list[int] = []
    futures: list[Any] = []
    hold = Hold(writer)
    worker = threading.Thread(target=lambda: writer.run(lambda _: seen.append(sum(future.done() for future in futures))))
    worker.start()
    wait_until(lambda: len(writer._jobs) == 1)
    half = MAX_GROUP_EVENTS // 2 + 1
    futures += [writer.append(batch(*(event(f"{name}-{n}") for n in range(half)))) for name in "ab"]
    clock.advance(waited_ms)
    hold.end()
    worker.join(60)

    assert [groups_before] == seen
    writer.close()
    engine.close()


@pytest.mark.parametrize(("requests", "seen_at_job"), [(PRESSED_REQUESTS, 1), (1, 0)])
def test_work_waits_a_moment_for_the_next_requests_of_many_senders(
    engine: AwayEngine, monkeypatch: pytest.MonkeyPatch, requests: int, seen_at_job: int
):
    """
    After a commit for many senders their next requests are on their way and go first; after one for few the job is done at once.
    """
    # A long moment, so that a busy machine changes nothing.
    monkeypatch.setattr("collector.storage.writer.PRESSED_FOR_S", 60.0)
    monkeypatch.setattr("collector.storage.writer.WORK_WAITS_S", 60.0)
    writer = GroupWriter(engine, FakeClock(), settle_ms=0, queue_max_events=20_000)
    hold = Hold(writer)
    futures = [writer.append(batch(event(f"first-{n}"))) for n in range(requests)]
    later: list[Any] = []
    seen: list[int] = []
    worker = threading.Thread(target=lambda: writer.run(lambda _: seen.append(sum(future.done() for future in later))))
    worker.start()
    wait_until(lambda: len(writer._jobs) == 1)
    hold.end()
    for future in futures:
        future.result(60)
    if requests > 1:
        later.append(writer.append(batch(event("next"))))
        later[0].result(60)
        writer.close()
    worker.join(60)

    assert [seen_at_job] == seen
    writer.close()
    engine.close()


def test_work_of_a_pressed_writer_is_done_when_nobody_sends_any_more(engine: AwayEngine):
    """
    The wait for more requests ends by itself.
    """
    writer = GroupWriter(engine, FakeClock(), settle_ms=0, queue_max_events=20_000)
    for future in [writer.append(batch(event(f"{n}"))) for n in range(PRESSED_REQUESTS)]:
        future.result(60)
    assert 7 == writer.run(lambda _: 7)
    writer.close()
    engine.close()


def test_writer_says_that_it_is_pressed_while_many_send(engine: AwayEngine):
    """
    After a commit for many senders, and no longer when the moment is over in which they may come again.
    """
    clock = FakeClock()
    writer = GroupWriter(engine, clock, settle_ms=0, queue_max_events=20_000)
    writer.append(batch(event("alone"))).result(60)
    assert not writer.is_pressed()
    hold = Hold(writer)
    futures = [writer.append(batch(event(f"{n}"))) for n in range(PRESSED_REQUESTS)]
    hold.end()
    for future in futures:
        future.result(60)

    wait_until(writer.is_pressed)
    clock.advance(60_000)
    assert not writer.is_pressed()
    writer.close()
    engine.close()


def test_what_was_committed_is_let_go_at_once(engine: AwayEngine):
    """
    A group may be megabytes: it does not stay until the next one, which may be a night away.
    """
    writer = GroupWriter(engine, FakeClock(), settle_ms=0, queue_max_events=20_000)
    future = writer.append(batch(event("only")))
    future.result(60)
    is_held = weakref.ref(future)
    del future

    wait_until(lambda: is_held() is None)
    writer.close()
    engine.close()
