"""
An OTLP backend that is away for long: spans wait in the database, not in the collector's memory.
"""

from pathlib import Path

import pytest

from tests.end_to_end.database import count
from tests.end_to_end.load import RESOURCE, batches
from tests.end_to_end.processes import CollectorProcess, wait_for
from tests.fakes.otlp import Answer, OtlpReceiver

CALLS = 3_000
CALLS_A_BATCH = 20
MOST_GROWTH_MIB = 15.0
WAITING = "SELECT count(*) FROM exports WHERE state = 'pending'"


@pytest.mark.long
@pytest.mark.timeout(300)
def test_memory_stays_flat_while_the_backend_is_away(sqlite_url: str, tmp_path: Path) -> None:
    """
    From a third of the calls to all of them memory doesn't follow what waits; when the backend is back each span comes once.
    """
    with OtlpReceiver() as backend:
        backend.judge = lambda spans: Answer(503, headers={"retry-after": "1"})
        # In one process, so that there is one memory to look at.
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": backend.endpoint,
            "OTEL_METRICS_EXPORTER": "none",
            "HOOKLINE_WORKER_PROCESS": "never",
        }
        with CollectorProcess(database_url=sqlite_url, log_path=tmp_path / "log", env=env) as collector:
            post_and_wait(collector, "early", CALLS // 3, waiting=CALLS // 3)
            before_mib = collector.memory_mib()
            post_and_wait(collector, "late", CALLS - CALLS // 3, waiting=CALLS)
            after_mib = collector.memory_mib()
            assert backend.requests()
            assert not backend.spans()
            assert after_mib < before_mib + MOST_GROWTH_MIB

            backend.judge = None
            backend.wait_for_spans(CALLS, timeout_s=120)
            wait_for("nothing to be left", lambda: count(sqlite_url, WAITING) == 0)
        sent = [span.span_id for span in backend.spans()]
        assert (CALLS, CALLS) == (len(sent), len(set(sent)))


def post_and_wait(collector: CollectorProcess, prefix: str, calls: int, *, waiting: int) -> None:
    """Post calls in steady batches; back when so many spans wait."""
    for batch in batches(prefix, calls=calls, calls_a_batch=CALLS_A_BATCH):
        collector.post({"resource": RESOURCE, "events": batch})
    wait_for(f"{waiting} spans to wait", lambda: count(collector.database_url, WAITING) == waiting, limit_s=120)
