"""
The main job, whole: a real, wrapped client in a host application; what its calls look like to an OTLP backend.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.database import query
from tests.end_to_end.processes import CollectorProcess, wait_for
from tests.fakes.otlp import OtlpReceiver

HOST = Path(__file__).with_name("host_application.py")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("store_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True)
def test_spans_of_a_host_application(store_url: str, tmp_path: Path) -> None:
    """
    Each call's span ends at the completed event's timestamp and starts `duration` earlier; a tool is its caller's child; the
    host's span is the parent and its service the resource; ids stay after `reassemble`, and nothing is sent twice.
    """
    with OtlpReceiver() as backend:
        collector = CollectorProcess(
            database_url=store_url, log_path=tmp_path / "log", env={"OTEL_EXPORTER_OTLP_ENDPOINT": backend.endpoint}
        )
        with collector:
            host = _run_host(collector)
            spans = wait_for("the host's spans", lambda: _named(backend, host["request_count"]))
            _times_are_those_of_the_completed_events(store_url, spans)
            _the_tree_is_the_hosts(spans, host)
            before = _ids(store_url)
            told = collector.command("reassemble", "--json")
            assert 0 == told.returncode, told.stderr + told.stdout
            collector.wait_until_settled([])
            wait_for("no work left", lambda: query(store_url, "SELECT count(*) AS n FROM call_work")[0]["n"] == 0)
            assert before == _ids(store_url)
        sent = [span.span_id for span in backend.spans()]
        assert len(sent) == len(set(sent))


def _run_host(collector: CollectorProcess) -> dict[str, Any]:
    environment = collector.environment() | {"OTEL_SERVICE_NAME": "the-host", "HOOKLINE_ENVIRONMENT": "test"}
    done = subprocess.run([sys.executable, str(HOST)], env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _named(backend: OtlpReceiver, calls: int) -> dict[str, Any] | None:
    """Spans by name once the expected number of calls and the one tool are there; names are unique in the host's script."""
    found = {span.name: span for span in backend.spans()}
    return found if len(found) >= calls + 1 else None


def _times_are_those_of_the_completed_events(store_url: str, spans: dict[str, Any]) -> None:
    rows = query(store_url, "SELECT request_id, payload FROM events WHERE type LIKE '%:request:completed'")
    ends = {row["request_id"]: json.loads(row["payload"]) for row in rows}
    calls = [span for span in spans.values() if span.attributes.get("gen_ai.operation.name") != "execute_tool"]
    assert calls
    for span in calls:
        completed = ends[span.attributes["hookline.request_id"]]
        assert abs(span.end_ns / 1e6 - completed["timestamp"]) < 0.001
        assert abs((span.end_ns - span.start_ns) / 1e6 - completed["duration"]) < 0.001
        assert "the-host" == span.resource["service.name"]
        assert "test" == span.resource["deployment.environment.name"]


def _the_tree_is_the_hosts(spans: dict[str, Any], host: dict[str, Any]) -> None:
    assert {host["trace_id"]} == {span.trace_id for span in spans.values()}
    assert host["span_id"] == spans["chat gpt-4o"].parent_span_id
    assert host["span_id"] == spans["embeddings text-embedding-3-small"].parent_span_id
    agent = spans["invoke_agent weather"]
    assert host["span_id"] == agent.parent_span_id
    assert agent.span_id == spans["chat gpt-4o-mini"].parent_span_id
    assert agent.span_id == spans["execute_tool look_up"].parent_span_id


def _ids(store_url: str) -> list[dict[str, Any]]:
    return query(store_url, "SELECT request_id, trace_id, span_id, parent_span_id, name FROM spans ORDER BY trace_id, span_id")
