"""
Assembly in a process of its own: the same rows, and nothing lost whatever becomes of that process.
"""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import structlog

from collector.exporters import encoder_of
from collector.keeping.sampling import Sampling
from collector.pipeline import bench, benches
from collector.pipeline.bench import Timing, real_assembly
from collector.pipeline.benches import Benches
from collector.pipeline.line import LineCut
from collector.pipeline.worker_process import WorkerProcess, WorkPlan
from collector.storage.engines import open_store
from collector.storage.protocols import ClaimedCall, Store
from tests.end_to_end.processes import CollectorProcess, wait_for
from tests.fakes.bench import IDLE_TIMEOUT_MS, SETTLE_MS, Bench
from tests.fakes.exporter import RecordingExporter

TIMING = Timing(settle_ms=SETTLE_MS, idle_timeout_ms=IDLE_TIMEOUT_MS)
DESTINATIONS = ("otlp", "jsonl")


@pytest.fixture
def either_store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url, settle_ms=SETTLE_MS)
    yield opened
    opened.close()


@pytest.fixture
def made() -> Iterator[list[WorkerProcess]]:
    """Those in here end with the test."""
    processes: list[WorkerProcess] = []
    yield processes
    for process in processes:
        process.stop()


def plan(url: str, destinations: tuple[str, ...] = DESTINATIONS) -> WorkPlan:
    return WorkPlan(database_url=url, destinations=destinations, capture_content=True, timing=TIMING, sampling=Sampling(rate=0.5))


def started(process: WorkerProcess) -> WorkerProcess:
    process.start()
    wait_for("the process to be ready", process.is_ready, limit_s=60)
    return process


def claimed(store: Store, now_ms: int) -> list[ClaimedCall]:
    return store.claim_calls(owner="w", now_ms=now_ms, lease_ms=1_000, limit=100)


def here(store: Store) -> bench.Bench:
    """The same bench as the other process has."""
    encoders = {name: encoder_of(name) for name in DESTINATIONS}
    return bench.Bench(store, real_assembly(capture_content=True), encoders, timing=TIMING, sampling=Sampling(rate=0.5))


def feed_all_kinds(fed: Bench) -> None:
    """A plain call, a streamed one with a tool, one that has no end yet, one in two languages and with odd numbers."""
    fed.feed(*fed.whole("plain"))
    fed.feed(fed.started("tool"), fed.chunk("tool"), fed.tool("tool"), fed.completed("tool"))
    fed.feed(fed.started("open"), fed.chunk("open"))
    fed.feed(*fed.whole("odd", tags={"größe": 2.5, "none": None, "deep": [[{"a": True}]]}, cost=1e300))


def test_another_process_makes_the_same_rows(store_url: str, either_store: Store, made: list[WorkerProcess]) -> None:
    """
    Calls, spans with their bytes, tools, usage, health and measurements: all as they would be made here.
    """
    fed = Bench(either_store, [])
    feed_all_kinds(fed)
    now_ms = fed.clock.now_ms()
    calls = claimed(either_store, now_ms)
    expected = here(either_store).work(calls, now_ms=now_ms)

    made.append(started(WorkerProcess(plan(store_url))))
    made[0].begin(calls, now_ms=now_ms)
    answer = made[0].finish()

    assert {"plain", "tool", "odd"} <= {one.request_id for one in expected.settlements}
    assert any(one.exports for one in expected.settlements)
    assert msgspec.to_builtins(expected) == msgspec.to_builtins(answer)


def test_pipeline_works_with_another_process_and_without(sqlite_url: str, store: Store, made: list[WorkerProcess]) -> None:
    """
    It dies in between: what it had in hand is worked on here, each span goes out once, and one line tells of it.
    """
    made.append(WorkerProcess(plan(sqlite_url, ())))
    exporter = RecordingExporter()
    fed = Bench(store, [exporter], worker_process=made[0], is_always_beside=True)
    fed.run()
    wait_for("the process to be ready", made[0].is_ready, limit_s=60)
    fed.feed(*fed.whole("first"))
    fed.run()
    assert "ok" == fed.status("first")
    assert [] == exporter.names(), "this other process was told of no destination: so it was there that the call was worked on"

    assert made[0].pid is not None
    os.kill(made[0].pid, signal.SIGKILL)
    fed.feed(*fed.whole("second"))
    with structlog.testing.capture_logs() as logs:
        fed.run()
    assert "ok" == fed.status("second")
    assert ["chat model-of-second"] == exporter.names()
    assert 1 == [entry["event"] for entry in logs].count("worker_process_gone")
    assert made[0].pid is None


@pytest.mark.long
def test_a_process_that_says_nothing_is_left(sqlite_url: str, store: Store, made: list[WorkerProcess]) -> None:
    """
    After its time is over the work is done here, and the process is no more.
    """
    made.append(WorkerProcess(plan(sqlite_url), answer_limit_s=0.3))
    fed = Bench(store, [], worker_process=made[0], is_always_beside=True)
    fed.run()
    wait_for("the process to be ready", made[0].is_ready, limit_s=60)
    pid = made[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    fed.feed(*fed.whole("a"))
    fed.run()

    assert "ok" == fed.status("a")
    assert made[0].pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_rush_calls_the_process_and_a_silence_sends_it_away(sqlite_url: str, store: Store, made: list[WorkerProcess]) -> None:
    """
    Many calls a claim, several claims in a row, not one now and then; and not again soon after it failed. Few large claims count
    as much as many small ones: under pressure they are seconds apart.
    """
    now_s = [0.0]
    made.append(WorkerProcess(plan(sqlite_url)))
    chosen = Benches(here(store), made[0], monotonic_s=lambda: now_s[0])
    almost = [benches.BUSY_CALLS] * (benches.RUSH_CALLS // benches.BUSY_CALLS)
    for calls in (*almost, benches.BUSY_CALLS - 1, *almost):
        chosen.note_claim(calls)
    assert made[0].pid is None
    chosen.note_claim(benches.BUSY_CALLS)
    assert made[0].pid is not None
    now_s[0] = benches.IDLE_S + 1
    chosen.note_claim(0)
    assert made[0].pid is None

    for _ in range(2):
        chosen.note_claim(benches.RUSH_CALLS // 2)
    wait_for("the process to be ready", made[0].is_ready, limit_s=60)
    assert made[0].pid is not None
    os.kill(made[0].pid, signal.SIGKILL)
    chosen.begin([], now_ms=0)
    assert bench.Worked() == chosen.finish()
    chosen.note_claim(benches.RUSH_CALLS)
    assert made[0].pid is None
    now_s[0] += benches.FIRST_REST_S + 1
    chosen.note_claim(benches.BUSY_CALLS)
    assert made[0].pid is not None


def test_a_process_that_cannot_start_is_told(tmp_path: Path, made: list[WorkerProcess]) -> None:
    """
    Without a database it ends, and the line says so.
    """
    made.append(WorkerProcess(plan(f"sqlite:///{tmp_path / 'absent.db'}")))
    made[0].start()
    with pytest.raises(LineCut):
        wait_for("the process to be ready", made[0].is_ready, limit_s=60)


def test_a_folder_of_the_same_name_is_not_taken_for_ours(
    sqlite_url: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: list[WorkerProcess]
) -> None:
    """
    Somebody may start the collector beside a project that is called `collector`.
    """
    (tmp_path / "collector").mkdir()
    (tmp_path / "collector" / "__init__.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(Path(path).absolute()) for path in sys.path if path])
    monkeypatch.syspath_prepend(str(Path(bench.__file__).parents[2]))
    made.append(started(WorkerProcess(plan(sqlite_url))))


@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
@pytest.mark.parametrize(
    "ended_by",
    [pytest.param(signal.SIGTERM, marks=pytest.mark.long), pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGKILL],
)
def test_it_ends_with_its_collector(sqlite_url: str, tmp_path: Path, ended_by: signal.Signals) -> None:
    """
    However the collector ends, nothing of it stays behind.
    """
    env = {"HOOKLINE_WORKER_PROCESS": "always"}
    with CollectorProcess(database_url=sqlite_url, log_path=tmp_path / "log", env=env) as collector:
        assert collector.process is not None
        pid = collector.process.pid
        child = wait_for("the other process", lambda: next(iter(_children(pid)), None), limit_s=60)
        collector.process.send_signal(ended_by)
        collector.process.wait(60)
        wait_for("its end", lambda: not _is_alive(child), limit_s=60)


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
