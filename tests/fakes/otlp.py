"""
An OpenTelemetry backend for tests: takes real OTLP over HTTP and gRPC, decodes it, and answers as a test tells it to.

    with OtlpReceiver() as otlp:
        otlp.will_answer(Answer(503, headers={"retry-after": "2"}), Answer(cut=True))
        … otlp.endpoint, otlp.grpc_endpoint …
        otlp.spans()            # of requests that were accepted
        otlp.points()           # histograms, likewise
"""

import gzip
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent import futures
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as PackedAny
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTracePartialSuccess, ExportTraceServiceResponse

from tests.fakes.otlp_decoding import ReceivedPoint, ReceivedSpan, decode_metrics, decode_request


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What to answer. `status` is HTTP's; over gRPC it is the code's name. An accepting answer stores the spans.

    `delay_s`: wait first. `cut`: close the connection instead of answering; the spans are stored only if `keeps` says so.
    """

    status: int | str = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    rejected_spans: int = 0
    message: str = ""
    retry_delay_s: float | None = None
    delay_s: float = 0.0
    cut: bool = False
    keeps: bool = False

    @property
    def accepts(self) -> bool:
        return not self.cut and (self.status == "OK" or (isinstance(self.status, int) and 200 <= self.status < 300))

    def response(self) -> bytes:
        if self.body is not None:
            return self.body
        if not (self.rejected_spans or self.message):
            return b""
        partial = ExportTracePartialSuccess(rejected_spans=self.rejected_spans, error_message=self.message)
        return ExportTraceServiceResponse(partial_success=partial).SerializeToString()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """One request, accepted or not. `size_bytes` is before compression."""

    path: str
    headers: Mapping[str, str]
    spans: tuple[ReceivedSpan, ...]
    points: tuple[ReceivedPoint, ...]
    size_bytes: int
    at_s: float


GRPC_SERVICES = {
    "opentelemetry.proto.collector.trace.v1.TraceService": "Export",
    "opentelemetry.proto.collector.metrics.v1.MetricsService": "Export metrics",
}
"""Service -> the `path` that its requests are noted under."""

Judge = Callable[[tuple[ReceivedSpan, ...]], Answer]


class OtlpReceiver:
    """Answers 200 unless told otherwise: by `will_answer` the next requests, in order; by `judge` every one, by its spans."""

    def __init__(self, *, certificate: tuple[str, str] | None = None, client_ca: str | None = None) -> None:
        self._certificate = certificate
        self._client_ca = client_ca
        self._lock = threading.Lock()
        self._script: deque[Answer] = deque()
        self._requests: list[ReceivedRequest] = []
        self._accepted: list[ReceivedSpan] = []
        self._accepted_points: list[ReceivedPoint] = []
        self.judge: Judge | None = None
        self._stopped = threading.Event()

    def __enter__(self) -> "OtlpReceiver":
        self._start_http()
        self._start_grpc()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._http.shutdown()
        self._http.server_close()
        self._grpc.stop(None).wait(5)

    @property
    def endpoint(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT with http/protobuf."""
        return f"{self._scheme}://localhost:{self._http.server_port}"

    @property
    def grpc_endpoint(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT with grpc."""
        return f"{self._scheme}://localhost:{self._grpc_port}"

    def will_answer(self, *answers: Answer) -> None:
        """Answer the next requests so; afterwards as before."""
        with self._lock:
            self._script.extend(answers)

    def spans(self) -> list[ReceivedSpan]:
        """Every span that was accepted, in the order of receipt; twice if it came twice."""
        with self._lock:
            return list(self._accepted)

    def points(self) -> list[ReceivedPoint]:
        """Every histogram that was accepted, in the order of receipt; those of each export again."""
        with self._lock:
            return list(self._accepted_points)

    def requests(self) -> list[ReceivedRequest]:
        """Every request that came, also those that were not accepted."""
        with self._lock:
            return list(self._requests)

    def wait_for_spans(self, count: int, timeout_s: float = 10.0) -> list[ReceivedSpan]:
        """The accepted spans once there are `count`; fails after `timeout_s`."""
        ends_s = time.monotonic() + timeout_s
        while len(found := self.spans()) < count:
            assert time.monotonic() < ends_s, f"{len(found)} of {count} spans came within {timeout_s} s"
            time.sleep(0.005)
        return found

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Note a request and say how to answer it. Metrics have a path or service of their own."""
        is_metrics = "metrics" in path.lower()
        spans = () if is_metrics else decode_request(body)
        points = decode_metrics(body) if is_metrics else ()
        with self._lock:
            self._requests.append(
                ReceivedRequest(
                    path=path, headers=dict(headers), spans=spans, points=points, size_bytes=len(body), at_s=time.monotonic()
                )
            )
            answer = self._script.popleft() if self._script else self.judge(spans) if self.judge else Answer()
        if answer.delay_s:
            self._stopped.wait(answer.delay_s)
        if answer.accepts or answer.keeps:
            with self._lock:
                self._accepted.extend(spans)
                self._accepted_points.extend(points)
        return answer

    @property
    def _scheme(self) -> str:
        return "https" if self._certificate else "http"

    def _start_http(self) -> None:
        self._http = _HttpServer(("localhost", 0), _Handler)
        self._http.receiver = self
        if self._certificate:
            self._http.socket = _tls(self._certificate, self._client_ca).wrap_socket(self._http.socket, server_side=True)
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def _start_grpc(self) -> None:
        self._grpc = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", 4 * 1024 * 1024)])
        for service, path in GRPC_SERVICES.items():
            handler = grpc.unary_unary_rpc_method_handler(partial(self._export, path))
            self._grpc.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
        self._grpc_port = _bind_grpc(self._grpc, self._certificate, self._client_ca)
        self._grpc.start()

    def _export(self, path: str, body: bytes, context: Any) -> bytes:
        headers = dict(context.invocation_metadata())
        answer = self.take(path, headers, body)
        if answer.cut:
            context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        if not answer.accepts:
            if answer.retry_delay_s is not None:
                context.set_trailing_metadata((("grpc-status-details-bin", _retry_details(answer)),))
            context.abort(grpc.StatusCode[str(answer.status)], answer.message)
        return answer.response()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    receiver: OtlpReceiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that hangs up is part of the test."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HttpServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        answer = self.server.receiver.take(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        if answer.cut:
            self.close_connection = True
            return
        content = answer.response()
        self.send_response(int(answer.status))
        headers = {"content-type": "application/x-protobuf"} | dict(answer.headers) | {"content-length": str(len(content))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        """Nothing should ever come here: a redirect that was followed would."""
        self.server.receiver.take("GET " + self.path, {}, b"")
        self.send_error(405)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


def _retry_details(answer: Answer) -> bytes:
    assert answer.retry_delay_s is not None
    delay = Duration(seconds=int(answer.retry_delay_s), nanos=int(answer.retry_delay_s % 1 * 1e9))
    packed = PackedAny()
    packed.Pack(RetryInfo(retry_delay=delay))
    code: Any = grpc.StatusCode[str(answer.status)].value
    return Status(code=code[0], message=answer.message, details=[packed]).SerializeToString()


def _tls(certificate: tuple[str, str], client_ca: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_ca)
    context.load_cert_chain(*certificate)
    context.verify_mode = ssl.CERT_REQUIRED if client_ca else ssl.CERT_NONE
    return context


def _bind_grpc(server: Any, certificate: tuple[str, str] | None, client_ca: str | None) -> int:
    if certificate is None:
        return server.add_insecure_port("localhost:0")
    chain, key = (Path(path).read_bytes() for path in certificate)
    roots = Path(client_ca).read_bytes() if client_ca else None
    credentials = grpc.ssl_server_credentials([(key, chain)], roots, require_client_auth=client_ca is not None)
    return server.add_secure_port("localhost:0", credentials)
