"""
The pipeline from stored events to delivered spans: what is exported, when, and how often.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from collector.exporters import ExportSettings, Later, open_exporters
from collector.pipeline.pipeline import Pipeline
from collector.storage.engines import open_store
from collector.storage.protocols import Store
from tests.fakes.bench import FOREIGN, IDLE_TIMEOUT_MS, SETTLE_MS, UNSAMPLED, Bench
from tests.fakes.exporter import RecordingExporter
from tests.fakes.otlp import OtlpReceiver

Started = Callable[[Pipeline], Pipeline]


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url, settle_ms=SETTLE_MS)
    yield opened
    opened.close()


def test_own_call_goes_out_at_once(bench: Bench, exporter: RecordingExporter) -> None:
    """
    Both ends of a call of our own hook are stored: its span is sent without waiting, with its sender's resource.
    """
    bench.feed(*bench.whole("a"))
    bench.run()

    ((span,),) = exporter.sends
    assert ("chat model-of-a", "shop") == (span.name, span.resource["service.name"])
    assert 80.5 == (span.end_ns - span.start_ns) / 1e6
    assert ["done"] == [row["state"] for row in bench.exports("a")]


def test_foreign_call_waits_until_it_has_settled(bench: Bench, exporter: RecordingExporter) -> None:
    """
    Events of other senders may come late: the span goes out once, after the settling time.
    """
    bench.feed(*bench.whole("a"), resource=FOREIGN)
    bench.run_after(SETTLE_MS - 1)
    assert [] == exporter.sends

    bench.run_after(2)
    assert ["chat model-of-a"] == exporter.names()


def test_late_event_changes_rows_but_sends_nothing(bench: Bench, exporter: RecordingExporter) -> None:
    """
    OTLP has no update: a chunk after the end is in the call's row, the span stays as it was sent.
    """
    bench.feed(*bench.whole("a"))
    bench.run()
    bench.feed(bench.chunk("a"))
    bench.run_after(10 * SETTLE_MS)

    call = bench.store.call("default", "a")
    assert call is not None
    assert 1 == call["chunk_count"]
    assert 1 == len(exporter.names())


def test_late_event_is_told_without_export_too(store: Store) -> None:
    """
    No endpoint is set: what comes after the call settled still makes it late, in its row and in its health; nothing else does.
    """
    bench = Bench(store, [])
    bench.feed(*bench.whole("a"), *bench.whole("b"))
    bench.run()
    bench.clock.advance(10)
    bench.feed(bench.chunk("a"))
    bench.run()
    store.mark_all_dirty(project=None, request_id=None, now_ms=bench.clock.now_ms())
    bench.run()

    calls = {name: store.call("default", name) for name in ("a", "b")}
    assert {"a": True, "b": False} == {name: call["late"] for name, call in calls.items() if call is not None}
    assert [True] == [row["late"] for row in store.call_details("default", "a")["trace_health"]]


def test_feedback_makes_no_call_of_its_own(bench: Bench, exporter: RecordingExporter) -> None:
    """
    With an id that has no call it is an event and nothing else, however long one waits; a call that there is stays as it is.
    """
    bench.feed(bench.feedback("nobody"), *bench.whole("a"))
    bench.run()
    bench.feed(bench.feedback("a"))
    bench.run_after(2 * IDLE_TIMEOUT_MS)

    assert bench.store.call("default", "nobody") is None
    assert 1 == len(bench.store.call_events("default", "nobody", limit=10, cursor=None).items)
    assert ("ok", ["chat model-of-a"]) == (bench.status("a"), exporter.names())


def test_span_that_only_a_late_event_makes_is_not_sent(bench: Bench, exporter: RecordingExporter) -> None:
    """
    A call's spans go out together, once: a tool that is told of afterwards is a row only.
    """
    bench.feed(*bench.whole("a"))
    bench.run()
    bench.feed(bench.tool("a"))
    bench.run_after(10 * SETTLE_MS)

    assert {"call", "tool"} == {span["kind"] for span in bench.store.call_details("default", "a")["spans"]}
    assert ["chat model-of-a"] == exporter.names()


def test_assembling_again_sends_nothing(bench: Bench, exporter: RecordingExporter) -> None:
    """
    `reassemble` rewrites rows under the same ids; backends see nothing of it.
    """
    bench.feed(*bench.whole("a"))
    bench.run()
    before = bench.store.call("default", "a")
    assert 1 == bench.store.mark_all_dirty(project=None, request_id=None, now_ms=bench.clock.now_ms())

    assert bench.run_after(SETTLE_MS) > 0
    after = bench.store.call("default", "a")
    assert before is not None
    assert after is not None
    assert (before["trace_id"], before["span_id"]) == (after["trace_id"], after["span_id"])
    assert 1 == len(exporter.names())


def test_end_that_comes_before_the_incomplete_span_was_sent_takes_its_place(bench: Bench, exporter: RecordingExporter) -> None:
    """
    The backend was away when the call went quiet: only the whole span goes out when it is back.
    """
    exporter.will(Later(reason="away", after_s=3_600.0))
    bench.feed(bench.started("a"))
    bench.run_after(IDLE_TIMEOUT_MS)
    bench.feed(bench.completed("a"))
    bench.run_after(SETTLE_MS)
    assert [("pending", True)] == [(row["state"], row["is_final"]) for row in bench.exports("a")]

    bench.run_after(3_600_000)

    assert ["UNSET"] == [span.status for span in exporter.sends[-1]]
    assert 2 == len(exporter.sends)


def test_call_without_an_end_goes_out_as_incomplete_and_once_more_when_it_ends(bench: Bench, exporter: RecordingExporter) -> None:
    """
    After the idle timeout the span goes with an error; the end sends it whole; its tool, whole before, goes only once.
    """
    bench.feed(bench.started("a"), bench.tool("a"))
    bench.run()
    assert [] == exporter.sends

    bench.run_after(IDLE_TIMEOUT_MS + 1)
    assert "incomplete" == bench.status("a")
    assert {"execute_tool look_up", "chat model-of-a"} == set(exporter.names())
    first = next(span for part in exporter.sends for span in part if span.name == "chat model-of-a")
    assert ("ERROR", "incomplete") == (first.status, first.attributes["error.type"])

    bench.feed(bench.completed("a"))
    bench.run_after(SETTLE_MS + 1)
    assert "ok" == bench.status("a")
    again = exporter.sends[-1]
    assert ["chat model-of-a"] == [span.name for span in again]
    assert (first.span_id, "UNSET") == (again[0].span_id, again[0].status)

    bench.feed(bench.chunk("a"))
    bench.run_after(IDLE_TIMEOUT_MS + 1)
    assert 3 == len(exporter.names())


def test_unsampled_call_stays_at_home(bench: Bench, exporter: RecordingExporter) -> None:
    """
    Where the host's span is not sampled the call is a row and no export, also after a late event.
    """
    bench.feed(*bench.whole("a", traceparent=UNSAMPLED))
    bench.run()
    bench.feed(bench.chunk("a"))
    bench.run_after(SETTLE_MS + 1)

    assert "ok" == bench.status("a")
    assert [] == bench.exports("a")
    assert [] == exporter.sends


def test_without_exporters_nothing_is_queued(store: Store) -> None:
    """
    No endpoint: calls are assembled, the outbox stays empty.
    """
    bench = Bench(store, [])
    bench.feed(*bench.whole("a"))
    bench.run()

    assert "ok" == bench.status("a")
    assert [] == bench.exports("a")


def test_every_destination_gets_each_span(store: Store) -> None:
    """
    State is kept by destination.
    """
    exporters = [RecordingExporter("otlp"), RecordingExporter("jsonl")]
    bench = Bench(store, exporters)
    bench.feed(*bench.whole("a"), *bench.whole("b"))
    bench.run()

    assert [["chat model-of-a", "chat model-of-b"]] * 2 == [sorted(exporter.names()) for exporter in exporters]
    assert {"otlp", "jsonl"} == {row["destination"] for row in bench.exports("a")}


def test_two_workers_on_one_store_send_each_span_once(store: Store) -> None:
    """
    Claims keep them apart.
    """
    exporters = [RecordingExporter(), RecordingExporter()]
    benches = [Bench(store, [exporter]) for exporter in exporters]
    benches[0].feed(*(event for n in range(150) for event in benches[0].whole(f"r{n}")))
    while sum(bench.pipeline.run_once() for bench in benches):
        pass

    names = exporters[0].names() + exporters[1].names()
    assert 150 == len(names) == len(set(names))


def test_commit_to_backend_in_a_moment(store: Store) -> None:
    """
    With its threads running, a woken pipeline has an own call at a real backend, long before it would look, and stops in time.
    """
    with OtlpReceiver() as backend:
        exporters = open_exporters(ExportSettings(environment={"OTEL_EXPORTER_OTLP_ENDPOINT": backend.endpoint}))
        settled: list[Any] = []
        # Polling is out of the question here: only being woken can make it quick.
        pipeline = Pipeline(
            store, exporters, settle_ms=SETTLE_MS, idle_timeout_ms=IDLE_TIMEOUT_MS, poll_s=3600.0, on_settled=settled.append
        )
        pipeline.start()
        feeder = Bench(store, [])
        feeder.clock.advance(time.time() * 1000 - feeder.clock.now_ms())
        for n in range(5):
            feeder.feed(*feeder.whole(f"r{n}"))
            pipeline.wake()
            backend.wait_for_spans(n + 1, timeout_s=30)

        assert pipeline.stop(30.0)
    assert 5 == len({span.span_id for span in backend.spans()}) == len(backend.spans())
    assert ("default",) in settled


def test_settling_time_ends_without_being_woken(store: Store) -> None:
    """
    The thread sleeps until the store's next due time, not until the next poll.
    """
    exporter = RecordingExporter()
    pipeline = Pipeline(store, [exporter], settle_ms=SETTLE_MS, idle_timeout_ms=IDLE_TIMEOUT_MS, poll_s=3600.0)
    feeder = Bench(store, [])
    feeder.clock.advance(time.time() * 1000 - feeder.clock.now_ms())
    feeder.feed(*feeder.whole("a"), resource=FOREIGN)
    pipeline.start()

    assert exporter.has_sent.wait(30.0)
    assert pipeline.stop(30.0)


def test_stop_closes_the_exporters_of_a_pipeline_that_never_ran(store: Store, exporter: RecordingExporter) -> None:
    """
    They are the pipeline's own from the start.
    """
    pipeline = Pipeline(store, [exporter], settle_ms=SETTLE_MS, idle_timeout_ms=IDLE_TIMEOUT_MS)

    assert pipeline.stop(1.0)
    assert exporter.is_closed
