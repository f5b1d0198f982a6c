"""
What one connection, and all of them together, can take from a running collector.
"""

import json
import select
import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from collector.connections import Bounds
from tests.fakes.running import AT_MS, Answer, Running, eventually, running_collector

CONNECTIONS = 8
TIMEOUT_S = 0.6
HEAD_BYTES = Bounds().head_bytes


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """
    With little of everything, but for time.
    """
    url = f"sqlite:///{tmp_path_factory.mktemp('bounds') / 'a.db'}"
    small = {
        "max_event_bytes": 2000,
        "max_batch_events": 5,
        "max_expanded_bytes": 20_000,
        "max_body_bytes": 10_000,
        "max_inflight_bytes": 40_000,
    }
    with running_collector(url, max_connections=CONNECTIONS, request_timeout_s=120.0, **small) as running:
        yield running


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """
    Gives a request up soon.
    """
    url = f"sqlite:///{tmp_path_factory.mktemp('impatient') / 'a.db'}"
    with running_collector(url, request_timeout_s=TIMEOUT_S) as running:
        yield running


def connect(collector: Running) -> socket.socket:
    parts = urlsplit(collector.url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=100)


def heard(peer: socket.socket) -> bytes:
    """All that comes until the other side ends."""
    told = b""
    try:
        while piece := peer.recv(65536):
            told += piece
    except ConnectionResetError:
        pass
    return told


def request(*lines: str, path: str = "/healthz") -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "host: 127.0.0.1", *lines, "", ""]).encode()


def test_head_of_a_request_has_a_size(collector: Running) -> None:
    """
    As large as it may be it is served; one byte more is 431, in whatever pieces it comes and also without an end.
    """
    fixed = len("/healthz") + len("host127.0.0.1") + 4 + len("connectionclose") + 4 + len("x") + 4
    for size, status in ((HEAD_BYTES - fixed, b"200"), (HEAD_BYTES - fixed + 1, b"431")):
        with connect(collector) as peer:
            peer.sendall(request("connection: close", f"x: {'y' * size}"))
            assert heard(peer).startswith(b"HTTP/1.1 " + status)
    with connect(collector) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000)
        assert heard(peer).startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nx: y\r\n"])
def test_a_head_that_never_ends_is_given_up(impatient: Running, start: bytes) -> None:
    """
    However slowly it goes on: 408, and the connection ends.
    """
    with connect(impatient) as peer:
        peer.sendall(start)
        while not select.select([peer], [], [], 0.1)[0]:
            peer.sendall(b"z")
        assert heard(peer).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("path", ["/v1/events", "/v1/sql"])
def test_a_body_that_never_ends_is_given_up(impatient: Running, path: str) -> None:
    """
    On the way in with an answer that says so, elsewhere by hanging up. The time counts, not the pauses.
    """
    lines = ["content-type: application/json", "content-length: 1000"]
    with connect(impatient) as peer:
        peer.sendall(request(*lines, path=path).replace(b"GET", b"POST", 1))
        while not select.select([peer], [], [], 0.1)[0]:
            peer.sendall(b" ")
        answer = heard(peer)
    assert answer.startswith(b"HTTP/1.1 408") if path == "/v1/events" else b"" == answer


def test_an_answer_that_nobody_reads_is_given_up(impatient: Running) -> None:
    """
    Who asks and asks and reads nothing is hung up on: what lies there for it must not lie for ever.
    """
    parts = urlsplit(impatient.url)
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.settimeout(60)
        peer.connect((parts.hostname, parts.port))
        peer.sendall(request(path="/openapi.json") * 300)
        peer.setblocking(False)
        eventually(lambda: _is_reset(peer))


def _is_reset(peer: socket.socket) -> bool:
    try:
        # Nothing that would be a request's beginning: those have a limit of their own.
        peer.send(b"\r\n")
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return False


def test_further_connections_are_told_to_come_back(collector: Running) -> None:
    """
    503 with Retry-After for those over the number; who is in is served, and when one leaves there is room.
    """
    held = [connect(collector) for _ in range(CONNECTIONS)]
    try:
        held[0].sendall(request())
        assert held[0].recv(65536).startswith(b"HTTP/1.1 200")
        with connect(collector) as late:
            told = heard(late)
        assert told.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1\r\n" in told
    finally:
        for peer in held:
            peer.close()
    eventually(lambda: _is_served(collector))


def _is_served(collector: Running) -> bool:
    with connect(collector) as peer:
        peer.sendall(request("connection: close"))
        return heard(peer).startswith(b"HTTP/1.1 200")


def _event(name: str, size: int = 0) -> dict[str, object]:
    event: dict[str, object] = {"type": "x", "eventId": name, "timestamp": AT_MS, "text": ""}
    return event | {"text": "y" * (size - len(json.dumps(event)))} if size else event


def test_limits_of_the_settings_hold_to_the_byte(collector: Running) -> None:
    """
    Events in a request, bytes of an event, bytes of a body: at the limit it is taken, one more is refused and says what to do.
    """
    ask = lambda events: collector.ask("POST", "/v1/events", body=events)  # noqa: E731
    assert [200, 413] == [ask([_event(f"{n}-{k}") for k in range(n)]).status for n in (5, 6)]
    assert [[], ["too_large"]] == [[r["code"] for r in ask([_event("size", n)]).json["rejected"]] for n in (2000, 2001)]
    small = json.dumps([_event("body")]).encode()
    for size, status in ((20_000, 200), (20_001, 413)):
        body = small + b" " * (size - len(small))
        answer = collector.send("POST", "/v1/events", body, {"content-type": "application/json"})
        assert status == answer.status
    assert "smaller batches" in answer.json["detail"]


def test_bodies_in_memory_are_counted_together(collector: Running) -> None:
    """
    While two large ones are on their way a third is told to come back; when they are gone it is taken.
    """
    lines = ["content-type: application/json", "content-length: 20000"]
    held = [connect(collector) for _ in range(2)]
    for peer in held:
        peer.sendall(request(*lines, path="/v1/events").replace(b"GET", b"POST", 1) + b" " * 19_900)
    answer = eventually(lambda: (told := _post_large(collector)).status == 503 and told)
    assert "1" == answer.headers["retry-after"]
    for peer in held:
        peer.close()
    eventually(lambda: _post_large(collector).status == 200)


def _post_large(collector: Running) -> Answer:
    body = json.dumps([_event("third")]).encode() + b" " * 15_000
    return collector.send("POST", "/v1/events", body, {"content-type": "application/json"})


def test_full_queue_is_told_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """
    While the database takes nothing, events wait up to their number; more get 503 with Retry-After, and go in afterwards.
    """
    path = tmp_path / "a.db"
    with running_collector(f"sqlite:///{path}", queue_max_events=6) as collector, ThreadPoolExecutor() as pool:
        post = lambda name: collector.ask("POST", "/v1/events", body=[_event(f"{name}-{n}") for n in range(4)])  # noqa: E731
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            waiting = [pool.submit(post, name) for name in ("a", "b", "c")]
            refused = next(done for done in as_completed(waiting, timeout=100)).result()
            other.rollback()
        assert (503, "1") == (refused.status, refused.headers["retry-after"])
        assert [200, 503] == sorted({done.result().status for done in waiting})
        assert {200} == {post(name).status for name in ("a", "b", "c")}
        assert 12 == len(collector.get("/v1/events").json["items"])
