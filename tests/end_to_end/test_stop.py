"""
How a collector stops: in good order and within its limit, or at once when it is asked twice.
"""

import http.client
import json
import signal
import socket
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from tests.end_to_end.database import count
from tests.end_to_end.faulty import stored
from tests.end_to_end.kills.nursery import Nursery
from tests.end_to_end.processes import wait_for
from tests.end_to_end.warm import WarmCollector
from tests.fakes.otlp import Answer, OtlpReceiver
from tests.fakes.running import RESOURCE, chat_call

LIMIT_S = 60.0


class Sender:
    """Posts a call after the other on one connection until the collector is gone; notes each outcome."""

    def __init__(self, port: int, name: str) -> None:
        self._port = port
        self._name = name
        self.acknowledged: list[str] = []
        self.outcomes: Counter[str] = Counter()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=100)
        for number in range(100_000):
            name = f"{self._name}-{number}"
            body = json.dumps({"resource": RESOURCE, "events": chat_call(name)})
            try:
                connection.request("POST", "/v1/events", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
            except ConnectionRefusedError:
                self.outcomes["refused"] += 1
                return
            except http.client.RemoteDisconnected:
                # An idle connection that the server closed as this request was on its way: nothing was answered.
                self.outcomes["closed"] += 1
                continue
            except (OSError, http.client.HTTPException) as exc:
                self.outcomes[type(exc).__name__] += 1
                connection.close()
                continue
            self.outcomes[str(answer.status)] += 1
            if answer.status == 200:
                self.acknowledged.append(name)


@pytest.mark.timeout(300)
def test_stop_under_load(sqlite_url: str, tmp_path: Path, nursery: Nursery) -> None:
    """
    SIGTERM while four senders post and a slow export is under way: exit code 0 within the limit; every POST was answered whole
    or not at all; what was acknowledged is stored; the export that was under way is noted as done.
    """
    with OtlpReceiver() as backend:
        backend.judge = lambda spans: Answer(delay_s=0.5)
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": backend.endpoint, "HOOKLINE_STOP_TIMEOUT_S": str(LIMIT_S)}
        collector = WarmCollector(database_url=sqlite_url, log_path=tmp_path / "log", env=env, nursery=nursery).start()
        assert collector.child is not None
        senders = [Sender(collector.port, f"s{n}") for n in range(4)]
        wait_for("an export under way", lambda: len(backend.requests()) > 0)
        began_s = time.monotonic()
        code = collector.stop()
        took_s = time.monotonic() - began_s
        for sender in senders:
            sender.thread.join(60)
        delivered = {span.span_id for span in backend.spans()}

    told = sum((sender.outcomes for sender in senders), Counter())
    assert 0 == code, collector.log_path.read_text()[-3000:]
    assert took_s < LIMIT_S
    assert set(told) <= {"200", "503", "refused", "closed", "ConnectionResetError", "BrokenPipeError"}
    assert told["refused"] == len(senders)
    assert {name for sender in senders for name in sender.acknowledged} <= stored(sqlite_url)
    assert len(delivered) == count(sqlite_url, "SELECT count(*) FROM exports WHERE state = 'done'")


def half_a_post(collector: WarmCollector) -> socket.socket:
    """A request whose body never comes to its end, once the collector has its beginning."""
    connection = socket.create_connection(("127.0.0.1", collector.port))
    connection.sendall(
        b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n["
    )
    wait_for("the request to begin", lambda: _held_bytes(collector) > 0)
    return connection


def _held_bytes(collector: WarmCollector) -> float:
    with urllib.request.urlopen(collector.url + "/metrics", timeout=100) as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("hookline_request_bodies_bytes "))


@pytest.mark.timeout(300)
def test_a_second_signal_ends_at_once(sqlite_url: str, tmp_path: Path, nursery: Nursery) -> None:
    """
    A request that never ends keeps the first SIGTERM waiting, for its part of the limit; the second doesn't wait.
    """
    collector = WarmCollector(
        database_url=sqlite_url, log_path=tmp_path / "log", env={"HOOKLINE_STOP_TIMEOUT_S": "600"}, nursery=nursery
    ).start()
    assert collector.child is not None
    with half_a_post(collector):
        collector.child.signal(signal.SIGTERM)
        wait_for("no new connections", lambda: not _accepts(collector.port))
        assert collector.child.is_alive()
        collector.child.signal(signal.SIGTERM)
        assert 128 + signal.SIGTERM == collector.child.wait(limit_s=60)


@pytest.mark.timeout(300)
def test_a_request_that_never_ends_does_not_keep_the_stop(sqlite_url: str, tmp_path: Path, nursery: Nursery) -> None:
    """
    After its part of the limit such a request is cut; the stop is still one in good order, which it is only within the limit.
    """
    collector = WarmCollector(
        database_url=sqlite_url, log_path=tmp_path / "log", env={"HOOKLINE_STOP_TIMEOUT_S": "6"}, nursery=nursery
    ).start()
    with half_a_post(collector):
        assert 0 == collector.stop()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
