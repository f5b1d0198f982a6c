"""
One odd call keeps nobody waiting: failures of assembly, of encoding and of storing.
"""

from collections.abc import Sequence
from typing import Any

import pytest
import structlog

from collector.assembly.inputs import CallEvents
from collector.errors import StoreUnavailable
from collector.pipeline.bench import with_price
from collector.spans import Assembled, Span
from collector.storage.protocols import CallSettlement, Store
from tests.fakes.bench import SETTLE_MS, Bench
from tests.fakes.exporter import RecordingExporter
from tests.fakes.faulty import FaultyStore

REAL = with_price(lambda *about: None, capture_content=False)


class Moody:
    """Assembly that stumbles over one call, as long as it is told to."""

    def __init__(self) -> None:
        self.is_broken = True
        self.tries = 0

    def __call__(self, call: CallEvents) -> Assembled:
        if call.request_id == "bad":
            self.tries += 1
            if self.is_broken:
                raise RuntimeError("secret words of a prompt")
        return REAL(call)


def test_call_that_cannot_be_assembled_waits_longer_each_time(store: Store) -> None:
    """
    The others go out; the bad one is tried after 1, 2, 4 … seconds, told once without the message, and goes out when it can.
    """
    exporter, assemble = RecordingExporter(), Moody()
    bench = Bench(store, [exporter], assemble=assemble)
    with structlog.testing.capture_logs() as logs:
        bench.feed(*bench.whole("a"), *bench.whole("bad"), *bench.whole("b"))
        bench.run()
        assert ["chat model-of-a", "chat model-of-b"] == sorted(exporter.names())

        waits: list[int] = []
        for _ in range(4):
            before, waited_s = assemble.tries, 0
            while assemble.tries == before:
                bench.run_after(1000)
                waited_s += 1
            waits.append(waited_s)
        assert [1, 2, 4, 8] == waits

    told = [entry for entry in logs if entry["event"] == "call_not_assembled"]
    assert [("default", "bad", "RuntimeError")] == [(entry["project"], entry["request_id"], entry["error"]) for entry in told]
    assert "secret words" not in repr(logs)
    assert 5 == bench.pipeline.counts()["calls_failed"]

    assemble.is_broken = False
    bench.run_after(3_600_000)
    assert "chat model-of-bad" in exporter.names()


def test_span_that_cannot_be_encoded_costs_only_itself(store: Store) -> None:
    """
    The call is stored and settled, its other spans are sent.
    """

    class Picky(RecordingExporter):
        def encode(self, span: Span) -> bytes:
            if span.kind == "tool":
                raise TypeError("no tools here")
            return super().encode(span)

    exporter = Picky()
    bench = Bench(store, [exporter])
    bench.feed(bench.started("a"), bench.tool("a"), bench.completed("a"))
    bench.run()

    assert ["chat model-of-a"] == exporter.names()
    assert "ok" == bench.status("a")
    assert 1 == bench.pipeline.counts()["calls_not_encodable"]


def test_call_that_the_database_does_not_take_is_found(store: Store) -> None:
    """
    A batch that can't be stored is stored call by call; only the one at fault waits.
    """

    def check(settlements: Sequence[CallSettlement], **more: Any) -> None:
        if any(settlement.request_id == "bad" for settlement in settlements):
            raise ValueError("cannot be stored")

    faulty, exporter = FaultyStore(store), RecordingExporter()
    faulty.check("settle_calls", check)
    bench = Bench(store, [exporter], queue=faulty)
    bench.feed(*bench.whole("a"), *bench.whole("bad"), *bench.whole("b"))
    with structlog.testing.capture_logs() as logs:
        bench.run()
        bench.run_after(1500)

    assert ["chat model-of-a", "chat model-of-b"] == sorted(exporter.names())
    assert ("ok", "running") == (bench.status("a"), bench.status("bad"))
    assert 1 == len([entry for entry in logs if entry["event"] == "call_not_stored"])


def test_database_that_is_away_while_settling_loses_nothing(store: Store) -> None:
    """
    The claim is given back and worked again at the next round; the span goes out once.
    """
    faulty, exporter = FaultyStore(store), RecordingExporter()
    faulty.will_raise("settle_calls", StoreUnavailable("away"))
    bench = Bench(store, [exporter], queue=faulty)
    bench.feed(*bench.whole("a"))
    with pytest.raises(StoreUnavailable):
        bench.run()
    assert [] == exporter.names()

    bench.run()
    assert ["chat model-of-a"] == exporter.names()


def test_event_during_assembly_is_not_forgotten(store: Store) -> None:
    """
    What is committed between claim and settle makes the call due again.
    """
    arrived: list[str] = []

    def assemble(call: CallEvents) -> Assembled:
        if not arrived:
            arrived.append("late")
            bench.feed(bench.chunk("a"))
        return REAL(call)

    exporter = RecordingExporter()
    bench = Bench(store, [exporter], assemble=assemble)
    bench.feed(*bench.whole("a"))
    bench.run()
    bench.run_after(SETTLE_MS + 1)

    call = store.call("default", "a")
    assert call is not None
    assert 1 == call["chunk_count"]
    assert 1 == len(exporter.names())
