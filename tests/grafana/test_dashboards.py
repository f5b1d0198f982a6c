"""
The dashboards' JSON: generated, whole, and laid out so that nothing lies on anything else.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.board_overview import BOARD
from grafana.boards import Board, Section, build
from grafana.engines import SQLITE
from grafana.generate import GENERATED, stale_files
from tests.fakes.running import chat_call, running_collector
from tests.grafana.dashboards import ENGINES, dashboards, panels, queries

SLUGS = {"overview", "latency", "tokens", "tools", "errors", "health"}
EXPRESSIONS = {"__expr__", "-- Grafana --"}


def provisioned(folder: Path, engine: str, kind: str) -> Any:
    return yaml.safe_load((folder / "provisioning" / engine / kind / "hookline.yaml").read_text())


def every(value: Any, key: str) -> list[Any]:
    """What stands under `key`, however deep."""
    if isinstance(value, dict):
        return [found for name, part in value.items() for found in ([part] if name == key else []) + every(part, key)]
    return [found for part in value for found in every(part, key)] if isinstance(value, list) else []


def test_files_are_what_the_code_says() -> None:
    """
    Dashboards, provisioning and alert rules are generated and committed (else: `make gen`); nothing is left over.
    """
    assert [] == stale_files()
    assert 2 * (len(SLUGS) + 3) == len(GENERATED)


def test_a_change_of_the_code_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The check above can fail: another text is another file.
    """
    monkeypatch.setitem(GENERATED, "dashboards/sqlite/overview.json", lambda: "{}")  # pyright: ignore[reportArgumentType]

    assert ["dashboards/sqlite/overview.json"] == stale_files()


@pytest.mark.parametrize("engine", ENGINES)
def test_every_dashboard_is_there(engine: str) -> None:
    """
    Six dashboards, each with an id of its own, the dashboard's filters and a way to the others.
    """
    found = dashboards(engine)

    assert set(found) == SLUGS
    assert len({dashboard["uid"] for dashboard in found.values()}) == len(SLUGS)
    for slug, dashboard in found.items():
        names = {variable["name"] for variable in dashboard["templating"]["list"]}
        assert names == {"project", "hookline"} | (set() if slug == "health" else {"provider", "model", "service"})
        assert 42 == dashboard["schemaVersion"]
        assert dashboard["links"][0]["tags"] == dashboard["tags"]


@pytest.mark.parametrize("engine", ENGINES)
def test_panels_have_ids_of_their_own_and_lie_apart(engine: str) -> None:
    """
    Within the 24 columns, none on another, and without a gap: each line is filled.
    """
    for slug, dashboard in dashboards(engine).items():
        everything = dashboard["panels"]
        assert len({panel["id"] for panel in everything}) == len(everything), slug
        cells: set[tuple[int, int]] = set()
        for panel in everything:
            place = panel["gridPos"]
            assert 0 <= place["x"] < place["x"] + place["w"] <= 24, panel["title"]
            own = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            assert not own & cells, panel["title"]
            cells |= own
        assert len(cells) == 24 * (max(y for _, y in cells) + 1), slug


def test_a_line_that_does_not_fill_the_grid_is_refused() -> None:
    """
    A mistake in a layout stops the generator instead of making a hole.
    """
    line = BOARD.sections[0].lines[0][:-1]
    board = Board(slug="x", title="x", why="x", sections=(Section(title="x", lines=(line,)),))

    with pytest.raises(ValueError, match="does not fill the grid"):
        build(board, SQLITE)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_panel_says_what_it_is_for(engine: str) -> None:
    """
    A title, a sentence, a unit, and figures that are coloured only by thresholds.
    """
    for slug, dashboard in dashboards(engine).items():
        for panel in panels(dashboard):
            name = f"{slug} / {panel['title']}"
            assert len(panel["description"]) > 20, name
            assert panel["fieldConfig"]["defaults"]["unit"], name
            steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
            assert [step["value"] for step in steps[1:]] == sorted(step["value"] for step in steps[1:]), name
            if panel["type"] == "stat":
                assert panel["options"]["colorMode"] == ("value" if len(steps) > 1 else "none"), name


@pytest.mark.parametrize("engine", ENGINES)
def test_every_table_of_calls_leads_to_the_trace(engine: str) -> None:
    """
    A column with trace ids leads to Tempo and to Jaeger, one with request ids to hookline's page.
    """
    linked = 0
    for one in queries(engine):
        if one.panel["type"] != "table" or "trace_id" not in one.sql:
            continue
        links = {
            override["matcher"]["options"]: part["value"]
            for override in one.panel["fieldConfig"]["overrides"]
            for part in override["properties"]
            if part["id"] == "links"
        }
        to = [link["internal"] for link in links["trace_id"]]
        assert [("tempo", "traceql"), ("jaeger", None)] == [(i["datasourceUid"], i["query"].get("queryType")) for i in to]
        assert all("${__value.raw}" == i["query"]["query"] for i in to)
        assert links["request_id"][0]["url"].startswith("${hookline:raw}/calls/")
        linked += 1

    assert linked >= 8


@pytest.mark.parametrize("engine", ENGINES)
def test_every_datasource_is_provisioned(engine: str, grafana_folder: Path) -> None:
    """
    Each uid that a panel, a link or an alert names is a provisioned datasource of that plugin.
    """
    sources = {source["uid"]: source["type"] for source in provisioned(grafana_folder, engine, "datasources")["datasources"]}
    named = every(list(dashboards(engine).values()), "datasource") + every(
        provisioned(grafana_folder, engine, "alerting"), "datasource"
    )
    linked = set(every(list(dashboards(engine).values()), "datasourceUid"))
    asked = set(every(provisioned(grafana_folder, engine, "alerting"), "datasourceUid"))

    assert {(source["uid"], source["type"]) for source in named} - {("__expr__", "__expr__")} <= set(sources.items())
    assert (linked | asked) - EXPRESSIONS <= set(sources)
    assert {"tempo", "jaeger"} == linked


@pytest.mark.parametrize("engine", ENGINES)
def test_provisioning_escapes_dollars(engine: str, grafana_folder: Path) -> None:
    """
    Grafana takes `$name` in these files for a variable of the environment: only the reader's password is one.
    """
    texts = [path.read_text() for path in (grafana_folder / "provisioning" / engine).rglob("*.yaml")]
    variables = {name for text in texts for name in re.findall(r"\$(?:\{\w+\}|\w+)", text.replace("$$", ""))}

    assert variables == ({"${HOOKLINE_READER_PASSWORD}"} if engine == "postgresql" else set())


def test_metrics_of_panels_exist(tmp_path: Path) -> None:
    """
    Each name that a Prometheus panel or a Prometheus rule uses is one that a running collector tells at /metrics.
    """
    expressions = every(list(dashboards("sqlite").values()), "expr")
    rules = (Path(__file__).parents[2] / "grafana/prometheus/alerts.yaml").read_text()
    used = {name for text in [*expressions, rules] for name in re.findall(r"hookline_\w+", text)}
    with running_collector(f"sqlite:///{tmp_path / 'm.db'}", export_jsonl=tmp_path / "spans.jsonl") as running:
        running.post_events(*chat_call("c1"))
        running.wait_for_calls("c1")
        running.ask("POST", "/v1/events", body=[{"no": "type"}])
        told = running.get("/metrics").body.decode()

    families = set(re.findall(r"^# TYPE (\S+)", told, flags=re.MULTILINE))
    assert len(used) > 7
    assert [] == sorted(name for name in used if name not in families)
