"""
Who has a span in hand, at every step: a crash, a rest, a stop, and a wait that is too long.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from collector.exporters.protocol import Later, Outcome
from collector.storage.protocols import Store
from tests.fakes.bench import Bench
from tests.fakes.exporter import RecordingExporter
from tests.fakes.faulty import FaultyStore, Killed
from tests.fakes.otlp_decoding import ReceivedSpan

MINUTE_MS = 60_000


def states(bench: Bench, *request_ids: str) -> list[str]:
    return [row["state"] for request_id in request_ids for row in bench.exports(request_id)]


def crash(when: Callable[..., Any]) -> Callable[..., None]:
    """Run what is checked, then die."""

    def die(*args: Any, **more: Any) -> None:
        when(*args, **more)
        raise Killed

    return die


def crash_with_outcomes(when: Callable[..., Any]) -> Callable[..., None]:
    """Die at the first claim that brings outcomes of what was sent."""

    def die(*, outcomes: Sequence[Any], **more: Any) -> None:
        if outcomes:
            crash(when)(outcomes=outcomes, **more)

    return die


def crash_at_outcomes(faulty: FaultyStore, store: Store, *, is_written: bool) -> None:
    """Die where outcomes are first written down: by themselves, or with the claim of what else waits."""

    def nothing(*args: Any, **more: Any) -> None:
        """What is not written."""

    faulty.check("claim_exports", crash_with_outcomes(store.claim_exports if is_written else nothing))
    faulty.check("settle_exports", crash(store.settle_exports if is_written else nothing))


def taken_then_killed(spans: Sequence[ReceivedSpan]) -> Sequence[Outcome]:
    """The backend has the spans; the process does not live to hear it."""
    raise Killed


@pytest.mark.parametrize("way", ["handed over", "claimed"])
@pytest.mark.parametrize(
    ("step", "copies"),
    [("before it is ours", 1), ("when it is ours", 1), ("after the 2xx", 2), ("before the commit", 2), ("after the commit", 1)],
)
def test_crash_repeats_at_most_once_and_the_same_bytes(store: Store, step: str, copies: int, way: str) -> None:
    """
    Only between the backend's 2xx and our commit is a span sent again: once a crash, byte for byte the same. Whether it was
    leased as it was stored, or waited in the database, left by one that died before.
    """
    dying, heir = RecordingExporter(), RecordingExporter()
    faulty = FaultyStore(store)
    real_claim, real_settle = store.claim_exports, store.settle_calls
    takes, real_take = ("settle_calls", real_settle) if way == "handed over" else ("claim_exports", real_claim)
    match step:
        case "before it is ours":
            faulty.check(takes, crash(lambda *args, **more: None))
        case "when it is ours":
            faulty.check(takes, crash(real_take))
        case "after the 2xx":
            dying.will(taken_then_killed)
        case "before the commit":
            crash_at_outcomes(faulty, store, is_written=False)
        case _:
            crash_at_outcomes(faulty, store, is_written=True)
    bench = Bench(store, [dying], queue=faulty)
    if way == "claimed":
        leave_behind(store)
        bench.clock.advance(MINUTE_MS)
    else:
        bench.feed(*bench.whole("a"), *bench.whole("b"))
    with pytest.raises(Killed):
        bench.run()

    after = Bench(store, [heir])
    for _ in range(3):
        after.run_after(MINUTE_MS)
    sends = [part for part in (*dying.sends, *heir.sends) if part]
    assert copies == len(sends)
    assert all(sorted(map(repr, part)) == sorted(map(repr, sends[0])) for part in sends)
    assert ["done", "done"] == states(after, "a", "b")


@pytest.mark.parametrize(("is_written", "copies"), [(False, 2), (True, 1)])
def test_crash_in_a_backlog_repeats_only_the_last_piece(
    store: Store, monkeypatch: pytest.MonkeyPatch, is_written: bool, copies: int
) -> None:
    """
    There the next claim brings what became of the last one, in one transaction.
    """
    monkeypatch.setattr("collector.pipeline.exports.CLAIM_LIMIT", 1)
    dying, heir, faulty = RecordingExporter(), RecordingExporter(), FaultyStore(store)
    leave_behind(store)
    crash_at_outcomes(faulty, store, is_written=is_written)
    first = Bench(store, [dying], queue=faulty)
    first.clock.advance(MINUTE_MS)
    with pytest.raises(Killed):
        first.run()
    assert (1, 0) == (len(dying.names()), faulty.calls.get("settle_exports", 0))

    after = Bench(store, [heir])
    for _ in range(3):
        after.run_after(MINUTE_MS)
    (sent,) = dying.names()
    assert copies == [*dying.names(), *heir.names()].count(sent)
    assert copies + 1 == len([*dying.names(), *heir.names()])
    assert ["done", "done"] == states(after, "a", "b")


def leave_behind(store: Store) -> None:
    """Two settled calls of a process that died before it sent their spans."""
    faulty = FaultyStore(store)
    faulty.check("settle_calls", crash(store.settle_calls))
    left = Bench(store, [RecordingExporter()], queue=faulty)
    left.feed(*left.whole("a"), *left.whole("b"))
    with pytest.raises(Killed):
        left.run()


def test_spans_that_waited_too_long_in_memory_are_put_back(store: Store) -> None:
    """
    Their lease may end before they are sent, and then they may be another's: they go out once, when their turn comes.
    """
    exporter, rival = RecordingExporter(), RecordingExporter()
    bench = Bench(store, [exporter])
    bench.feed(*bench.whole("a"))
    calls = bench.pipeline._calls  # pyright: ignore[reportPrivateUsage]
    assert 1 == calls.run_once()
    assert [] == exporter.names(), "leased, handed over, and not sent yet"

    bench.clock.advance(MINUTE_MS)
    other = Bench(store, [rival])
    other.run_after(MINUTE_MS)
    bench.run()
    assert (["chat model-of-a"], []) == (rival.names(), exporter.names())
    assert ["done"] == states(bench, "a")


def test_spans_that_were_handed_over_and_not_sent_are_due_after_a_stop(store: Store) -> None:
    """
    At once, for whoever comes next.
    """
    exporter, heir = RecordingExporter(), RecordingExporter()
    bench = Bench(store, [exporter])
    bench.feed(*bench.whole("a"))
    assert 1 == bench.pipeline._calls.run_once()  # pyright: ignore[reportPrivateUsage]
    assert bench.pipeline.stop(10)
    Bench(store, [heir]).run()
    assert (["chat model-of-a"], []) == (heir.names(), exporter.names())


def test_a_destination_that_rests_takes_no_spans_as_they_are_stored(store: Store, exporter: RecordingExporter) -> None:
    """
    They wait in the database, due at once for whoever can send them.
    """
    exporter.will(Later(reason="HTTP 503", after_s=60.0))
    bench = Bench(store, [exporter])
    bench.feed(*bench.whole("a"))
    bench.run()
    bench.feed(*bench.whole("b"))
    bench.run()
    assert [None, None] == [row["lease_owner"] for row in (*bench.exports("a"), *bench.exports("b"))]
    assert ["chat model-of-a"] == exporter.names()
    bench.run_after(MINUTE_MS)
    assert ["done", "done"] == states(bench, "a", "b")
