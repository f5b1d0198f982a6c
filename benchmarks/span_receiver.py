"""
A backend for spans in a process of its own: takes OTLP over HTTP and notes when each span came.

    python -m benchmarks.span_receiver        # prints its port; GET /spans tells {span id: Unix ms of receipt}

It answers first and looks afterwards, so that what it notes costs the sender nothing.
"""

import gzip
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

RECEIVED: dict[str, float] = {}
REPEATED = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        at_ms = time.time() * 1000
        self._answer(b"", "application/x-protobuf")
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path.endswith("traces"):
            _note(body, at_ms)

    def do_GET(self) -> None:
        self._answer(json.dumps({"spans": RECEIVED, "repeated": REPEATED}).encode(), "application/json")

    def _answer(self, content: bytes, media_type: str) -> None:
        self.send_response(200)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


def _note(body: bytes, at_ms: float) -> None:
    global REPEATED
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                key = span.span_id.hex()
                REPEATED += key in RECEIVED
                RECEIVED.setdefault(key, at_ms)


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
