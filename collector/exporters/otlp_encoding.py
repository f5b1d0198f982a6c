"""
Spans as OTLP bytes, in pieces that join without encoding again.

Flow: Span -> **encode_span** -> kept in the work table -> **join_request** -> a backend.
A kept piece is a ScopeSpans message of one span. Protobuf messages of one type can be merged by putting their bytes one after
the other, so a request is the envelope of its resource with the pieces behind the scope. The envelope is made once, by the
official encoder; spans are many, and filled into the same messages in a third of its time, to the same bytes (a test compares).
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, SpanFlags, Status
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.sdk.resources import Resource as SdkResource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from collector.exporters.cleaning import clean_attributes, clean_text, clean_times
from collector.exporters.otlp_attributes import fill_attributes
from collector.spans import Span
from collector.version import installed_version

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
SCOPE_NAME = "hookline"

# Fields of opentelemetry.proto: ExportTraceServiceRequest.resource_spans, ResourceSpans.{resource, scope_spans}, and schema_url,
# which has one number in ResourceSpans and ScopeSpans.
_REQUEST_RESOURCE_SPANS = 1
_RESOURCE = 1
_SCOPE_SPANS = 2
_SCHEMA_URL = 3

_FOR_ENVELOPE = SpanContext(trace_id=1, span_id=1, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
_ERROR_STATUSES = frozenset({"error", "incomplete"})


def encode_span(span: Span) -> bytes:
    """A ScopeSpans message of this one span, as the official encoder writes it. Raises ValueError where its ids are unusable."""
    message = ScopeSpans()
    _fill(message.spans.add(), span)
    return message.SerializeToString(deterministic=True)


def _fill(message: SpanMessage, span: Span) -> None:
    message.trace_id = _id(span.trace_id, 32)
    message.span_id = _id(span.span_id, 16)
    if span.parent_span_id:
        message.parent_span_id = _id(span.parent_span_id, 16)
    message.name = clean_text(span.name, 1024)
    message.kind = SpanMessage.SPAN_KIND_CLIENT if span.is_client else SpanMessage.SPAN_KIND_INTERNAL
    message.start_time_unix_nano, message.end_time_unix_nano = clean_times(span.start_ns, span.end_ns)
    # Whether the parent is remote is known: it is not.
    message.flags = SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
    fill_attributes(message, span.attributes)
    message.status.SetInParent()
    if span.status in _ERROR_STATUSES:
        message.status.code = Status.STATUS_CODE_ERROR
        message.status.message = clean_text(span.error_message or span.error_type or span.status, 4096)


def _id(text: str, digits: int) -> bytes:
    number = int(text, 16) if len(text) == digits else 0
    if number <= 0:
        raise ValueError("a span without usable ids can't be exported")
    return number.to_bytes(digits // 2, "big")


class Envelope:
    """What a request says once: whose spans these are, and which library recorded them."""

    def __init__(self, attributes: Mapping[str, Any]) -> None:
        resource = SdkResource(dict[str, Any](clean_attributes(attributes)), SCHEMA_URL)
        bare = ReadableSpan(name="", context=_FOR_ENVELOPE, resource=resource, instrumentation_scope=_scope())
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
    """A length-delimited field of protobuf (wire type 2)."""
    digits, left = bytearray(), len(content)
    while left > 0x7F:
        digits.append(left & 0x7F | 0x80)
        left >>= 7
    digits.append(left)
    return bytes((number << 3 | 2,)) + bytes(digits) + content


@cache
def _scope() -> InstrumentationScope:
    return InstrumentationScope(name=SCOPE_NAME, version=installed_version(), schema_url=SCHEMA_URL)
