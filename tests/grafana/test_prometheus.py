"""
Prometheus' own tool on what Prometheus reads: the rules fire where they must, and the configuration is one.
"""

import re
import shutil
from pathlib import Path

import yaml

from tests.fakes.running import running_collector
from tests.grafana.tools import run, tool

CASES = Path(__file__).with_name("alerts.test.yaml")


def promtool() -> str:
    return tool("promtool", "Debian's prometheus")


def test_rules_fire_where_they_must(tmp_path: Path, grafana_folder: Path) -> None:
    """
    Each rule fires on series made for it and is silent on healthy ones.
    """
    for path in (CASES, grafana_folder / "prometheus/alerts.yaml"):
        shutil.copy(path, tmp_path / path.name)

    code, said = run(promtool(), "test", "rules", CASES.name, cwd=tmp_path)

    assert 0 == code, said


def test_a_wrong_rule_would_show(tmp_path: Path, grafana_folder: Path) -> None:
    """
    The cases can fail: with another limit they do.
    """
    shutil.copy(CASES, tmp_path / CASES.name)
    rules = (grafana_folder / "prometheus/alerts.yaml").read_text()
    (tmp_path / "alerts.yaml").write_text(rules.replace("hookline_commit_age_seconds > 15", "hookline_commit_age_seconds > 6"))

    code, said = run(promtool(), "test", "rules", CASES.name, cwd=tmp_path)

    assert 0 != code
    assert "HooklineIngestStalled" in said


def test_every_rule_has_a_case(grafana_folder: Path) -> None:
    """
    Each rule is expected to fire in one case and not to in another.
    """
    groups = yaml.safe_load((grafana_folder / "prometheus/alerts.yaml").read_text())["groups"]
    names = {rule["alert"] for group in groups for rule in group["rules"]}
    cases = [check for test in yaml.safe_load(CASES.read_text())["tests"] for check in test["alert_rule_test"]]

    assert names == {case["alertname"] for case in cases if case["exp_alerts"]}
    assert names == {case["alertname"] for case in cases if not case["exp_alerts"]}


def test_scrape_configuration_is_valid(tmp_path: Path, grafana_folder: Path) -> None:
    """
    Prometheus would start with it, rules and key file included.
    """
    text = (grafana_folder / "prometheus/prometheus.yaml").read_text()
    shutil.copy(grafana_folder / "prometheus/alerts.yaml", tmp_path / "alerts.yaml")
    (tmp_path / "hookline.key").write_text("not-a-secret")
    text = text.replace("/etc/prometheus/alerts.yaml", str(tmp_path / "alerts.yaml"))
    (tmp_path / "prometheus.yaml").write_text(text.replace("/tmp/hookline.key", str(tmp_path / "hookline.key")))

    code, said = run(promtool(), "check", "config", "prometheus.yaml", cwd=tmp_path)

    assert 0 == code, said
    assert re.search(r"6 rules found", said)


def test_collector_answers_prometheus_as_it_is_composed(tmp_path: Path, grafana_folder: Path) -> None:
    """
    With the name and the key that compose.yaml gives them, the scrape's request is let in; without the key it is not.
    """
    scrape = yaml.safe_load((grafana_folder / "prometheus/prometheus.yaml").read_text())["scrape_configs"][0]
    composed = yaml.safe_load((grafana_folder / "compose.yaml").read_text())["services"]["collector"]["environment"]
    (target,) = scrape["static_configs"][0]["targets"]
    key = "0123456789abcdef"
    with running_collector(
        f"sqlite:///{tmp_path / 'p.db'}", api_key=key, allowed_hosts=composed["HOOKLINE_ALLOWED_HOSTS"]
    ) as running:
        answer = running.get(scrape["metrics_path"], host=target, authorization=f"{scrape['authorization']['type']} {key}")
        refused = running.get(scrape["metrics_path"], host=target)

    assert (200, 401) == (answer.status, refused.status)
    assert b"hookline_events_accepted_total" in answer.body
