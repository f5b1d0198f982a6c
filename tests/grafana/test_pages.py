"""
What docs/grafana.md and docs/jaeger.md tell a stranger to do, as far as it can be done without images.
"""

import json
import re
from pathlib import Path

import pytest
import yaml

from grafana.alerts import ALERTS
from grafana.generate import BOARDS
from tests.fakes.otlp import OtlpReceiver
from tests.fakes.running import eventually, running_collector
from tests.grafana.test_compose import PROFILES

ROOT = Path(__file__).parents[2]
KEY = "0123456789abcdef0123456789abcdef"


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["grafana.md", "jaeger.md"])
def test_the_call_that_never_was_becomes_a_span(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The page's `curl`, posted with a key as it stands, is a settled call, and its span reaches the trace backend.
    """
    (body,) = re.findall(r"-d '(\{.*\})'", page(name))
    with OtlpReceiver() as backend:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", backend.endpoint)
        with running_collector(f"sqlite:///{tmp_path / 'p.db'}", api_key=KEY) as running:
            headers = {"authorization": f"Bearer {KEY}"}
            answer = running.ask("POST", "/v1/events", body=json.loads(body), headers=headers)
            assert {"accepted": 1, "duplicates": 0, "rejected": []} == answer.json

            def call() -> dict[str, object] | None:
                found = running.ask("GET", "/v1/calls/first-1", headers=headers)
                return found.json["call"] if found.status == 200 and found.json["call"]["status"] == "ok" else None

            assert 1200 == eventually(call)["duration_ms"]
            (span,) = backend.wait_for_spans(1)

    assert "chat gpt-4o" == span.name


def test_pages_name_what_there_is() -> None:
    """
    Every dashboard and alert is in the page on Grafana, every profile in one of the two, and the files that they name exist.
    """
    grafana, both = page("grafana.md"), page("grafana.md") + page("jaeger.md")
    named = set(re.findall(r"(?<![\w/.@])grafana/[\w/*.-]+\w", both))

    assert [] == [board.title for board in BOARDS if f"| {board.title} |" not in grafana]
    assert [] == [alert.title for alert in ALERTS if f"| {alert.title} |" not in grafana]
    assert [] == [name for name in [*PROFILES, "with-jaeger"] if f"--profile {name}" not in both]
    assert [] == [name for name in named if not list(ROOT.glob(name)) and not name.startswith("grafana/grafana")]


def test_images_of_the_pages_are_those_of_the_composition() -> None:
    """
    One version of Jaeger and Grafana everywhere.
    """
    services = yaml.safe_load((ROOT / "grafana/compose.yaml").read_text())["services"]
    images = {service["image"] for service in services.values() if "image" in service}
    told = set(
        re.findall(r"(?:jaegertracing/jaeger|grafana/grafana|grafana/tempo):[\w.]+", page("grafana.md") + page("jaeger.md"))
    )

    assert {"jaegertracing/jaeger:2.20.0", "grafana/grafana:13.0.1"} == told
    assert told <= images
