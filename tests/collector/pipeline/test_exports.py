"""
One destination under fire: which span waits, for how long, which is dead, and that none is sent twice.
"""

from collections.abc import Sequence
from typing import Any

import pytest
import structlog

from collector.errors import StoreUnavailable
from collector.exporters.protocol import Later, Outcome, Refused, Sent
from collector.pipeline.exports import LONE_TRIES
from collector.storage.outbox import DeadSpans
from collector.storage.protocols import Store
from tests.fakes.bench import Bench
from tests.fakes.exporter import RecordingExporter
from tests.fakes.faulty import FaultyStore
from tests.fakes.otlp_decoding import ReceivedSpan


def outcome_for(name: str, outcome: Outcome) -> Any:
    """That outcome for one span, Sent for the others."""

    def verdict(spans: Sequence[ReceivedSpan]) -> list[Outcome]:
        return [outcome if span.name == name else Sent() for span in spans]

    return verdict


def test_spans_go_with_the_resource_of_their_sender(bench: Bench, exporter: RecordingExporter) -> None:
    """
    One send a resource.
    """
    for service in ("shop", "bank"):
        resource = {"service.name": service, "telemetry.sdk.name": "hookline-py"}
        bench.feed(*bench.whole(f"{service}-1"), *bench.whole(f"{service}-2"), resource=resource)
    bench.run()

    told = sorted((span.resource["service.name"], len(part)) for part in exporter.sends for span in part[:1])
    assert [("bank", 2), ("shop", 2)] == told


def test_whole_destination_waits_as_long_as_the_backend_wishes(bench: Bench, exporter: RecordingExporter) -> None:
    """
    Retry-After is for all spans, also those that come meanwhile; then everything goes, once.
    """
    exporter.will(Later(reason="HTTP 503", after_s=30.0))
    bench.feed(*bench.whole("a"))
    bench.run()
    assert [("pending", "HTTP 503")] == [(row["state"], row["reason"]) for row in bench.exports("a")]
    bench.feed(*bench.whole("b"))
    bench.run_after(29_900)
    assert 1 == len(exporter.sends)

    bench.run_after(200)
    assert ["chat model-of-a", "chat model-of-a", "chat model-of-b"] == exporter.names()
    assert {"done"} == {row["state"] for name in "ab" for row in bench.exports(name)}


def test_waits_grow_and_are_capped(bench: Bench, exporter: RecordingExporter) -> None:
    """
    Half a second, doubled each time, a minute at most; one success and it begins anew.
    """
    exporter.will(*[Later(reason="not reachable")] * 14)
    bench.feed(*bench.whole("a"))
    bench.run()
    waits: list[float] = []
    while len(exporter.sends) < 14:
        wait_ms = bench.exports("a")[0]["next_at"] - bench.clock.now_ms()
        assert 0 == bench.run_after(wait_ms - 1)
        assert 1 == bench.run_after(1)
        waits.append(wait_ms / 1000)
    assert [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60] == waits

    bench.run_after(60_000)
    exporter.will(Later(reason="not reachable"))
    bench.feed(*bench.whole("b"))
    bench.run()
    bench.run_after(500)
    assert "chat model-of-b" == exporter.names()[-1]
    assert {"done"} == {row["state"] for row in bench.exports("b")}


def test_retry_after_zero_is_no_invitation_to_spin(bench: Bench, exporter: RecordingExporter) -> None:
    """
    There is a least rest.
    """
    exporter.will(*[Later(reason="HTTP 429", after_s=0.0)] * 3)
    bench.feed(*bench.whole("a"))
    bench.run()
    bench.run_after(400)

    assert 1 == len(exporter.sends)


def test_refused_span_is_dead_with_its_reason_and_may_be_tried_again(bench: Bench, exporter: RecordingExporter) -> None:
    """
    Its neighbour is done; `export --retry-dead` sends it again, byte for byte the same.
    """
    exporter.will(outcome_for("chat model-of-bad", Refused(reason="HTTP 400: no")))
    bench.feed(*bench.whole("bad"), *bench.whole("good"))
    bench.run()
    assert [("dead", "HTTP 400: no", 1)] == [(row["state"], row["reason"], row["attempts"]) for row in bench.exports("bad")]
    assert ["done"] == [row["state"] for row in bench.exports("good")]
    bench.run_after(3_600_000)
    assert 1 == len(exporter.sends)

    assert [1] == [row["count"] for row in bench.store.retry_dead_exports(DeadSpans(), now_ms=bench.clock.now_ms())]
    bench.run()
    first = next(span for span in exporter.sends[0] if span.name == "chat model-of-bad")
    assert ((first,), "done") == (exporter.sends[1], bench.exports("bad")[0]["state"])


def test_span_that_a_backend_stumbles_over_waits_alone_and_dies_at_last(bench: Bench, exporter: RecordingExporter) -> None:
    """
    Others pass it meanwhile; after the tenth attempt it is dead, and says so.
    """
    exporter.will(*[outcome_for("chat model-of-bad", Later(reason="HTTP 500", is_about_span=True))] * 50)
    bench.feed(*bench.whole("bad"))
    bench.run()
    bench.feed(*bench.whole("good"))
    bench.run()
    assert "chat model-of-good" in exporter.names()

    bench.run_after(500)
    while "pending" == bench.exports("bad")[0]["state"]:
        bench.run_after(60_000)
    (row,) = bench.exports("bad")
    assert ("dead", LONE_TRIES) == (row["state"], row["attempts"])
    assert row["reason"].startswith("HTTP 500 (given up after 10")


def test_outcomes_that_could_not_be_written_are_kept(store: Store, exporter: RecordingExporter) -> None:
    """
    The database goes away between the backend's 2xx and our commit: the outcome is written later, nothing is sent again.
    """
    faulty = FaultyStore(store)
    faulty.will_raise("settle_exports", StoreUnavailable("away"), StoreUnavailable("still away"))
    bench = Bench(store, [exporter], queue=faulty)
    bench.feed(*bench.whole("a"))
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            bench.run()
    bench.run_after(3_600_000)

    assert ["chat model-of-a"] == exporter.names()
    assert ["done"] == [row["state"] for row in bench.exports("a")]


def test_spans_handed_over_do_not_claim(store: Store, exporter: RecordingExporter) -> None:
    """
    A claim writes, also where it finds nothing; so there is one only where a span waits that nobody handed over.
    """
    faulty = FaultyStore(store)
    bench = Bench(store, [exporter], queue=faulty)
    bench.feed(*bench.whole("a"))
    bench.run()
    assert (["done"], 0) == ([row["state"] for row in bench.exports("a")], faulty.calls.get("claim_exports", 0))

    exporter.will(Later(reason="not reachable"))
    bench.feed(*bench.whole("b"))
    bench.run()
    bench.run_after(500)
    assert ["done"] == [row["state"] for row in bench.exports("b")]
    assert 1 <= faulty.calls["claim_exports"]


def test_exporter_that_breaks_its_promise_loses_nothing(bench: Bench, exporter: RecordingExporter) -> None:
    """
    An exception out of `send`: the spans wait, the reason names the kind of error and not its words.
    """
    exporter.will(KeyError("secret"))
    bench.feed(*bench.whole("a"))
    bench.run()
    assert ["the exporter failed: KeyError"] == [row["reason"] for row in bench.exports("a")]

    bench.run_after(1000)
    assert ["done"] == [row["state"] for row in bench.exports("a")]


def test_destinations_do_not_wait_for_each_other(store: Store) -> None:
    """
    One backend is away: the other has the span already.
    """
    away, there = RecordingExporter("otlp"), RecordingExporter("jsonl")
    away.will(*[Later(reason="away", after_s=3600.0)])
    bench = Bench(store, [away, there])
    bench.feed(*bench.whole("a"))
    bench.run()

    assert {"otlp": "pending", "jsonl": "done"} == {row["destination"]: row["state"] for row in bench.exports("a")}


def test_other_senders_spans_wait_too_when_the_backend_goes_away(bench: Bench, exporter: RecordingExporter) -> None:
    """
    The second resource of a claim is not tried; it goes after the rest, without being claimed by a lease's end.
    """
    exporter.will(Later(reason="HTTP 503", after_s=2.0))
    for service in ("shop", "bank"):
        bench.feed(*bench.whole(service), resource={"service.name": service, "telemetry.sdk.name": "hookline-py"})
    bench.run()
    assert 1 == len(exporter.sends)
    assert {"HTTP 503"} == {row["reason"] for service in ("shop", "bank") for row in bench.exports(service)}

    bench.run_after(2001)
    assert 3 == len(exporter.names())


def test_worker_that_died_leaves_its_spans_to_others(store: Store, exporter: RecordingExporter) -> None:
    """
    A claim that was never settled is given out anew when its lease ends.
    """
    dying = RecordingExporter()
    dying.will(KeyboardInterrupt())
    bench = Bench(store, [dying])
    bench.feed(*bench.whole("a"))
    with pytest.raises(KeyboardInterrupt):
        bench.run()
    lease_ms = bench.exports("a")[0]["next_at"] - bench.clock.now_ms()
    assert lease_ms > dying.longest_send_s * 1000
    heir = Bench(store, [exporter])
    heir.run_after(lease_ms - 1)
    assert [] == exporter.sends

    heir.run_after(2)
    assert ["chat model-of-a"] == exporter.names()


def test_logs_tell_once_that_a_backend_is_away_and_once_that_it_is_back(bench: Bench, exporter: RecordingExporter) -> None:
    """
    Not a line an attempt.
    """
    exporter.will(*[Later(reason="HTTP 503")] * 5)
    bench.feed(*bench.whole("a"))
    with structlog.testing.capture_logs() as logs:
        bench.run()
        for _ in range(10):
            bench.run_after(10_000)

    events = [entry["event"] for entry in logs if entry["event"].startswith("export")]
    assert ["export_put_off", "export_resumed"] == events
    assert {"otlp_sent": 1, "otlp_put_off": 5, "otlp_dead": 0}.items() <= bench.pipeline.counts().items()
