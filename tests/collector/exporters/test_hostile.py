"""
Backends that keep to no protocol, over HTTP and gRPC: each span gets the right outcome, in bounded time and memory.
"""

import gzip
import socket
import time
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from collector.exporters import Barred, Exporter, ExportSettings, Later, Outcome, Refused, Sent, open_exporters
from tests.fakes.hostile import (
    Act,
    Conversation,
    HostileServer,
    answers,
    answers_and_holds,
    answers_slowly,
    answers_without_end,
    cuts_the_request,
    greets,
    hangs_up,
    stays_silent,
)
from tests.fakes.otlp import Answer, OtlpReceiver
from tests.fakes.spans import a_resource, a_span

SOON_S = 0.25
"""Where nothing is to come in time."""
HELD_S = 1.0
"""Where something must come first, and then nothing."""
PATIENT_S = 30.0
"""Where all that is to come does: a slow machine must not make it a silence."""
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\n"
# ExportTraceServiceResponse with 5 rejected spans.
FIVE_REJECTED = b"\x0a\x02\x08\x05"
BOMB = gzip.compress(bytes(50_000_000), 1, mtime=0)


def is_later(reason: str) -> Callable[[Outcome], bool]:
    return lambda outcome: isinstance(outcome, Later) and not outcome.is_about_span and reason in outcome.reason


def is_sent(outcome: Outcome) -> bool:
    return outcome == Sent()


def is_barred(outcome: Outcome) -> bool:
    return isinstance(outcome, Barred) and "307 to /v1/traces" in outcome.reason


def http(head: bytes, body: bytes = b"") -> bytes:
    return head + b"content-length: %d\r\n\r\n" % len(body) + body


NO_ANSWER = is_later(f"no answer within {SOON_S:g} s")
NO_ANSWER_HELD = is_later(f"no answer within {HELD_S:g} s")
GONE = is_later("not reachable: ")

HTTP: dict[str, tuple[Act, Callable[[Outcome], bool]]] = {
    "hangs up": (hangs_up, GONE),
    "cuts the request": (cuts_the_request, GONE),
    "stays silent": (stays_silent, NO_ANSWER),
    "greets like a mail server": (greets(b"220 mail ESMTP\r\n"), GONE),
    "garbage": (answers(b"\xff\xfe\x00garbage\r\n\r\n"), GONE),
    "half a status": (answers(b"HTTP/1.1 20"), GONE),
    "a status, then cut": (answers(b"HTTP/1.1 200 O"), is_sent),
    "half a head, then silence": (answers_and_holds(b"HTTP/1.1 200 OK\r\ncontent-"), is_sent),
    "no head, then silence": (answers_and_holds(b"HTTP/1.1 "), NO_ANSWER),
    "head byte by byte": (answers_slowly(OK + b"x-padding: " + b"x" * 500 + b"\r\n\r\n"), NO_ANSWER),
    "more and more headers": (answers_without_end(OK, b"x-more: and more\r\n"), GONE),
    "one header without end": (answers_without_end(OK + b"x: ", b"x" * 65536), GONE),
    "continue, continue, continue": (answers_without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), NO_ANSWER),
    "status that is no number": (answers(b"HTTP/1.1 twohundred OK\r\n\r\n"), GONE),
    "status line alone": (answers(b"HTTP/1.1 200\r\n\r\n"), is_sent),
    "body cut off": (answers(OK + b"content-length: 1000\r\n\r\nabc"), is_sent),
    "body that never comes": (answers_and_holds(OK + b"content-length: 1000\r\n\r\n"), is_sent),
    "body byte by byte": (answers_slowly(http(OK, b"x" * 10_000), every_s=0.002), is_sent),
    "body without end": (answers_without_end(OK + b"\r\n", b"x" * 65536), is_sent),
    "chunks that are none": (answers(OK + b"transfer-encoding: chunked\r\n\r\nZZZ\r\n"), is_sent),
    "body that unpacks to 50 MB": (answers(http(OK + b"content-encoding: gzip\r\n", BOMB)), is_sent),
    "body that does not unpack": (answers(http(OK + b"content-encoding: gzip\r\n", b"\x1f\x8b garbage")), is_sent),
    "an error that unpacks to 50 MB": (
        answers(http(b"HTTP/1.1 503 No\r\ncontent-type: text/plain\r\ncontent-encoding: gzip\r\n", BOMB)),
        is_later("HTTP 503"),
    ),
    "an error without end": (
        answers_without_end(b"HTTP/1.1 503 No\r\ncontent-type: text/plain\r\n\r\n", b"sorry " * 9999),
        is_later("HTTP 503: sorry"),
    ),
    "redirect to itself": (answers(http(b"HTTP/1.1 307 Moved\r\nlocation: /v1/traces\r\n")), is_barred),
}
GRPC: dict[str, tuple[Act, Callable[[Outcome], bool]]] = {
    "hangs up": (hangs_up, is_later("gRPC UNAVAILABLE")),
    "cuts the request": (cuts_the_request, is_later("gRPC UNAVAILABLE")),
    "stays silent": (stays_silent, is_later("gRPC ")),
    "answers HTTP/1": (greets(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"), is_later("gRPC UNAVAILABLE")),
    "garbage": (greets(b"\xff" * 1000), is_later("gRPC UNAVAILABLE")),
    "settings and nothing more": (greets(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"), is_later("gRPC DEADLINE_EXCEEDED")),
}
TIMEOUTS_S = {
    **{name: SOON_S for name, (_, is_right) in HTTP.items() if is_right is NO_ANSWER},
    **dict.fromkeys(("half a head, then silence", "body that never comes", "body byte by byte"), HELD_S),
    "settings and nothing more": SOON_S,
}
CASES = [
    *(pytest.param("http/protobuf", *case, TIMEOUTS_S.get(name, PATIENT_S), id=f"http: {name}") for name, case in HTTP.items()),
    *(pytest.param("grpc", *case, TIMEOUTS_S.get(name, PATIENT_S), id=f"grpc: {name}") for name, case in GRPC.items()),
]


@dataclass(frozen=True)
class Timed:
    outcomes: list[Outcome]
    took_s: float


def open_to(endpoint: str, protocol: str, *, timeout_s: float = PATIENT_S, **more: str) -> Exporter:
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_TIMEOUT": str(int(timeout_s * 1000)),
    }
    (exporter,) = open_exporters(ExportSettings(environment=variables | more))
    return exporter


def send(exporter: Exporter, *numbers: int) -> Timed:
    began_s = time.monotonic()
    outcomes = exporter.send(a_resource(), [exporter.encode(a_span(n)) for n in numbers])
    return Timed(outcomes, time.monotonic() - began_s)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.mark.parametrize(("protocol", "act", "is_right", "timeout_s"), CASES)
def test_every_outcome_is_right_and_soon(protocol: str, act: Act, is_right: Callable[[Outcome], bool], timeout_s: float) -> None:
    """
    Two spans, one request: a 2xx that was seen is Sent whatever follows it, everything else waits; within the timeout.
    """
    with HostileServer(act) as server:
        exporter = open_to(f"http://127.0.0.1:{server.port}", protocol, timeout_s=timeout_s)
        timed = send(exporter, 1, 2)
        exporter.close()

    assert [True, True] == [is_right(outcome) for outcome in timed.outcomes], timed.outcomes
    assert timed.took_s < timeout_s + 30.0
    assert protocol == "grpc" or server.connections == 1


def test_enormous_answer_takes_little_memory() -> None:
    """
    A body without end, and one that unpacks to 50 MB: neither is kept.
    """
    for act in (answers_without_end(OK + b"\r\n", b"x" * 65536), answers(http(OK + b"content-encoding: gzip\r\n", BOMB))):
        with HostileServer(act) as server:
            exporter = open_to(f"http://127.0.0.1:{server.port}", "http/protobuf")
            send(exporter, 1)
            tracemalloc.start()
            send(exporter, 2)
            _, peak_bytes = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            exporter.close()
        assert peak_bytes < 2_000_000


def test_enormous_grpc_answer_counts_as_taken() -> None:
    """
    What the library does not want to read was answered all the same: halving or sending again would double the spans.
    """
    with OtlpReceiver() as backend:
        backend.judge = lambda spans: Answer("OK", body=b"x" * 5_000_000)
        exporter = open_to(backend.grpc_endpoint, "grpc")

        assert [Sent(), Sent()] == send(exporter, 1, 2).outcomes
        assert 1 == len(backend.requests())
        exporter.close()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
def test_packed_answer_is_read(encoding: str) -> None:
    """
    Packed answers are not asked for; one that comes all the same tells of rejected spans as any other.
    """
    packed = {"gzip": gzip.compress(FIVE_REJECTED), "deflate": zlib.compress(FIVE_REJECTED), "identity": FIVE_REJECTED}[encoding]
    with HostileServer(answers(http(OK + b"content-encoding: " + encoding.encode() + b"\r\n", packed))) as server:
        exporter = open_to(f"http://127.0.0.1:{server.port}", "http/protobuf")
        timed = send(exporter, 1)
        exporter.close()

    assert [Sent()] == timed.outcomes
    assert 5 == exporter.rejected_spans


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_name_that_nobody_knows(protocol: str) -> None:
    """
    DNS: the spans wait, and the reason says so without the URL.
    """
    exporter = open_to(
        "http://nobody.invalid:4318/?token=secret" if protocol != "grpc" else "http://nobody.invalid:4317", protocol
    )
    timed = send(exporter, 1)
    exporter.close()

    (outcome,) = timed.outcomes
    assert isinstance(outcome, Later)
    assert "secret" not in outcome.reason
    assert "not reachable" in outcome.reason or "UNAVAILABLE" in outcome.reason


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_port_where_nobody_listens(protocol: str) -> None:
    """
    Refused at once: the spans wait, and go when somebody listens there.
    """
    with HostileServer(hangs_up) as server:
        port = server.port
    exporter = open_to(f"http://127.0.0.1:{port}", protocol)
    (outcome,) = send(exporter, 1).outcomes
    exporter.close()

    assert isinstance(outcome, Later)
    assert "refused" in outcome.reason.lower()


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_tls_where_there_is_none(protocol: str) -> None:
    """
    https to a port that speaks without: the spans wait, nothing of them was sent.
    """
    seen: list[bytes] = []

    def note(talk: Conversation) -> None:
        seen.append(talk.read_some(65536))

    with HostileServer(note) as server:
        exporter = open_to(f"https://127.0.0.1:{server.port}", protocol)
        (outcome,) = send(exporter, 1).outcomes
        exporter.close()

    assert isinstance(outcome, Later)
    assert seen
    assert all(b"chat gpt" not in one for one in seen)


def test_connection_that_comes_too_late_is_not_sent_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Looking up a name can't be stopped; what it delays beyond the limit is not sent any more, since somebody else may by then.
    """
    real = socket.getaddrinfo

    def slowly(*args: Any, **more: Any) -> Any:
        time.sleep(HELD_S + 0.1)
        return real(*args, **more)

    with OtlpReceiver() as backend:
        exporter = open_to(backend.endpoint, "http/protobuf", timeout_s=HELD_S)
        monkeypatch.setattr(socket, "getaddrinfo", slowly)
        (outcome,) = send(exporter, 1).outcomes
        monkeypatch.undo()

        assert NO_ANSWER_HELD(outcome)
        assert [] == backend.requests()
        assert [Sent()] == send(exporter, 1).outcomes
        exporter.close()


def test_connections_that_were_cut_by_the_limit_are_followed_by_good_ones() -> None:
    """
    A request that ran out of time leaves nothing behind: the next one has its own connection and its own limit.
    """
    with OtlpReceiver() as backend:
        exporter = open_to(backend.endpoint, "http/protobuf", timeout_s=HELD_S)
        for _ in range(2):
            backend.will_answer(Answer(delay_s=HELD_S * 30))
            assert NO_ANSWER_HELD(send(exporter, 1).outcomes[0])
            assert [Sent()] == send(exporter, 2).outcomes
        exporter.close()


@pytest.mark.parametrize(("status", "outcome"), [(400, Refused), (500, Later)])
def test_poison_is_found_while_the_backend_is_slow(status: int, outcome: type[Outcome]) -> None:
    """
    Halving has a limit in time for all of its requests; what it leaves is not lost, and a later round finds the span.
    """
    with OtlpReceiver() as backend:
        backend.judge = lambda spans: Answer(status if any(span.name == "chat gpt-3" for span in spans) else 200, delay_s=0.02)
        exporter = open_to(backend.endpoint, "http/protobuf", OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
        outcomes = send(exporter, *range(1, 17)).outcomes
        exporter.close()

    assert [n == 3 for n in range(1, 17)] == [isinstance(one, outcome) for one in outcomes]
    assert 15 == len(backend.spans())
