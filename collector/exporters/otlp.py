"""
The OTLP exporter: encode once, join, send, and tell of every span what became of it.

Flow: pipeline -> **OtlpExporter** -> exporters.delivery -> transport -> an OpenTelemetry backend.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import structlog
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from collector.events import Resource
from collector.exporters.delivery import ALL_SPANS, Limits, deliver, next_request_spans
from collector.exporters.otlp_answers import Accepted, Answer
from collector.exporters.otlp_encoding import Envelope, encode_span
from collector.exporters.otlp_settings import OtlpSettings
from collector.exporters.otlp_transport import MAX_REQUEST_BYTES, open_transport
from collector.exporters.protocol import Outcome
from collector.spans import Span

log: Any = structlog.get_logger(__name__)

BUDGET_S = 5.0
"""For all requests of one `send`; one that has begun by then may still take its timeout."""
KEPT_ENVELOPES = 256


class OtlpExporter:
    """Spans to one OTLP endpoint."""

    destination = "otlp"

    def __init__(self, settings: OtlpSettings, *, max_request_bytes: int = MAX_REQUEST_BYTES, budget_s: float = BUDGET_S) -> None:
        self._transport = open_transport(settings, parse_response)
        self._max_request_bytes = max_request_bytes
        self._budget_s = budget_s
        # A request that begins within the budget, and has its timeout; with some room for the machine.
        self._longest_send_s = budget_s + settings.timeout_s + 2.0
        self._is_ending = False
        self._request_spans = ALL_SPANS
        self._envelopes: OrderedDict[str, Envelope] = OrderedDict()
        self._rejected_spans = 0

    @property
    def rejected_spans(self) -> int:
        return self._rejected_spans

    @property
    def longest_send_s(self) -> float:
        return self._longest_send_s

    def encode(self, span: Span) -> bytes:
        return encode_span(span)

    def send(self, resource: Resource, spans: Sequence[bytes]) -> list[Outcome]:
        envelope = self._envelope(resource)
        limits = Limits(
            request_bytes=self._max_request_bytes - envelope.size_bytes,
            budget_s=self._budget_s,
            request_spans=self._request_spans,
            is_ending=lambda: self._is_ending,
        )
        outcomes = deliver(spans, lambda part: self._post(envelope, part), limits=limits, monotonic_s=time.monotonic)
        self._request_spans = next_request_spans(self._request_spans, outcomes)
        return outcomes

    def wind_down(self) -> None:
        self._is_ending = True

    def close(self) -> None:
        self._transport.close()

    def _post(self, envelope: Envelope, spans: Sequence[bytes]) -> Answer:
        answer = self._transport.post(envelope.join_request(spans))
        if isinstance(answer, Accepted) and (answer.rejected or answer.message):
            self._rejected_spans += answer.rejected
            log.warning(
                "spans_rejected_by_backend",
                exporter=self.destination,
                rejected=answer.rejected,
                count=len(spans),
                message=answer.message,
            )
        return answer

    def _envelope(self, resource: Resource) -> Envelope:
        envelope = self._envelopes.get(resource.resource_id)
        if envelope is None:
            envelope = self._envelopes[resource.resource_id] = Envelope(_with_service(resource))
            if len(self._envelopes) > KEPT_ENVELOPES:
                self._envelopes.popitem(last=False)
        return envelope


def _with_service(resource: Resource) -> dict[str, Any]:
    """Backends file spans under the service's name, so there always is one."""
    return {"service.name": resource.service or "unknown_service"} | dict(resource.attributes)


def parse_response(body: bytes) -> Accepted:
    """What an ExportTraceServiceResponse says. Raises ValueError where it is none."""
    try:
        partial = ExportTraceServiceResponse.FromString(body).partial_success
    except DecodeError as exc:
        raise ValueError("not an ExportTraceServiceResponse") from exc
    return Accepted(rejected=max(partial.rejected_spans, 0), message=partial.error_message)
