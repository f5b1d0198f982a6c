"""
Spans as OTLP bytes, in pieces that join without encoding again.

Flow: Span -> **encode_span** -> kept in the work table -> **join_request** -> a backend.
A kept piece is a ScopeSpans message of one span. Protobuf messages of one type can be merged by putting their bytes one after
the other, so a request is the envelope of its resource with the pieces behind the scope. The envelope is made once, by the
official encoder; spans are many, and written here in a fraction of its time, to the same bytes (a test compares).
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
from collector.exporters.otlp_attributes import encode_attributes
from collector.exporters.protobuf import FIXED32, FIXED64, VARINT, delimited, tag, varint
from collector.spans import Span
from collector.version import installed_version

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
SCOPE_NAME = "hookline"

# Fields of opentelemetry.proto. Of Span, in the order in which they are sent; ids with their length.
_TRACE_ID, _SPAN_ID, _PARENT_SPAN_ID = tag(1) + varint(16), tag(2) + varint(8), tag(4) + varint(8)
_NAME = tag(5)
_CLIENT = tag(6, VARINT) + varint(SpanMessage.SPAN_KIND_CLIENT)
_INTERNAL = tag(6, VARINT) + varint(SpanMessage.SPAN_KIND_INTERNAL)
_START, _END = tag(7, FIXED64), tag(8, FIXED64)
_ATTRIBUTES = tag(9)
_STATUS = tag(15)
# Whether the parent is remote is known: it is not.
_FLAGS = tag(16, FIXED32) + SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK.to_bytes(4, "little")

_STATUS_MESSAGE = tag(2)
_STATUS_ERROR = tag(3, VARINT) + varint(Status.STATUS_CODE_ERROR)

# ScopeSpans.spans, ResourceSpans.{resource, scope_spans}, ExportTraceServiceRequest.resource_spans, and schema_url, which has one
# number in ResourceSpans and ScopeSpans.
_SPANS = tag(2)
_RESOURCE = tag(1)
_SCOPE_SPANS = tag(2)
_RESOURCE_SPANS = tag(1)
_SCHEMA_URL = tag(3)

_FOR_ENVELOPE = SpanContext(trace_id=1, span_id=1, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
_ERROR_STATUSES = frozenset({"error", "incomplete"})


def encode_span(span: Span) -> bytes:
    """A ScopeSpans message of this one span, as the official encoder writes it. Raises ValueError where its ids are unusable."""
    start_ns, end_ns = clean_times(span.start_ns, span.end_ns)
    fields = (
        _TRACE_ID + _id(span.trace_id, 32),
        _SPAN_ID + _id(span.span_id, 16),
        _PARENT_SPAN_ID + _id(span.parent_span_id, 16) if span.parent_span_id else b"",
        _text(_NAME, clean_text(span.name, 1024)),
        _CLIENT if span.is_client else _INTERNAL,
        _time(_START, start_ns),
        _time(_END, end_ns),
        encode_attributes(_ATTRIBUTES, span.attributes),
        delimited(_STATUS, _status(span) if span.status in _ERROR_STATUSES else b""),
        _FLAGS,
    )
    return delimited(_SPANS, b"".join(fields))


def _status(span: Span) -> bytes:
    message = clean_text(span.error_message or span.error_type or span.status, 4096)
    return _text(_STATUS_MESSAGE, message) + _STATUS_ERROR


def _text(tag: bytes, text: str) -> bytes:
    """As all of protobuf: a default is not sent."""
    return delimited(tag, text.encode()) if text else b""


def _time(tag: bytes, time_ns: int) -> bytes:
    return tag + time_ns.to_bytes(8, "little") if time_ns else b""


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
        self._resource = delimited(_RESOURCE, message.resource.SerializeToString(deterministic=True))
        self._scope = scope.SerializeToString(deterministic=True)
        self._schema_url = delimited(_SCHEMA_URL, SCHEMA_URL.encode())
        self.size_bytes = len(self._resource) + len(self._scope) + 2 * len(self._schema_url) + 32
        """What a request weighs beside its spans, at most."""

    def join_request(self, spans: Sequence[bytes]) -> bytes:
        """An ExportTraceServiceRequest with these encoded spans."""
        scope_spans = delimited(_SCOPE_SPANS, b"".join((self._scope, *spans, self._schema_url)))
        return delimited(_RESOURCE_SPANS, b"".join((self._resource, scope_spans, self._schema_url)))


@cache
def _scope() -> InstrumentationScope:
    return InstrumentationScope(name=SCOPE_NAME, version=installed_version(), schema_url=SCHEMA_URL)
