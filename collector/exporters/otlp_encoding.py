"""
Spans as OTLP bytes, in pieces that join without encoding again.

Flow: Span -> **encode_span** -> kept in the work table -> **join_request** -> a backend.
A kept piece is a ScopeSpans message of one span. Protobuf messages of one type can be merged by putting their bytes one after
the other, so a request is the envelope of its resource with the pieces behind the scope. The envelope is made once, by the
official encoder; spans are many and written straight away, to the same bytes (a test compares).
"""

import struct
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans
from opentelemetry.sdk.resources import Resource as SdkResource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from collector.exporters.cleaning import clean_attributes, clean_text, clean_times
from collector.exporters.otlp_wire import as_field, as_text_field, encode_attributes
from collector.spans import Span

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
SCOPE_NAME = "hookline"

# Fields of opentelemetry.proto: ExportTraceServiceRequest.resource_spans, ResourceSpans.{resource, scope_spans}, and schema_url,
# which has one number in ResourceSpans and ScopeSpans.
_REQUEST_RESOURCE_SPANS = 1
_RESOURCE = 1
_SCOPE_SPANS = 2
_SCHEMA_URL = 3

# Fields of Span, its constant parts written out: kind, status, and flags (fixed32: whether the parent is remote is known: no).
_SCOPE_SPANS_SPANS = 2
_SPAN_ATTRIBUTES = 9
_SPAN_STATUS = 15
_INTERNAL, _CLIENT = b"\x30\x01", b"\x30\x03"
_START_TIME, _END_TIME = b"\x39", b"\x41"
_TIME = struct.Struct("<cQ")
_STATUS_UNSET, _STATUS_ERROR = b"\x7a\x00", b"\x18\x02"
_FLAGS = b"\x85\x01\x00\x01\x00\x00"
_FOR_ENVELOPE = SpanContext(trace_id=1, span_id=1, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
_ERROR_STATUSES = frozenset({"error", "incomplete"})


def encode_span(span: Span) -> bytes:
    """A ScopeSpans message of this one span, as the official encoder writes it. Raises ValueError where its ids are unusable."""
    start_ns, end_ns = clean_times(span.start_ns, span.end_ns)
    return as_field(
        _SCOPE_SPANS_SPANS,
        b"".join(
            (
                as_field(1, _id(span.trace_id, 32)),
                as_field(2, _id(span.span_id, 16)),
                as_field(4, _id(span.parent_span_id, 16)) if span.parent_span_id else b"",
                as_text_field(5, clean_text(span.name, 1024)) if span.name else b"",
                _CLIENT if span.is_client else _INTERNAL,
                _time(_START_TIME, start_ns),
                _time(_END_TIME, end_ns),
                encode_attributes(_SPAN_ATTRIBUTES, span.attributes),
                _status(span),
                _FLAGS,
            )
        ),
    )


def _id(text: str, digits: int) -> bytes:
    number = int(text, 16) if len(text) == digits else 0
    if number <= 0:
        raise ValueError("a span without usable ids can't be exported")
    return number.to_bytes(digits // 2, "big")


def _time(tag: bytes, time_ns: int) -> bytes:
    # Fields that are zero are left out, as everywhere in proto3.
    return _TIME.pack(tag, time_ns) if time_ns else b""


def _status(span: Span) -> bytes:
    if span.status not in _ERROR_STATUSES:
        return _STATUS_UNSET
    message = clean_text(span.error_message or span.error_type or span.status, 4096)
    return as_field(_SPAN_STATUS, as_text_field(2, message) + _STATUS_ERROR)


class Envelope:
    """What a request says once: whose spans these are, and which library recorded them."""

    def __init__(self, attributes: Mapping[str, Any]) -> None:
        resource = SdkResource(dict[str, Any](clean_attributes(attributes)), SCHEMA_URL)
        bare = ReadableSpan(name="", context=_FOR_ENVELOPE, resource=resource, instrumentation_scope=_scope())
        message = encode_spans([bare]).resource_spans[0]
        scope = ScopeSpans(scope=message.scope_spans[0].scope)
        self._resource = as_field(_RESOURCE, message.resource.SerializeToString(deterministic=True))
        self._scope = scope.SerializeToString(deterministic=True)
        self._schema_url = as_field(_SCHEMA_URL, SCHEMA_URL.encode())
        self.size_bytes = len(self._resource) + len(self._scope) + 2 * len(self._schema_url) + 32
        """What a request weighs beside its spans, at most."""

    def join_request(self, spans: Sequence[bytes]) -> bytes:
        """An ExportTraceServiceRequest with these encoded spans."""
        scope_spans = as_field(_SCOPE_SPANS, b"".join((self._scope, *spans, self._schema_url)))
        return as_field(_REQUEST_RESOURCE_SPANS, b"".join((self._resource, scope_spans, self._schema_url)))


@cache
def _scope() -> InstrumentationScope:
    return InstrumentationScope(name=SCOPE_NAME, version=hookline_version(), schema_url=SCHEMA_URL)


def hookline_version() -> str:
    """The installed version; "0" in a checkout that was never installed."""
    try:
        return metadata.version("hookline")
    except metadata.PackageNotFoundError:
        return "0"
