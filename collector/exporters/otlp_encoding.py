"""
Spans as OTLP bytes, by the official encoder, in pieces that join without encoding again.

Flow: Span -> **encode_span** -> kept in the work table -> **join_request** -> a backend.
A kept piece is a ScopeSpans message of one span. Protobuf messages of one type can be merged by putting their bytes one after
the other, so a request is the envelope of its resource with the pieces behind the scope.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans
from opentelemetry.sdk.resources import Resource as SdkResource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from collector.exporters.cleaning import clean_attributes, clean_text, clean_times
from collector.spans import Span

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
SCOPE_NAME = "hookline"

# Fields of opentelemetry.proto: ExportTraceServiceRequest.resource_spans, ResourceSpans.{resource, scope_spans}, and schema_url,
# which has one number in ResourceSpans and ScopeSpans.
_REQUEST_RESOURCE_SPANS = 1
_RESOURCE = 1
_SCOPE_SPANS = 2
_SCHEMA_URL = 3

# Making a resource costs more than making a span, and the one of a span is known only when it is sent.
_NO_RESOURCE = SdkResource({})
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_ERROR_STATUSES = frozenset({"error", "incomplete"})


def encode_span(span: Span) -> bytes:
    """A ScopeSpans message of this one span. Raises ValueError where its ids are unusable."""
    request = encode_spans([_readable(span)])
    encoded = request.resource_spans[0].scope_spans[0].spans[0]
    return ScopeSpans(spans=[encoded]).SerializeToString(deterministic=True)


def _readable(span: Span) -> ReadableSpan:
    start_ns, end_ns = clean_times(span.start_ns, span.end_ns)
    trace_id = _id(span.trace_id, 32)
    parent = _context(trace_id, _id(span.parent_span_id, 16)) if span.parent_span_id else None
    return ReadableSpan(
        name=clean_text(span.name, 1024),
        context=_context(trace_id, _id(span.span_id, 16)),
        parent=parent,
        resource=_NO_RESOURCE,
        attributes=clean_attributes(span.attributes),
        kind=SpanKind.CLIENT if span.is_client else SpanKind.INTERNAL,
        status=_status(span),
        start_time=start_ns,
        end_time=end_ns,
    )


def _context(trace_id: int, span_id: int) -> SpanContext:
    return SpanContext(trace_id=trace_id, span_id=span_id, is_remote=False, trace_flags=_SAMPLED)


def _id(text: str, digits: int) -> int:
    number = int(text, 16) if len(text) == digits else 0
    if number <= 0:
        raise ValueError("a span without usable ids can't be exported")
    return number


def _status(span: Span) -> Status:
    if span.status in _ERROR_STATUSES:
        return Status(StatusCode.ERROR, clean_text(span.error_message or span.error_type or span.status, 4096))
    return Status(StatusCode.UNSET)


class Envelope:
    """What a request says once: whose spans these are, and which library recorded them."""

    def __init__(self, attributes: Mapping[str, Any]) -> None:
        resource = SdkResource(dict[str, Any](clean_attributes(attributes)), SCHEMA_URL)
        bare = ReadableSpan(name="", context=_context(1, 1), resource=resource, instrumentation_scope=_scope())
        message = encode_spans([bare]).resource_spans[0]
        scope = ScopeSpans(scope=message.scope_spans[0].scope)
        self._resource = _field(_RESOURCE, message.resource.SerializeToString(deterministic=True))
        self._scope = scope.SerializeToString(deterministic=True)
        self._schema_url = _field(_SCHEMA_URL, SCHEMA_URL.encode())
        self.size_bytes = len(self._resource) + len(self._scope) + 2 * len(self._schema_url) + 32
        """What a request weighs beside its spans, at most."""

    def join_request(self, spans: Sequence[bytes]) -> bytes:
        """An ExportTraceServiceRequest with these encoded spans."""
        scope_spans = _field(_SCOPE_SPANS, b"".join((self._scope, *spans, self._schema_url)))
        return _field(_REQUEST_RESOURCE_SPANS, b"".join((self._resource, scope_spans, self._schema_url)))


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field (wire type 2)."""
    return bytes((number << 3 | 2,)) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)


@cache
def _scope() -> InstrumentationScope:
    return InstrumentationScope(name=SCOPE_NAME, version=hookline_version(), schema_url=SCHEMA_URL)


def hookline_version() -> str:
    """The installed version; "0" in a checkout that was never installed."""
    try:
        return metadata.version("hookline")
    except metadata.PackageNotFoundError:
        return "0"
