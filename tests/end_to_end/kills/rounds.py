"""
Rounds of kill -9: of the collector, of a host, of both, at random moments, while events come in from all sides.

Flow: posters, host -> collector (killed) -> database, OTLP backend -> **verdict**. A round lets things run for a random while,
which may end before the collector has started, kills, notes what the database says, and starts again.
"""

import random
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from collector.demo.provider import start_provider
from tests.end_to_end.kills.backend import Backend
from tests.end_to_end.kills.gathering import ended_calls_by_host, exported_spans, gather, is_worked_off
from tests.end_to_end.kills.nursery import Child, Nursery
from tests.end_to_end.kills.senders import Acknowledged, Gate, Poster
from tests.end_to_end.kills.verdict import Kill, faults, sent_again
from tests.end_to_end.processes import wait_for
from tests.fakes.ports import free_port

VICTIMS = ("collector", "host", "both")
POSTERS = 3
HOST_CALLS_AT_THE_END = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do. The same seed gives the same moments and victims, not the same interleaving."""

    store_url: str
    folder: Path
    rounds: int
    seed: int
    longest_delay_s: float = 1.5
    startup_share: float = 0.25
    """Of the rounds: so many begin with the start; the others wait until events are acknowledged again."""
    collector: str = "serve"
    has_host: bool = True
    work_limit_s: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came out; `faults` is empty when all is well."""

    seed: int
    faults: tuple[str, ...]
    kills: Mapping[str, int]
    acknowledged: int
    stored_events: int
    posted_again: int
    calls: int
    spans: int
    spans_sent_again: int
    host_processes: int
    calls_lost_with_hosts: int
    oldest_lost_call_s: float
    took_s: float


@dataclass(slots=True)
class _Scene:
    """The processes and what is known of them."""

    plan: Plan
    nursery: Nursery
    backend: Backend
    gate: Gate
    provider_url: str
    port: int
    kills: list[Kill] = field(default_factory=list[Kill])
    victims: Counter[str] = field(default_factory=Counter[str])
    host_ends: dict[str, float | None] = field(default_factory=dict[str, float | None])
    collector: Child | None = None
    host: Child | None = None

    @property
    def progress_path(self) -> Path:
        return self.plan.folder / "progress"

    def start_collector(self) -> None:
        environment = {
            "HOOKLINE_DATABASE_URL": self.plan.store_url,
            "HOOKLINE_PORT": str(self.port),
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.backend.endpoint,
            "OTEL_METRICS_EXPORTER": "none",
            # Every other life has a second process that assembles; it dies with the collector, at whatever moment.
            "HOOKLINE_WORKER_PROCESS": ("always", "never")[len(self.kills) % 2],
        }
        log = self.plan.folder / "collector.log"
        self.collector = self.nursery.start(self.plan.collector, environment=environment, log_path=log)

    def start_host(self, *, calls: int = 0) -> None:
        if not self.plan.has_host:
            return
        name = f"host-{len(self.host_ends) + 1}"
        self.host_ends[name] = None
        self.host = self._start_client("host", self.provider_url, str(self.progress_path), name, str(calls))

    def _start_client(self, what: str, *arguments: str) -> Child:
        environment = {"HOOKLINE_URL": self.gate.url, "HOOKLINE_SPOOL_DIR": str(self.plan.folder / "spool")}
        log = self.plan.folder / "host.log"
        return self.nursery.start(what, environment=environment, log_path=log, arguments=arguments)

    def kill_collector(self) -> None:
        assert self.collector is not None
        assert self.collector.is_alive(), f"the collector ended by itself: see {self.plan.folder / 'collector.log'}"
        self.collector.kill()
        at_s = time.monotonic()
        self.kills.append(Kill(at_s=at_s, done=exported_spans(self.plan.store_url)))

    def kill_host(self) -> None:
        if self.host is not None:
            self.host.kill()
            self.host_ends[next(reversed(self.host_ends))] = time.time()

    def end_host(self) -> None:
        """The last host ends as hosts do; what its killed predecessors left on disk goes now, if it has not yet."""
        if self.host is not None:
            assert 0 == self.host.wait(limit_s=60), f"the last host did not deliver: see {self.plan.folder / 'host.log'}"
            code = self._start_client("send_spool").wait(limit_s=120)
            assert 0 == code, f"the spool was not delivered: see {self.plan.folder / 'host.log'}"


def play(plan: Plan, nursery: Nursery) -> Report:
    """Do the rounds, then let everything come to rest and judge."""
    began_s = time.monotonic()
    dice = random.Random(plan.seed)
    acknowledged, port = Acknowledged(), free_port()
    with ExitStack() as stack:
        scene = _Scene(
            plan=plan,
            nursery=nursery,
            backend=stack.enter_context(Backend()),
            gate=stack.enter_context(Gate(port, acknowledged)),
            provider_url=stack.enter_context(start_provider()).base_url,
            port=port,
        )
        posters = [Poster(port, acknowledged, name=f"poster-{n}", seed=plan.seed + n) for n in range(POSTERS)]
        scene.start_collector()
        scene.start_host()
        for poster in posters:
            poster.start()
        _wait_for_news(acknowledged)
        for victim in _victims(plan, dice):
            if dice.random() >= plan.startup_share:
                _wait_for_news(acknowledged)
            time.sleep(dice.uniform(0, plan.longest_delay_s))
            _kill(scene, victim)
        _come_to_rest(scene, posters)
        return _report(scene, acknowledged, began_s)


def _wait_for_news(acknowledged: Acknowledged) -> None:
    before = len(acknowledged.event_ids)
    wait_for("an acknowledgement", lambda: len(acknowledged.event_ids) > before, limit_s=60)


def _victims(plan: Plan, dice: random.Random) -> list[str]:
    """Each kind about as often, in an order left to chance."""
    chosen = [VICTIMS[n % len(VICTIMS)] if plan.has_host else "collector" for n in range(plan.rounds)]
    dice.shuffle(chosen)
    return chosen


def _kill(scene: _Scene, victim: str) -> None:
    scene.victims[victim] += 1
    if victim != "host":
        scene.kill_collector()
    if victim != "collector":
        scene.kill_host()
        scene.start_host()
    if victim != "host":
        scene.start_collector()


def _come_to_rest(scene: _Scene, posters: list[Poster]) -> None:
    for poster in posters:
        poster.finish()
    scene.kill_host()
    scene.start_host(calls=HOST_CALLS_AT_THE_END)
    scene.end_host()
    url = scene.plan.store_url
    wait_for("all work to be done", lambda: is_worked_off(url), limit_s=scene.plan.work_limit_s)
    assert scene.collector is not None
    scene.collector.signal(15)
    scene.collector.wait()


def _report(scene: _Scene, acknowledged: Acknowledged, began_s: float) -> Report:
    found = gather(scene.plan.store_url, acknowledged, scene.backend, scene.kills)
    lost_calls, oldest_s = _lost_with_hosts(scene)
    return Report(
        seed=scene.plan.seed,
        faults=(*faults(found), *acknowledged.unlike),
        kills=dict(scene.victims),
        acknowledged=len(acknowledged.event_ids),
        stored_events=len(found.stored_event_ids),
        posted_again=acknowledged.duplicates,
        calls=len(found.calls),
        spans=len(found.copies),
        spans_sent_again=sent_again(found),
        host_processes=len(scene.host_ends),
        calls_lost_with_hosts=lost_calls,
        oldest_lost_call_s=round(oldest_s, 3),
        took_s=round(time.monotonic() - began_s, 1),
    )


def _lost_with_hosts(scene: _Scene) -> tuple[int, float]:
    """Calls that a killed host had finished and nobody has; how long before the kill the oldest of them ended."""
    if not scene.plan.has_host or not scene.progress_path.exists():
        return 0, 0.0
    stored = ended_calls_by_host(scene.plan.store_url)
    lost, oldest_s = 0, 0.0
    for line in scene.progress_path.read_text().splitlines():
        name, number, ended_at_s = line.split()
        killed_at_s = scene.host_ends[name]
        if int(number) > stored.get(name, 0):
            lost += 1
            oldest_s = max(oldest_s, (killed_at_s or time.time()) - float(ended_at_s))
    return lost, oldest_s
