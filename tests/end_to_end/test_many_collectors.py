"""
Several collectors on one PostgreSQL, whole or each with a part of the work; one of them is killed while it works.

`HOOKLINE_COLLECTOR_ROUNDS=50` plays it so many times, each time on the same database.
"""

import http.client
import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from collector.pipeline.calls import LEASE_MS
from tests.end_to_end.database import count, query
from tests.end_to_end.kills.backend import Backend
from tests.end_to_end.kills.gathering import exported_spans, gather, is_worked_off
from tests.end_to_end.kills.nursery import Child, Nursery
from tests.end_to_end.kills.senders import Acknowledged, post
from tests.end_to_end.kills.verdict import Kill, faults
from tests.end_to_end.load import RESOURCE, batches
from tests.end_to_end.processes import wait_for
from tests.fakes.otlp import Answer
from tests.fakes.ports import free_port
from tests.fakes.running import Running, chat_call

ROUNDS = int(os.environ.get("HOOKLINE_COLLECTOR_ROUNDS", "1"))
TAKEN_OVER_S = LEASE_MS / 1000 - 5
"""A lease lasts longer than this: who is quicker did not wait for it."""

WHOLE = ("ingest,work,web", "ingest,work,web")
SPLIT = ("ingest", "ingest", "work", "work,web")


class HeldBackend(Backend):
    """Takes spans and keeps quiet about it until it is let go: whoever sent them is in the middle of its work."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = threading.Event()

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        answer = super().take(path, headers, body)
        self.answers.wait(100)
        return answer


class Collectors:
    """The processes: by port, with their roles."""

    def __init__(self, nursery: Nursery, url: str, folder: Path, endpoint: str) -> None:
        self._nursery = nursery
        self._url = url
        self._folder = folder
        self._endpoint = endpoint
        self.living: dict[int, tuple[Child, str]] = {}

    def start(self, roles: Sequence[str]) -> None:
        ports = [free_port() for _ in roles]
        for port, its in zip(ports, roles, strict=True):
            environment = {
                "HOOKLINE_DATABASE_URL": self._url,
                "HOOKLINE_PORT": str(port),
                "HOOKLINE_ROLES": its,
                "OTEL_EXPORTER_OTLP_ENDPOINT": self._endpoint,
                # Whoever is alive waits for the held answer, however long it takes to kill another.
                "OTEL_EXPORTER_OTLP_TIMEOUT": "120000",
                "OTEL_METRICS_EXPORTER": "none",
            }
            log = self._folder / f"collector-{port}.log"
            self.living[port] = self._nursery.start("serve", environment=environment, log_path=log), its
        for port in ports:
            wait_for(f"the collector on {port}", lambda port=port: is_ready(port), limit_s=60)

    def doing(self, role: str) -> list[int]:
        """The ports of those that have a role."""
        return [port for port, (_, its) in list(self.living.items()) if role in its]

    def kill_who_sends(self) -> str:
        """kill -9 for one that has claimed spans; its roles."""

        def look() -> int | None:
            rows = query(self._url, "SELECT DISTINCT lease_owner FROM exports WHERE lease_owner IS NOT NULL")
            at_work = {row["lease_owner"].split(":")[1] for row in rows}
            return next((port for port, (child, _) in self.living.items() if str(child.pid) in at_work), None)

        child, roles = self.living.pop(wait_for("a collector to send spans", look))
        child.kill()
        return roles

    def stop(self) -> None:
        for child, _ in self.living.values():
            child.signal(15)
        for child, _ in self.living.values():
            child.wait()


def is_ready(port: int) -> bool:
    """Whether it answers so."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False


class Sender(threading.Thread):
    """Posts calls until told to end; each batch to one collector after the other until it is acknowledged."""

    def __init__(self, name: str, ports: Callable[[], Sequence[int]], acknowledged: Acknowledged) -> None:
        super().__init__(name=name, daemon=True)
        self._ports = ports
        self._acknowledged = acknowledged
        self._is_over = threading.Event()

    def finish(self) -> None:
        self._is_over.set()
        self.join(60)
        assert not self.is_alive()

    def run(self) -> None:
        number = 0
        while not self._is_over.is_set():
            number += 1
            for events in batches(f"{self.name}-{number}", calls=6, calls_a_batch=2):
                self._send({"resource": RESOURCE, "events": events})

    def _send(self, body: dict[str, object]) -> None:
        encoded = json.dumps(body).encode()
        for attempt in range(2_000):
            ports = self._ports()
            with suppress(OSError, http.client.HTTPException):
                status, told = post(ports[attempt % len(ports)], encoded, {"Content-Type": "application/json"})
                if status == 200:
                    self._acknowledged.note(body, json.loads(told))
                    return
            time.sleep(0.01)
        raise AssertionError("nobody took the events")


@pytest.mark.timeout(300 + 30 * ROUNDS)
@pytest.mark.parametrize("roles", [pytest.param(WHOLE, marks=pytest.mark.long), SPLIT], ids=["whole", "split"])
def test_others_go_on_where_one_was_killed(roles: tuple[str, ...], postgresql_url: str, tmp_path: Path, nursery: Nursery) -> None:
    """
    One dies with spans on their way. Every acknowledged event is one row, every call is assembled and its span was sent; only
    what the dead one had sent came again, once, the same bytes, and long before its lease would have ended.
    """
    acknowledged, kills = Acknowledged(), list[Kill]()
    with ExitStack() as stack:
        backend = stack.enter_context(HeldBackend())
        collectors = Collectors(nursery, postgresql_url, tmp_path, backend.endpoint)
        stack.callback(collectors.stop)
        collectors.start(roles)
        senders = [Sender(f"s{n}", lambda: collectors.doing("ingest"), acknowledged) for n in range(2)]
        for sender in senders:
            sender.start()
        for _ in range(ROUNDS):
            backend.answers.clear()
            missing = collectors.kill_who_sends()
            kills.append(Kill(at_s=time.monotonic(), done=exported_spans(postgresql_url)))
            backend.answers.set()
            wait_for(
                "work to be taken over", lambda: is_nothing_held_by_the_dead(postgresql_url, collectors), limit_s=TAKEN_OVER_S
            )
            if ROUNDS > 1:
                collectors.start([missing])
        for sender in senders:
            sender.finish()
        wait_for("all work to be done", lambda: is_worked_off(postgresql_url), limit_s=60)
        found = gather(postgresql_url, acknowledged, backend, kills)

    assert [] == [*faults(found), *acknowledged.unlike]
    assert len(acknowledged.event_ids) > 30
    assert 0 == count(postgresql_url, "SELECT count(*) FROM collectors"), "who stops in good order leaves nothing behind"


def is_nothing_held_by_the_dead(url: str, collectors: Collectors) -> bool:
    """Whether all claims are of living collectors."""
    claims = "SELECT lease_owner FROM exports UNION SELECT lease_owner FROM call_work"
    owners = {row["lease_owner"].split(":")[1] for row in query(url, claims) if row["lease_owner"]}
    return owners <= {str(child.pid) for child, _ in collectors.living.values()}


def test_the_flag_says_what_a_process_does(postgresql_url: str, tmp_path: Path, nursery: Nursery) -> None:
    """
    `serve --roles ingest` takes events and serves no reader, whatever HOOKLINE_ROLES says.
    """
    port = free_port()
    environment = {"HOOKLINE_DATABASE_URL": postgresql_url, "HOOKLINE_PORT": str(port), "HOOKLINE_ROLES": "web"}
    child = nursery.start("serve", environment=environment, log_path=tmp_path / "log", arguments=("--roles", "ingest"))
    try:
        wait_for("the collector", lambda: is_ready(port))
        collector = Running(url=f"http://127.0.0.1:{port}", server=None)  # pyright: ignore[reportArgumentType]
        assert 200 == collector.post_events(*chat_call("one")).status
        assert 404 == collector.get("/v1/calls").status
    finally:
        child.kill()
