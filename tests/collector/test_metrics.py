"""
What the collector tells about itself: docs/metrics.md lists it, /metrics has it, and it moves when something happens.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector.errors import StoreUnavailable
from collector.retention_metrics import RetentionCounts
from collector.store_metrics import StoreGauges
from tests.fakes.otlp import Answer, OtlpReceiver
from tests.fakes.running import Running, chat_call, eventually, running_collector

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def documented() -> set[str]:
    return set(re.findall(r"^\| `(hookline_\w+)` \|", PAGE.read_text(), flags=re.MULTILINE))


def scrape(collector: Running) -> Samples:
    """Every sample of ours by name and labels."""
    text = collector.get("/metrics").body.decode()
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    ours = (s for s in samples if s.name.startswith("hookline_") and not s.name.endswith("_created"))
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for s in ours}


def family_of(sample: str) -> str:
    return re.sub(r"_(bucket|count|sum)$", "", sample)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samples]:
    """
    The figures of a collector to which a bit of everything happened.
    """
    folder = tmp_path_factory.mktemp("busy")
    with OtlpReceiver() as backend:
        backend.judge = lambda spans: Answer(400) if any("poison" in str(s.attributes) for s in spans) else Answer()
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", backend.endpoint)
            with running_collector(f"sqlite:///{folder / 'a.db'}") as collector:
                path = folder / "a.db"
                _happen(collector, path)
                path.rename(folder / "away.db")
                assert 503 == collector.post_events(*chat_call("late")).status
                yield scrape(collector)
                (folder / "away.db").rename(path)


def _happen(collector: Running, path: Path) -> None:
    good = chat_call("good")
    collector.post_events(*good, {"no": "type"})
    collector.post_events(*good)
    assert 400 == collector.send("POST", "/v1/events", b"{", {"content-type": "application/json"}).status
    collector.wait_for_calls("good")
    # The backend has the span before its receipt is written. Not looked for in /metrics: rows are counted there once in a while.
    eventually(lambda: _is_exported(path))
    collector.post_events(*chat_call("poison"))
    collector.post_events(chat_call("open")[0])
    collector.wait_for_calls("poison")


def _is_exported(path: Path) -> bool:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT 1 FROM exports WHERE state = 'done'").fetchone() is not None


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, tuple(sorted(labels.items()))]


def test_docs_and_metrics_have_the_same_names(busy: Samples) -> None:
    """
    Nothing is told that is not explained, and nothing explained that is not told.
    """
    told = {family_of(name) for name, _ in busy}

    assert documented() - {"hookline_export_lag_seconds"} <= told
    assert told <= documented()


def test_figures_are_those_of_what_happened(busy: Samples) -> None:
    """
    Each counter counts its own; a failed commit and a failing database are seen.
    """
    assert 14 == value(busy, "hookline_events_received_total")
    assert 7 == value(busy, "hookline_events_accepted_total")
    assert 3 == value(busy, "hookline_events_duplicates_total")
    assert 1 == value(busy, "hookline_events_rejected_total", code="missing_type")
    assert 1 == value(busy, "hookline_posts_refused_total", why="BadRequest")
    assert 1 == value(busy, "hookline_commits_failed_total")
    assert 4 == value(busy, "hookline_commit_wait_seconds_count")
    assert 1 == value(busy, "hookline_commits_failing")
    assert 0 < value(busy, "hookline_commit_age_seconds")
    assert 2 <= value(busy, "hookline_calls_total", outcome="assembled")
    assert 1 == value(busy, "hookline_export_spans_total", destination="otlp", outcome="sent")
    assert 1 == value(busy, "hookline_rows", table="calls") - 2


class Told:
    """A store that says what a test wants told."""

    def __init__(self, state: dict[str, Any] | None) -> None:
        self._state = state

    def queued_events(self) -> int:
        return 7

    def last_commit_age_s(self) -> float:
        return 2.5

    def failing_because(self) -> str | None:
        return None

    def state(self) -> dict[str, Any]:
        if self._state is None:
            raise StoreUnavailable("away")
        return self._state


def gauges(store: Told) -> dict[str, float]:
    """By name and the values of the labels."""
    families = StoreGauges(store, lambda: {"calls_failed": 2, "otlp_put_off": 3}).collect()  # pyright: ignore[reportArgumentType]
    return {".".join((s.name, *s.labels.values())): s.value for family in families for s in family.samples}


def test_queues_and_their_ages() -> None:
    """
    What waits for a commit, for assembly and for a backend, and since when.
    """
    group = {"destination": "otlp", "state": "pending", "count": 4, "oldest_queued_ms": 1_000}
    told = gauges(Told({"rows": {"events": 9, "call_work": 5}, "oldest_due_ms": 1_000, "exports": [group]}))

    assert (7, 2.5, 5) == tuple(
        told[name] for name in ("hookline_queue_events", "hookline_commit_age_seconds", "hookline_calls_waiting")
    )
    assert (2, 3, 4) == tuple(
        told[name]
        for name in ("hookline_calls_total.failed", "hookline_export_spans_total.otlp.put_off", "hookline_exports.otlp.pending")
    )
    assert told["hookline_oldest_due_work_seconds"] > 1e6
    assert told["hookline_export_lag_seconds.otlp"] > 1e6


def test_a_database_that_is_away_is_told() -> None:
    """
    The gauges of memory are told all the same.
    """
    told = gauges(Told(None))

    assert 0 == told["hookline_database_up"]
    assert 7 == told["hookline_queue_events"]


class Retired:
    """A worker that removed something."""

    def __init__(self) -> None:
        self.counts = {"events": 12, "calls": 2, "bytes": 9_000, "partitions": 1}

    def pass_age_s(self) -> float:
        return 7.5


def test_what_retention_removed() -> None:
    """
    Rows by table, those of which nothing went too; bytes, partitions, and the age of the last pass.
    """
    families = RetentionCounts(Retired()).collect()
    told = {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}

    rows = {name[1]: value for name, value in told.items() if name[0] == "hookline_retention_rows_removed_total"}
    assert {"events": 12, "calls": 2, "spans": 0}.items() <= rows.items()
    assert "bytes" not in rows
    assert (9_000, 1, 7.5) == tuple(
        told[(f"hookline_retention_{name}",)] for name in ("bytes_removed_total", "partitions_dropped_total", "pass_age_seconds")
    )
