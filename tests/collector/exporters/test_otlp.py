"""
What the OTLP exporter makes of a backend's answers, over both protocols, against a receiver that decodes real OTLP.
"""

import email.utils
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from collector.exporters import Barred, ExportSettings, Later, Outcome, Refused, Sent, Untried, open_exporters
from collector.exporters.otlp import OtlpExporter
from collector.exporters.otlp_answers import MAX_WAIT_S, read_retry_after
from tests.fakes.otlp import Answer, Judge, OtlpReceiver
from tests.fakes.otlp_decoding import ReceivedSpan
from tests.fakes.spans import TRACE_ID, a_resource, a_span

KEY = "key-of-the-backend-123456"


@dataclass(frozen=True)
class Line:
    """An exporter and the backend at the other end; `codes` are the protocol's words for an HTTP status."""

    exporter: OtlpExporter
    backend: OtlpReceiver
    protocol: str

    def answer(self, http: int, grpc: str, **more: object) -> Answer:
        return Answer(http if self.protocol != "grpc" else grpc, **more)  # pyright: ignore[reportArgumentType]

    def send(self, *numbers: int) -> list[Outcome]:
        return self.exporter.send(a_resource(), [self.exporter.encode(a_span(n)) for n in numbers])

    def arrived(self) -> list[int]:
        return [int(span.span_id, 16) for span in self.backend.spans()]


def open_otlp(backend: OtlpReceiver, protocol: str, **environment: str) -> OtlpExporter:
    endpoint = backend.grpc_endpoint if protocol == "grpc" else backend.endpoint
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_HEADERS": f"api-key={KEY},x-tenant=a%20b",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "2000",
    }
    (exporter,) = open_exporters(ExportSettings(environment=variables | environment))
    assert isinstance(exporter, OtlpExporter)
    return exporter


@pytest.fixture(params=["http/protobuf", "grpc"])
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    with OtlpReceiver() as backend:
        exporter = open_otlp(backend, request.param)
        yield Line(exporter, backend, request.param)
        exporter.close()


@pytest.fixture
def http() -> Iterator[Line]:
    with OtlpReceiver() as backend:
        exporter = open_otlp(backend, "http/protobuf")
        yield Line(exporter, backend, "http/protobuf")
        exporter.close()


def refuses(number: int, answer: Answer) -> Judge:
    """Every request with that span is answered so."""

    def judge(spans: tuple[ReceivedSpan, ...]) -> Answer:
        return answer if any(int(span.span_id, 16) == number for span in spans) else Answer()

    return judge


def test_span_arrives_as_it_was_built(line: Line) -> None:
    """
    Ids, times, kind, status, scope, schema and typed attributes survive the way.
    """
    span = a_span(
        7,
        parent_span_id="00f067aa0ba902b7",
        status="error",
        error_message="rate limited",
        attributes={"gen_ai.usage.input_tokens": 3, "t": 0.5, "stream": True, "gen_ai.response.finish_reasons": ["stop"]},
    )
    line.exporter.send(a_resource("shop"), [line.exporter.encode(span)])

    (got,) = line.backend.spans()
    assert (TRACE_ID, f"{7:016x}", "00f067aa0ba902b7") == (got.trace_id, got.span_id, got.parent_span_id)
    assert (span.start_ns, span.end_ns) == (got.start_ns, got.end_ns)
    assert ("CLIENT", "ERROR", "rate limited") == (got.kind, got.status, got.status_message)
    assert dict(span.attributes) == got.attributes
    assert "hookline" == got.scope[0]
    assert got.scope[1]
    assert got.scope_schema_url.startswith("https://opentelemetry.io/schemas/")


def test_headers_go_with_every_request(line: Line) -> None:
    """
    Headers are decoded and sent; the content type stays ours.
    """
    line.send(1)

    (request,) = line.backend.requests()
    assert (KEY, "a b") == (request.headers["api-key"], request.headers["x-tenant"])
    if line.protocol != "grpc":
        assert "/v1/traces" == request.path
        assert "application/x-protobuf" == request.headers["content-type"]


@pytest.mark.parametrize(
    ("status", "code"), [(429, "RESOURCE_EXHAUSTED"), (502, "ABORTED"), (503, "UNAVAILABLE"), (504, "DEADLINE_EXCEEDED")]
)
def test_backend_that_is_away_keeps_spans_waiting(line: Line, status: int, code: str) -> None:
    """
    The whole batch is Later after one request; nothing is halved, nothing sent twice.
    """
    line.backend.will_answer(line.answer(status, code))

    outcomes = line.send(1, 2, 3)

    assert all(isinstance(outcome, Later) and not outcome.is_about_span for outcome in outcomes)
    assert 1 == len(line.backend.requests())
    assert [Sent()] * 3 == line.send(1, 2, 3)


def test_wish_to_wait_is_told(line: Line) -> None:
    """
    Retry-After in seconds, and gRPC's RetryInfo, reach the pipeline.
    """
    line.backend.will_answer(line.answer(503, "UNAVAILABLE", headers={"Retry-After": "7"}, retry_delay_s=7.0))

    (outcome,) = line.send(1)

    assert isinstance(outcome, Later)
    assert 7.0 == outcome.after_s


def test_wish_to_wait_may_be_a_date(http: Line) -> None:
    """
    Retry-After as an HTTP date is the time until then.
    """
    date = email.utils.formatdate(time.time() + 900, usegmt=True)
    http.backend.will_answer(Answer(429, headers={"Retry-After": date}))

    (outcome,) = http.send(1)

    assert isinstance(outcome, Later)
    assert outcome.after_s is not None
    assert 600 < outcome.after_s <= 900


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        ("120", 120.0),
        (" 0.5 ", 0.5),
        ("999999999", MAX_WAIT_S),
        ("-3", 0.0),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_WAIT_S),
        ("Fri, 99 Foo 9999 23:59:59 GMT", None),
    ],
)
def test_odd_wishes_to_wait(value: str | None, wait_s: float | None) -> None:
    """
    An hour at most, never less than nothing; what can't be read is no wish.
    """
    assert wait_s == read_retry_after(value, now_s=1_764_000_000.0)


def test_wish_of_grpc_is_bounded_too(line: Line) -> None:
    """
    A backend may not send us away for a year.
    """
    line.backend.will_answer(line.answer(503, "UNAVAILABLE", headers={"Retry-After": "31536000"}, retry_delay_s=31_536_000.0))

    (outcome,) = line.send(1)

    assert isinstance(outcome, Later)
    assert MAX_WAIT_S == outcome.after_s


def test_poison_span_is_found_and_the_others_arrive(line: Line) -> None:
    """
    One span that the backend does not take is refused with the reason; each other one arrives exactly once.
    """
    line.backend.judge = refuses(
        5, line.answer(400, "INVALID_ARGUMENT", body=b"bad span", headers={"content-type": "text/plain"})
    )

    outcomes = line.send(*range(1, 12))

    refused = outcomes[4]
    assert isinstance(refused, Refused)
    assert ("HTTP 400: bad span" if line.protocol != "grpc" else "gRPC INVALID_ARGUMENT") == refused.reason
    assert [Sent()] * 10 == outcomes[:4] + outcomes[5:]
    assert sorted(set(range(1, 12)) - {5}) == sorted(line.arrived())


def test_too_large_is_halved(http: Line) -> None:
    """
    413 says nothing about the spans: smaller requests carry all of them.
    """
    http.backend.judge = lambda spans: Answer(413) if len(spans) > 3 else Answer()

    assert [Sent()] * 10 == http.send(*range(1, 11))
    assert list(range(1, 11)) == sorted(http.arrived())


def test_single_span_that_is_too_large_is_refused(http: Line) -> None:
    """
    A span that alone is too large is dead with that reason.
    """
    http.backend.judge = refuses(1, Answer(413))

    refused, sent = http.send(1, 2)

    assert Refused(reason="HTTP 413") == refused
    assert Sent() == sent


def test_redirect_is_not_followed(http: Line) -> None:
    """
    It could carry the key elsewhere. It is no success and no fault of the span: the address is to be mended.
    """
    http.backend.judge = lambda spans: Answer(302, headers={"Location": f"{http.backend.endpoint}/elsewhere?token=x"})

    (outcome,) = http.send(1)

    assert isinstance(outcome, Barred)
    assert outcome.reason.startswith("HTTP 302 to http://localhost")
    assert "token" not in outcome.reason
    assert ["/v1/traces"] == [request.path for request in http.backend.requests()]


@pytest.mark.parametrize(
    ("status", "code", "requests"),
    [
        (401, "UNAUTHENTICATED", 1),
        (404, "UNIMPLEMENTED", 1),
        (405, "NOT_FOUND", 1),
        (302, "UNAUTHENTICATED", 1),
        # Maybe about a span: halved down to one, and then asked without any.
        (403, "PERMISSION_DENIED", 9),
        (400, "INVALID_ARGUMENT", 9),
    ],
)
def test_wrong_setting_kills_no_span(line: Line, status: int, code: str, requests: int) -> None:
    """
    A key or an address that is wrong declines everything, also a request without spans: all wait, after few requests.
    """
    line.backend.judge = lambda spans: line.answer(status, code)

    outcomes = line.send(*range(1, 129))

    assert {Barred} == {type(outcome) for outcome in outcomes}
    assert requests == len(line.backend.requests())


def test_span_that_a_firewall_minds_is_refused(line: Line) -> None:
    """
    403 for one span alone, while a request without spans passes: the span is dead, with the reason.
    """
    line.backend.judge = refuses(1, line.answer(403, "PERMISSION_DENIED"))

    assert [Refused] == [type(outcome) for outcome in line.send(1)]
    assert 2 == len(line.backend.requests())


def test_stumbling_backend_isolates_the_span_and_keeps_it(line: Line) -> None:
    """
    A 500 for one span alone: its neighbours arrive, it waits by itself.
    """
    line.backend.judge = refuses(2, line.answer(500, "INTERNAL"))

    first, poison, third = line.send(1, 2, 3)

    assert Sent() == first == third
    assert isinstance(poison, Later)
    assert poison.is_about_span


def test_backend_that_only_stumbles_is_away(line: Line) -> None:
    """
    500 for everything: the batch waits as a whole, after few requests.
    """
    line.backend.judge = lambda spans: line.answer(500, "UNKNOWN")

    outcomes = line.send(*range(1, 129))

    assert all(isinstance(outcome, Later) for outcome in outcomes)
    assert len(line.backend.requests()) < 20


def test_partial_success_is_counted_and_never_sent_again(line: Line) -> None:
    """
    The backend took the request and dropped two spans: Sent, a log line, a count.
    """
    line.backend.will_answer(line.answer(200, "OK", rejected_spans=2, message=f"too old, {KEY}"))

    with structlog.testing.capture_logs() as logs:
        outcomes = line.send(1, 2, 3)

    assert [Sent()] * 3 == outcomes
    assert 2 == line.exporter.rejected_spans
    (told,) = [entry for entry in logs if entry["event"] == "spans_rejected_by_backend"]
    assert (2, 3, "too old, ***") == (told["rejected"], told["count"], told["message"])
    assert 1 == len(line.backend.requests())


def test_partial_success_in_json_is_understood(http: Line) -> None:
    """
    Some backends answer JSON to protobuf.
    """
    body = b'{"partialSuccess": {"rejectedSpans": "1", "errorMessage": "no"}}'
    http.backend.will_answer(Answer(200, headers={"content-type": "application/json"}, body=body))

    assert [Sent()] == http.send(1)
    assert 1 == http.exporter.rejected_spans


@pytest.mark.parametrize("body", [b"\xff\xff garbage", b"<html>welcome</html>"])
def test_success_with_a_strange_body_is_success(line: Line, body: bytes) -> None:
    """
    2xx means taken: sending again because the body can't be read would double the spans.
    """
    line.backend.will_answer(line.answer(200, "OK", body=body))

    assert [Sent()] == line.send(1)


def test_silence_ends_with_the_timeout(line: Line) -> None:
    """
    A backend that does not answer in time: Later, and not only when it has answered.
    """
    slow = open_otlp(line.backend, line.protocol, OTEL_EXPORTER_OTLP_TRACES_TIMEOUT="200")
    line.backend.will_answer(Answer(delay_s=60))
    (outcome,) = slow.send(a_resource(), [slow.encode(a_span())])

    assert isinstance(outcome, Later)
    assert [] == line.backend.spans(), "nothing was answered yet"
    slow.close()


def test_cut_connection_is_later_and_the_next_works(line: Line) -> None:
    """
    A connection that breaks is no verdict; the next request opens a new one.
    """
    line.backend.will_answer(Answer(cut=True))

    (outcome,) = line.send(1)

    assert isinstance(outcome, Later)
    assert [Sent()] == line.send(1)


def test_no_request_is_begun_once_the_process_is_to_end(line: Line) -> None:
    """
    Nothing has left, and that is what is said.
    """
    line.exporter.wind_down()

    assert [Untried(), Untried()] == line.send(1, 2)
    assert [] == line.backend.requests()


def test_no_secret_in_reasons_and_logs(line: Line) -> None:
    """
    A backend that quotes our key in its refusal: the reason has it blotted out.
    """
    line.backend.judge = lambda spans: line.answer(
        403,
        "PERMISSION_DENIED",
        body=f"unknown key {KEY}".encode(),
        message=f"unknown key {KEY}",
        headers={"content-type": "text/plain"},
    )
    with structlog.testing.capture_logs() as logs:
        (outcome,) = line.send(1)

    assert isinstance(outcome, Barred)
    assert "unknown key ***" in outcome.reason
    assert KEY not in repr(logs)


def test_requests_stay_under_four_mebibytes(line: Line) -> None:
    """
    The cap counts before compression; many large spans become several requests, each span once.
    """
    big = [line.exporter.encode(a_span(n, attributes={"text": "x" * 250_000})) for n in range(1, 41)]

    assert [Sent()] * 40 == line.exporter.send(a_resource(), big)
    assert list(range(1, 41)) == sorted(line.arrived())
    sizes = [request.size_bytes for request in line.backend.requests()]
    assert max(sizes) <= 4 * 1024 * 1024
    assert len(sizes) == 3


def test_login_in_the_url_is_sent_and_not_shown() -> None:
    """
    Name and password of the endpoint become an Authorization header.
    """
    with OtlpReceiver() as backend:
        endpoint = backend.endpoint.replace("http://", "http://me:pass%20word@")
        exporter = open_otlp(backend, "http/protobuf", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
        exporter.send(a_resource(), [exporter.encode(a_span())])
        exporter.close()

        (request,) = backend.requests()
        assert "Basic bWU6cGFzcyB3b3Jk" == request.headers["authorization"]


def test_netrc_has_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A login for that host in ~/.netrc does not replace the configured Authorization header.
    """
    (tmp_path / "netrc").write_text("machine localhost login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with OtlpReceiver() as backend:
        exporter = open_otlp(backend, "http/protobuf", OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20ours")
        exporter.send(a_resource(), [exporter.encode(a_span())])
        exporter.close()

        (request,) = backend.requests()
        assert "Bearer ours" == request.headers["authorization"]


def test_unreachable_backend_says_why_without_the_url() -> None:
    """
    Connection refused: Later with the system's words; the URL (it may hold a key) stays out.
    """
    with OtlpReceiver() as backend:
        endpoint = backend.endpoint
    (exporter,) = open_exporters(ExportSettings(environment={"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{endpoint}/x?token=abc"}))

    (outcome,) = exporter.send(a_resource(), [exporter.encode(a_span())])

    assert Later(reason="not reachable: Connection refused") == outcome
    exporter.close()
