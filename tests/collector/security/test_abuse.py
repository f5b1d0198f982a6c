"""
What is sent to a collector by malice or mistake gets a clear answer, the good events beside it are kept, and the process lives.

SQLite in a process of its own, as users have it, so that its memory can be read; PostgreSQL inside the test's.
"""

import json
import socket
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from tests.collector.security.abusive import CASES, MIB, Case, good
from tests.end_to_end.processes import CollectorProcess
from tests.fakes.running import Answer, Running, running_collector

GIB = 1024 * MIB


class Asked(Protocol):
    """A collector, wherever it runs."""

    url: str


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CollectorProcess]:
    folder = tmp_path_factory.mktemp("abuse")
    with CollectorProcess(
        database_url=f"sqlite:///{folder / 'hookline.db'}", log_path=folder / "log", env={"HOOKLINE_LOG_LEVEL": "debug"}
    ) as process:
        yield process


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def collector(request: pytest.FixtureRequest) -> Iterator[Running]:
    if request.param == "sqlite":
        # Only its address is used.
        yield Running(url=request.getfixturevalue("process").url, server=None)  # pyright: ignore[reportArgumentType]
        return
    server = request.getfixturevalue("postgres_server")
    with running_collector(server.url(server.new_database())) as running:
        yield running


def send(collector: Running, case: Case) -> Answer:
    return collector.send("POST", "/v1/events", case.body, {"content-type": case.media, **case.headers})


def ids_of(collector: Running) -> set[str]:
    found: set[str] = set()
    cursor = ""
    while True:
        page = collector.get(f"/v1/events?limit=1000{cursor}").json
        found |= {row["event_id"] for row in page["items"]}
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def test_each_abuse_has_its_answer_and_good_events_are_kept(collector: Running) -> None:
    """
    A 4xx that says what to do, or 200 with codes one by one; never a 5xx; every good event is there afterwards, and all that was
    accepted can be read and assembled.
    """
    answers = {case.name: send(collector, case) for case in CASES}
    expected = {case.name: (case.status, case.codes) for case in CASES}
    assert expected == {name: (answer.status, _codes(answer.json)) for name, answer in answers.items()}
    silent = [case.name for case in CASES if case.says not in answers[case.name].json.get("detail", "")]
    assert [] == silent

    ids = ids_of(collector)
    assert {f"good-{case.name}" for case in CASES if case.keeps_good} == {name for name in ids if name.startswith("good-")}
    assert sum(answer.json.get("accepted", 0) for answer in answers.values()) == len(ids)
    assert (200, 200) == (collector.get("/readyz").status, collector.get("/v1/calls").status)


def _codes(told: Any) -> tuple[str, ...]:
    return tuple(item["code"] for item in told.get("rejected", ()))


def connected(process: CollectorProcess, *head: str, body: bytes = b"") -> socket.socket:
    """A connection on which these lines were sent, and the body with them."""
    peer = socket.create_connection(("127.0.0.1", process.port), timeout=100)
    lines = ["POST /v1/events HTTP/1.1", "host: 127.0.0.1", "content-type: application/json", *head, "", ""]
    peer.sendall("\r\n".join(lines).encode() + body)
    return peer


def heard(peer: socket.socket) -> bytes:
    """All that comes until the other side ends, however it does."""
    told = b""
    try:
        while piece := peer.recv(65536):
            told += piece
    except ConnectionResetError:
        pass
    return told


def pour(peer: socket.socket, piece: bytes, most_bytes: int) -> int:
    """Send on and on; how much went before the other side hung up."""
    sent = 0
    try:
        while sent < most_bytes:
            peer.sendall(piece)
            sent += len(piece)
    except OSError:
        pass
    return sent


@pytest.mark.parametrize("head", ["content-length: 2147483648", "transfer-encoding: chunked"])
def test_two_gigabytes_are_refused_early_and_fill_no_memory(process: CollectorProcess, head: str) -> None:
    """
    413 as soon as it is sure; whoever sends on is cut off; the memory holds one body at most, and the next request is served.
    """
    before_mib = process.memory_mib()
    with connected(process, head) as peer:
        piece = b" " * MIB
        chunk = piece if "length" in head else b"%x\r\n%b\r\n" % (len(piece), piece)
        # As much as it must take before it can be sure, and no more than a part of it besides.
        sent = pour(peer, chunk, 200 * MIB)
        answer = heard(peer)
    assert sent < 160 * MIB
    assert not answer or answer.startswith(b"HTTP/1.1 413 ")
    assert process.memory_mib() < before_mib + 80
    assert 1 == process.post([json.loads(good(f"after-{head[:8]}"))])["accepted"]


def test_no_body_of_all_these_filled_the_memory(process: CollectorProcess) -> None:
    """
    The peak over everything that was sent so far: a body of 64 MiB and what is made of it, never a multiple.
    """
    assert process.memory_mib("VmHWM") < process.memory_mib() + 200


def test_the_answer_comes_before_the_body(process: CollectorProcess) -> None:
    """
    A length that is too large is refused on its own, without a byte of the body.
    """
    with connected(process, f"content-length: {2 * GIB}") as peer:
        assert peer.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "lines",
    [
        ["content-length: 5", "content-length: 6"],
        ["content-length: 5", "transfer-encoding: chunked"],
        ["transfer-encoding: gzip"],
        ["content-length: -1"],
        ["content-length: 1 2"],
        ["bad header"],
        ["x: a\rb"],
    ],
    ids=str,
)
def test_what_two_servers_could_read_differently_is_refused(process: CollectorProcess, lines: list[str]) -> None:
    """
    400, and the connection ends: behind a proxy such a request could smuggle another one in.
    """
    with connected(process, *lines, body=b"[]\r\n0\r\n\r\n") as peer:
        answer = heard(peer)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 "))
    assert 1 == answer.count(b"HTTP/1.1 ")


def test_nothing_that_was_sent_is_in_the_log(process: CollectorProcess) -> None:
    """
    After all of the above, at the level debug: no payload, no key, no traceback.
    """
    secret = "hk_secret-of-this-test"
    running = Running(url=process.url, server=None)  # pyright: ignore[reportArgumentType]
    for path, body in (
        ("/v1/events", [{"type": "x", "prompt": "WORDS-OF-A-USER", "timestamp": "WORDS-OF-A-USER"}]),
        ("/v1/sql", {"sql": "SELECT 'WORDS-OF-A-USER' FROM nowhere"}),
    ):
        running.ask("POST", path, body=body, headers={"authorization": f"Bearer {secret}"})
    running.ask("GET", f"/v1/events?model=WORDS-OF-A-USER&limit={secret}", headers={"authorization": f"Bearer {secret}"})
    log = process.log_path.read_text()
    assert "events_rejected" in log
    assert [] == [word for word in (secret, "WORDS-OF-A-USER", "Traceback", "good-") if word in log]
