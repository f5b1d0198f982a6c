"""
Each alert's SQL crosses its threshold on data made for it, and on healthy data it does not; on both engines.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from collector.exporters.protocol import Refused
from collector.storage.engines import open_store
from collector.storage.protocols import Store
from collector.storage.schema import prepare
from tests.end_to_end.database import query
from tests.fakes.exporter import RecordingExporter
from tests.grafana.dashboards import sql_of
from tests.grafana.databases import assemble, call_events, failed_call, store_events

MINUTE_MS = 60_000.0
ALERTS = {"hookline-error-rate", "hookline-p95", "hookline-ingest-stalled", "hookline-assembly-stalled", "hookline-dead-letters"}


def now_ms() -> float:
    return time.time() * 1000


def healthy(store: Store) -> None:
    """Twenty calls that ended well a minute ago, one of them with an error, their spans sent."""
    at_ms = now_ms() - MINUTE_MS
    events = [event for n in range(19) for event in call_events(f"good-{n}", at_ms=at_ms)]
    store_events(store, events + failed_call("bad", at_ms=at_ms), received_ms=at_ms)
    assemble(store, RecordingExporter())


def failing(store: Store) -> None:
    """Five of twenty calls fail."""
    at_ms = now_ms() - MINUTE_MS
    events = [event for n in range(15) for event in call_events(f"good-{n}", at_ms=at_ms)]
    events += [event for n in range(5) for event in failed_call(f"bad-{n}", at_ms=at_ms)]
    store_events(store, events, received_ms=at_ms)
    assemble(store)


def slow(store: Store) -> None:
    """Two of twenty calls take a minute."""
    at_ms = now_ms() - 3 * MINUTE_MS
    events = [event for n in range(18) for event in call_events(f"good-{n}", at_ms=at_ms)]
    events += [event for n in range(2) for event in call_events(f"slow-{n}", at_ms=at_ms, duration_ms=MINUTE_MS)]
    store_events(store, events, received_ms=at_ms)
    assemble(store)


def silent(store: Store) -> None:
    """The last event came twenty minutes ago."""
    at_ms = now_ms() - 20 * MINUTE_MS
    store_events(store, call_events("last", at_ms=at_ms), received_ms=at_ms)
    assemble(store)


def unassembled(store: Store) -> None:
    """A call has been due for ten minutes, and nobody works."""
    store_events(store, call_events("due", at_ms=now_ms()), received_ms=now_ms() - 10 * MINUTE_MS)


def refused(store: Store) -> None:
    """The trace backend refuses a span."""
    exporter = RecordingExporter()
    exporter.will(Refused(reason="too large"))
    store_events(store, call_events("refused", at_ms=now_ms()), received_ms=now_ms())
    assemble(store, exporter)


FIRING: dict[str, Callable[[Store], None]] = {
    "hookline-error-rate": failing,
    "hookline-p95": slow,
    "hookline-ingest-stalled": silent,
    "hookline-assembly-stalled": unassembled,
    "hookline-dead-letters": refused,
}


def rules(url: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Provisioned rule by uid, as Grafana reads the file."""
    engine = "sqlite" if url.startswith("sqlite") else "postgresql"
    text = (folder / "provisioning" / engine / "alerting" / "hookline.yaml").read_text().replace("$$", "$")
    (group,) = yaml.safe_load(text)["groups"]
    return {rule["uid"].removesuffix(f"-{engine}"): rule for rule in group["rules"]}


def fires(url: str, rule: dict[str, Any]) -> bool:
    """Run the rule's query, and compare as its second step does."""
    asked, above = rule["data"]
    assert (rule["condition"], above["model"]["expression"]) == ("B", asked["refId"])
    (row,) = query(url, str(sql_of(asked["model"])))
    (value,) = row.values()
    (condition,) = above["model"]["conditions"]
    assert "gt" == condition["evaluator"]["type"]
    assert value is not None
    return float(value) > condition["evaluator"]["params"][0]


def fired(url: str, folder: Path, situation: Callable[[Store], None] | None) -> set[str]:
    """The alerts that fire in a situation."""
    prepare(url)
    if situation is not None:
        store = open_store(url, settle_ms=0)
        try:
            situation(store)
        finally:
            store.close()
    return {uid for uid, rule in rules(url, folder).items() if fires(url, rule)}


def test_every_alert_is_tried(store_url: str, grafana_folder: Path) -> None:
    """
    There is a situation for each rule, and a rule tells what it means and how bad it is.
    """
    found = rules(store_url, grafana_folder)

    assert set(found) == ALERTS == set(FIRING)
    for rule in found.values():
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert {"summary", "description"} == set(rule["annotations"])


@pytest.mark.parametrize("situation", [healthy, None], ids=["healthy", "empty"])
def test_nothing_fires_without_a_reason(store_url: str, grafana_folder: Path, situation: Callable[[Store], None] | None) -> None:
    """
    Neither on healthy data, with one failed call of twenty, nor on an empty database.
    """
    assert set() == fired(store_url, grafana_folder, situation)


@pytest.mark.parametrize("uid", sorted(FIRING))
def test_alert_fires(store_url: str, grafana_folder: Path, uid: str) -> None:
    """
    In its own situation exactly this one fires.
    """
    assert {uid} == fired(store_url, grafana_folder, FIRING[uid])


def test_a_silent_night_is_no_alert(store_url: str, grafana_folder: Path) -> None:
    """
    Where nothing came for hours, nobody calls: the alert for missing events ends.
    """

    def night(store: Store) -> None:
        at_ms = now_ms() - 180 * MINUTE_MS
        store_events(store, call_events("evening", at_ms=at_ms), received_ms=at_ms)
        assemble(store)

    assert set() == fired(store_url, grafana_folder, night)
