"""
kill -9 in the middle of a load: what was acknowledged is there once, and every call has one span.
"""

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.end_to_end.database import count
from tests.end_to_end.load import Poster, batches
from tests.end_to_end.processes import CollectorProcess, wait_for
from tests.fakes.otlp import OtlpReceiver

CALLS = 300
KILLS = 3
PENDING = "SELECT count(*) FROM exports WHERE state = 'pending'"


@pytest.mark.timeout(180)
def test_nothing_acknowledged_is_lost_or_doubled_by_kill_9(store_url: str, tmp_path: Path) -> None:
    """
    The collector dies three times at random moments while a client posts and re-posts; then every acknowledged event is
    one row, every call has one row and one span, and only a crash can have made the backend see a span twice, unchanged.
    """
    with OtlpReceiver() as backend:
        collector = CollectorProcess(
            database_url=store_url, log_path=tmp_path / "log", env={"OTEL_EXPORTER_OTLP_ENDPOINT": backend.endpoint}
        )
        with collector:
            poster = Poster(collector=collector, batches=list(batches("kill", calls=CALLS, calls_a_batch=3)))
            posting = poster.start()
            _kill_now_and_then(collector)
            posting.join(90)
            assert poster.gave_up is None
            names = {event["requestId"] for event in poster.acknowledged}
            assert CALLS == len(names)
            calls = collector.wait_until_settled(sorted(names), limit_s=60)
            _every_event_once(collector, poster)
            assert {"ok"} == {call["status"] for call in calls.values()}
            wait_for("every span to arrive", lambda: len({s.span_id for s in backend.spans()}) >= CALLS, limit_s=60)
            wait_for("nothing left to send", lambda: count(store_url, PENDING) == 0, limit_s=60)
        _spans_once(backend, calls)


def _kill_now_and_then(collector: CollectorProcess) -> None:
    moments = random.Random(20)
    for _ in range(KILLS):
        time.sleep(moments.uniform(0.05, 0.5))
        collector.kill()
        collector.start()


def _every_event_once(collector: CollectorProcess, poster: Poster) -> None:
    stored = Counter(event["event_id"] for event in collector.all_events())
    assert {event["eventId"] for event in poster.acknowledged} == set(stored)
    assert {1} == set(stored.values())


def _spans_once(backend: OtlpReceiver, calls: dict[str, dict[str, object]]) -> None:
    times_seen = Counter(span.span_id for span in backend.spans())
    assert {call["span_id"] for call in calls.values()} == set(times_seen)
    again = {span_id: n for span_id, n in times_seen.items() if n > 1}
    assert max(times_seen.values()) <= 1 + KILLS
    for span_id in again:
        copies = [span for span in backend.spans() if span.span_id == span_id]
        assert all(copy == copies[0] for copy in copies)
