"""
The outbox as a whole: outages, backlogs, wrong settings, and the end of the process.
"""

import os
import sqlite3
import threading
import tracemalloc
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest
import structlog

from collector.exporters import ExportSettings, open_exporters
from collector.exporters.otlp_encoding import encode_span
from collector.exporters.protocol import Barred, Later, Outcome, Sent
from collector.pipeline.exports import CLAIM_LIMIT, CLAIM_MAX_BYTES, LONE_TRIES, PROBE_LIMIT, ExportWorker
from collector.storage.engines import open_store
from collector.storage.protocols import Store
from tests.fakes.bench import FOREIGN, SETTLE_MS, Bench
from tests.fakes.exporter import RecordingExporter
from tests.fakes.faulty import FaultyStore, Killed
from tests.fakes.otlp import Answer, OtlpReceiver
from tests.fakes.otlp_decoding import ReceivedSpan
from tests.fakes.spans import a_span

BACKLOG = int(os.environ.get("HOOKLINE_BACKLOG_SPANS", "2600"))
MINUTE_MS = 60_000


def states(bench: Bench, *request_ids: str) -> list[str]:
    return [row["state"] for request_id in request_ids for row in bench.exports(request_id)]


@pytest.mark.parametrize("protocol", ["http/protobuf", pytest.param("grpc", marks=pytest.mark.long)])
def test_hour_without_the_backend_loses_and_doubles_nothing(store: Store, protocol: str) -> None:
    """
    Refused, stumbling, busy, cutting connections, wanting another key, in turn, for an hour with calls all the time:
    afterwards every span is there once, none is dead, and the probes meanwhile were few and small.
    """
    with OtlpReceiver() as backend:
        is_grpc = protocol == "grpc"
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": backend.grpc_endpoint if is_grpc else backend.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        }
        troubles = [
            Answer("UNAVAILABLE" if is_grpc else 503, headers={"Retry-After": "30"}, retry_delay_s=30.0),
            Answer("INTERNAL" if is_grpc else 500),
            Answer("RESOURCE_EXHAUSTED" if is_grpc else 429),
            Answer(cut=True),
            Answer("UNAUTHENTICATED" if is_grpc else 401),
            Answer("PERMISSION_DENIED" if is_grpc else 403),
            Answer("INVALID_ARGUMENT" if is_grpc else 400),
        ]
        bench = Bench(store, open_exporters(ExportSettings(environment=environment)))
        for minute in range(60):
            trouble = troubles[minute // 3 % len(troubles)]
            backend.judge = lambda spans, trouble=trouble: trouble
            bench.feed(*bench.whole(f"call-{minute}"))
            bench.run_after(MINUTE_MS)
        during = backend.requests()
        assert [] == backend.spans()
        assert {"pending"} == set(states(bench, *(f"call-{minute}" for minute in range(60))))

        backend.judge = None
        bench.run_after(5 * MINUTE_MS)
        bench.pipeline.stop(1.0)

        names = sorted(span.name for span in backend.spans())
        assert sorted(f"chat model-of-call-{minute}" for minute in range(60)) == names
        assert max(len(request.spans) for request in during) <= PROBE_LIMIT
        assert len(during) < 60 * 12


def test_wrong_key_keeps_the_whole_backlog_and_is_told_once(bench: Bench, exporter: RecordingExporter) -> None:
    """
    Ten seconds, then twice as long each time, five minutes at most; no span dies, and one log line names what to do.
    """
    exporter.will(*[Barred(reason="HTTP 401")] * 8)
    with structlog.testing.capture_logs() as logs:
        bench.feed(*bench.whole("a"), *bench.whole("b"))
        bench.run()
        waits: list[float] = []
        while len(exporter.sends) < 8:
            wait_ms = bench.exports("a")[0]["next_at"] - bench.clock.now_ms()
            assert 0 == bench.run_after(wait_ms - 1)
            bench.run_after(1)
            waits.append(wait_ms / 1000)
        assert [10, 20, 40, 80, 160, 300, 300] == waits
        assert [("pending", "HTTP 401")] == [(row["state"], row["reason"]) for row in bench.exports("a")]
        bench.run_after(300_000)

    assert ["done", "done"] == states(bench, "a", "b")
    told = [(entry["event"], entry["log_level"]) for entry in logs if entry["event"].startswith("export")]
    assert [("export_barred", "error"), ("export_resumed", "info")] == told
    assert "hookline doctor" in next(entry["hint"] for entry in logs if entry["event"] == "export_barred")


def test_outage_that_turns_out_to_be_a_setting_is_told_as_one(bench: Bench, exporter: RecordingExporter) -> None:
    """
    Away first, then the wrong key: one line for each, and the state says for how long nothing has gone.
    """
    exporter.will(Later(reason="HTTP 503"), Barred(reason="HTTP 403"), Later(reason="HTTP 503"), Barred(reason="HTTP 403"))
    bench.feed(*bench.whole("a"))
    began_ms = bench.clock.now_ms()
    with structlog.testing.capture_logs() as logs:
        bench.run()
        for _ in range(2):
            bench.run_after(20_000)
    (state,) = bench.pipeline.destination_states()
    assert (began_ms, "HTTP 503", False) == (state.failing_since_ms, state.reason, state.is_setting)
    with structlog.testing.capture_logs() as more:
        bench.run_after(50_000)
    (state,) = bench.pipeline.destination_states()

    assert (began_ms, "HTTP 403", True, 80.0) == (state.failing_since_ms, state.reason, state.is_setting, state.next_try_s)
    assert ["export_put_off", "export_barred"] == [one["event"] for one in logs if one["event"].startswith("export")]
    assert ["export_barred"] == [one["event"] for one in more if one["event"].startswith("export")]


def test_person_who_mended_it_need_not_wait(bench: Bench, exporter: RecordingExporter) -> None:
    """
    `send_now` ends the rest; what was put off until its end goes then, and what is due at once.
    """
    exporter.will(Barred(reason="HTTP 401"))
    bench.feed(*bench.whole("a"))
    bench.run()
    bench.feed(*bench.whole("b"))
    assert 1 == bench.run()

    bench.pipeline.send_now()
    bench.run()
    assert ["done"] == states(bench, "b")
    bench.run_after(10_000)
    assert ["done"] == states(bench, "a")


def test_outage_does_not_count_against_a_span(bench: Bench, exporter: RecordingExporter) -> None:
    """
    After an hour of failed attempts the backend stumbles over one span: it has all its tries still.
    """
    exporter.will(*[Later(reason="HTTP 503")] * 30)
    bench.feed(*bench.whole("bad"))
    for _ in range(40):
        bench.run_after(MINUTE_MS)
        if len(exporter.sends) == 30:
            break
    exporter.will(*[Later(reason="HTTP 500", is_about_span=True)] * LONE_TRIES)
    for tries in range(1, LONE_TRIES):
        bench.run_after(300_000)
        assert 30 + tries == len(exporter.sends)
        assert ["pending"] == states(bench, "bad")
    bench.run_after(300_000)

    assert ["dead"] == states(bench, "bad")


def fill(store_url: str, count: int, *, size_bytes: int, queued_ms: int, resource: str = "old") -> None:
    """Spans that wait, as if an outage had left them; written past the store, for speed."""
    padding = "x" * size_bytes
    encoded = encode_span(a_span(attributes={"text": padding}))
    with closing(sqlite3.connect(store_url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("INSERT INTO resources VALUES ('default', ?, ?, '{}', 0)", (resource, resource))
        rows = (
            (
                "default",
                f"{resource}-{n}",
                "otlp",
                "pending",
                queued_ms,
                "t",
                "r",
                resource,
                True,
                queued_ms,
                len(encoded),
                encoded,
            )
            for n in range(count)
        )
        names = (
            "project, span, destination, state, next_at, trace_id, request_id, resource_id, is_final, queued_ms, encoded_bytes"
        )
        connection.executemany(f"INSERT INTO exports ({names}, encoded) VALUES ({', '.join('?' * 12)})", rows)


class CountingExporter(RecordingExporter):
    """Keeps how many spans and bytes a send had, and the names of fresh ones; not the spans."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[tuple[int, int]] = []
        self.fresh: dict[str, int] = {}
        self.verdict: Outcome = Sent()

    def send(self, resource: Any, spans: Sequence[bytes]) -> list[Outcome]:
        self.sizes.append((len(spans), sum(map(len, spans))))
        if resource.resource_id != "old":
            self.fresh.setdefault(resource.service, len(self.sizes))
        return [self.verdict] * len(spans)


def test_backlog_drains_in_bounded_pieces_and_fresh_spans_pass_it(sqlite_url: str) -> None:
    """
    However many wait: a round has so many spans and bytes at most, memory does not grow with the backlog, a fresh span goes
    within two rounds, and the oldest go on all the while. During the outage a round is only a probe.
    """
    backend = CountingExporter()
    now_ms = Bench(open_only(sqlite_url), []).clock.now_ms()
    fill(sqlite_url, BACKLOG, size_bytes=2_000, queued_ms=now_ms - 3_600_000)
    store = open_store(sqlite_url, settle_ms=0)
    bench = Bench(store, [backend])
    backend.verdict = Later(reason="HTTP 503")
    for _ in range(5):
        bench.run_after(MINUTE_MS)
    assert [CLAIM_LIMIT, *[PROBE_LIMIT] * 4] == [spans for spans, _ in backend.sizes]

    backend.verdict = Sent()
    bench.clock.advance(MINUTE_MS)
    tracemalloc.start()
    rounds = 0
    while bench.pipeline.run_once():
        rounds += 1
        if rounds % 3 == 0:
            bench.feed(*bench.whole(f"fresh-{rounds}"), resource={**FOREIGN, "service.name": f"at-{len(backend.sizes)}"})
            bench.clock.advance(SETTLE_MS + 1)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    store.close()

    assert peak_bytes < 4 * CLAIM_MAX_BYTES
    assert max(spans for spans, _ in backend.sizes) <= CLAIM_LIMIT
    assert max(size for _, size in backend.sizes) <= CLAIM_MAX_BYTES
    assert BACKLOG == sum(spans for spans, _ in backend.sizes[5:]) - len(backend.fresh)
    assert len(backend.fresh) >= BACKLOG // CLAIM_LIMIT // 3 - 1
    assert all(sent - int(service.removeprefix("at-")) <= 4 for service, sent in backend.fresh.items()), backend.fresh


def test_oldest_span_is_not_the_last_to_go(sqlite_url: str) -> None:
    """
    Where more waits than two rounds take, the newest go in one and the oldest in the next.
    """
    backend = CountingExporter()
    now_ms = Bench(open_only(sqlite_url), []).clock.now_ms()
    fill(sqlite_url, 1, size_bytes=1, queued_ms=now_ms - 3_600_000, resource="oldest")
    fill(sqlite_url, 3 * CLAIM_LIMIT, size_bytes=1, queued_ms=now_ms - 1_000)
    fill(sqlite_url, 1, size_bytes=1, queued_ms=now_ms, resource="newest")
    store = open_store(sqlite_url, settle_ms=0)
    bench = Bench(store, [backend])
    for _ in range(2):
        bench.pipeline.run_once()
    store.close()

    assert {"newest", "oldest"} == set(backend.fresh)


def open_only(url: str) -> Any:
    """A store that is opened and closed again: the file is there, with its schema and its journal."""
    store = open_store(url, settle_ms=0)
    store.close()
    return store


def test_due_time_of_a_destination_is_its_own(store: Store) -> None:
    """
    One that rests, one that nobody serves any more, and calls: none of them keeps another's worker awake.
    """
    away, there, gone = RecordingExporter("otlp"), RecordingExporter("jsonl"), RecordingExporter("gone")
    gone.will(Later(reason="HTTP 503", after_s=1.0))
    before = Bench(store, [gone])
    before.feed(*before.whole("old"))
    before.pipeline.run_once()
    away.will(Later(reason="HTTP 503", after_s=3600.0))
    bench = Bench(store, [there, away])
    bench.clock.advance(1)
    bench.feed(*bench.whole("a"))
    bench.run()
    workers = [ExportWorker(store, one, clock=bench.clock, owner="me", roll=lambda: 1.0) for one in (there, away, gone)]
    away.will(Later(reason="HTTP 503", after_s=60.0))
    bench.clock.advance(3600_000)
    for worker in workers[:2]:
        worker.run_once()

    waits = {worker.destination: worker.until_due_s() for worker in workers}
    assert {"jsonl": None, "otlp": 60.0, "gone": -3599.001} == waits
    assert store.next_due_ms(now_ms=bench.clock.now_ms()) is None
    assert ["pending"] == states(bench, "old")


def test_endpoint_that_is_set_later_gets_nothing_old(store: Store, exporter: RecordingExporter) -> None:
    """
    Calls that settled without a destination stay at home, also when something comes late or all are assembled again; one that
    was still open then goes.
    """
    before = Bench(store, [])
    before.feed(*before.whole("old"), before.started("open"))
    before.run()
    bench = Bench(store, [exporter])
    bench.run_after(1)
    bench.feed(bench.completed("open"), bench.feedback("old"), bench.chunk("old"))
    bench.run_after(SETTLE_MS + 1)
    store.mark_all_dirty(project=None, request_id=None, now_ms=bench.clock.now_ms())
    bench.run()

    assert ["chat model-of-open"] == exporter.names()


def test_late_settlement_of_a_slow_worker_does_not_send_a_third_time(store: Store) -> None:
    """
    One whose lease ended while it waited for its backend comes back with "again" while another sends: that one is not
    disturbed, and nobody sends once more.
    """
    slow, other = RecordingExporter(), RecordingExporter()
    rival = Bench(store, [other])
    first = FaultyStore(store)
    bench = Bench(store, [slow], queue=first)
    late: list[Any] = []

    def keep_for_later(outcomes: Any, **more: Any) -> None:
        late.append((outcomes, more))
        raise Killed

    first.check("settle_exports", keep_for_later)
    slow.will(Later(reason="HTTP 503", after_s=0.0))
    bench.feed(*bench.whole("a"))
    with pytest.raises(Killed):
        bench.run()

    def settled_by_the_late_one(spans: Sequence[ReceivedSpan]) -> Sequence[Outcome]:
        for outcomes, more in late:
            store.settle_exports(outcomes, **more)
        assert 0 == Bench(store, [slow]).run_after(2 * MINUTE_MS)
        return [Sent()] * len(spans)

    other.will(settled_by_the_late_one)
    rival.run_after(2 * MINUTE_MS)

    assert (["chat model-of-a"], ["chat model-of-a"]) == (slow.names(), other.names())
    assert ["done"] == states(bench, "a")


class HeldExporter(RecordingExporter):
    """Sends when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def send(self, resource: Any, spans: Sequence[bytes]) -> list[Outcome]:
        self.has_begun.set()
        assert self.may_end.wait(60)
        return super().send(resource, spans)


def test_stop_lets_the_export_on_its_way_end_and_begins_no_other(sqlite_url: str) -> None:
    """
    What was sent is done before the end; the next sender's spans, claimed in the same round, are free at once for whoever comes
    next, as if they had never been claimed.
    """
    store = open_store(sqlite_url, settle_ms=0)
    held = HeldExporter()
    bench = Bench(store, [held])
    for service in ("bank", "shop"):
        bench.feed(*bench.whole(service), resource={"service.name": service, "telemetry.sdk.name": "hookline-py"})
    bench.pipeline.start()
    bench.pipeline.wake()
    assert held.has_begun.wait(60)

    stopping = threading.Thread(target=bench.pipeline.stop, args=(60.0,))
    stopping.start()
    while not held.is_winding_down:
        threading.Event().wait(0.005)
    held.may_end.set()
    stopping.join(60)

    assert 1 == len(held.sends)
    rows = sorted((row["state"], row["attempts"]) for service in ("bank", "shop") for row in bench.exports(service))
    assert [("done", 1), ("pending", 0)] == rows
    assert store.next_export_due_ms(destination="otlp") == bench.clock.now_ms()
    store.close()
