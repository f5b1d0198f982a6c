"""
Metrics, whole: a real, wrapped client in a host application; what its calls add up to at an OTLP backend.
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
from tests.fakes.otlp_decoding import ReceivedPoint

HOST = Path(__file__).with_name("host_application.py")
DURATION = "gen_ai.client.operation.duration"


@pytest.mark.long
@pytest.mark.timeout(300)
def test_metrics_of_a_host_application(sqlite_url: str, tmp_path: Path) -> None:
    """
    Each call of the table is in the histogram once, with the host's service as the resource; the end of the collector exports
    what was not exported yet.
    """
    with OtlpReceiver() as backend:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": backend.endpoint, "OTEL_METRIC_EXPORT_INTERVAL": "3600000"}
        with CollectorProcess(database_url=sqlite_url, log_path=tmp_path / "log", env=settings) as collector:
            host = _run_host(collector)
            wait_for("the host's calls", lambda: _settled(sqlite_url) >= host["request_count"])
            assert not backend.points()
        points = backend.points()

    durations = [point for point in points if point.metric == DURATION]
    calls = query(sqlite_url, "SELECT operation, model, count(*) AS n, sum(duration_ms) / 1000 AS s FROM calls GROUP BY 1, 2")
    expected = {(call["operation"], call["model"]): (call["n"], pytest.approx(call["s"])) for call in calls}
    assert expected == {_about(point): (point.count, point.total) for point in durations}
    assert {"the-host"} == {point.resource["service.name"] for point in points}
    (tool,) = (point for point in points if point.metric == "gen_ai.execute_tool.duration")
    assert ("look_up", 1) == (tool.attributes["gen_ai.tool.name"], tool.count)


def _run_host(collector: CollectorProcess) -> dict[str, Any]:
    environment = collector.environment() | {"OTEL_SERVICE_NAME": "the-host"}
    done = subprocess.run([sys.executable, str(HOST)], env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _settled(url: str) -> int:
    return query(url, "SELECT count(*) AS n FROM calls WHERE settled_ms IS NOT NULL")[0]["n"]


def _about(point: ReceivedPoint) -> tuple[str, str | None]:
    return point.attributes["gen_ai.operation.name"], point.attributes.get("gen_ai.request.model")
