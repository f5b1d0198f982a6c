"""
OTLP bytes: kept pieces join to what the official encoder makes of all spans at once.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from collector.exporters.cleaning import clean_attributes, clean_text, clean_times
from collector.exporters.otlp_encoding import Envelope, encode_span
from collector.spans import Span
from tests.fakes.otlp_decoding import decode_request
from tests.fakes.spans import a_span


def test_joined_pieces_are_one_request() -> None:
    """
    One resource, one scope, all spans in order; also where lengths take several bytes.
    """
    spans = [a_span(n, attributes={"text": "x" * (n * 100)}) for n in range(1, 200)]
    body = Envelope({"service.name": "shop"}).join_request([encode_span(span) for span in spans])

    request = ExportTraceServiceRequest.FromString(body)
    assert 1 == len(request.resource_spans)
    assert 1 == len(request.resource_spans[0].scope_spans)
    assert [span.span_id for span in spans] == [span.span_id for span in decode_request(body)]
    assert request.SerializeToString(deterministic=True) == body


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [("ok", "UNSET", ""), ("aborted", "UNSET", ""), ("error", "ERROR", "why"), ("incomplete", "ERROR", "why")],
)
def test_status(status: str, code: str, message: str) -> None:
    """
    ERROR with a description for an error and for a call without an end; else UNSET.
    """
    (span,) = decode_request(Envelope({}).join_request([encode_span(a_span(status=status, error_message="why"))]))

    assert (code, message) == (span.status, span.status_message)


def test_internal_kind() -> None:
    """
    What does not leave the process is INTERNAL.
    """
    (span,) = decode_request(Envelope({}).join_request([encode_span(a_span(is_client=False))]))

    assert "INTERNAL" == span.kind


@pytest.mark.parametrize("ids", [{"trace_id": "0" * 32}, {"span_id": "xyz"}, {"span_id": "1"}, {"parent_span_id": "0" * 16}])
def test_unusable_ids(ids: dict[str, Any]) -> None:
    """
    All zeros, no hex, wrong length: ValueError.
    """
    with pytest.raises(ValueError):
        encode_span(a_span(**ids))


def test_largest_span_fits_a_request() -> None:
    """
    Whatever its attributes are, a span is smaller than what receivers take.
    """
    attributes = {f"a{n:03}": "\U0001f600" * 300_000 for n in range(40)} | {"list": ["\U0001f600" * 300_000] * 50}

    assert len(encode_span(a_span(attributes=attributes))) < 4_000_000


_TEXTS = st.one_of(st.text(max_size=200), st.sampled_from(["", "chat", "\0", "\ud800", "x" * 127, "x" * 128, "x" * 5000]))
_PLAIN = st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), _TEXTS, st.binary(max_size=9))
_VALUES = st.recursive(
    _PLAIN, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_TEXTS, inner, max_size=3)), max_leaves=6
)
_TIMES = st.integers(-5, 2**65)


@settings(deadline=None)
@given(
    attributes=st.dictionaries(_TEXTS, _VALUES, max_size=5),
    name=_TEXTS,
    status=st.sampled_from(["ok", "error"]),
    message=st.none() | _TEXTS,
    parent=st.sampled_from([None, "b7ad6b7169203331"]),
    is_client=st.booleans(),
    times=st.tuples(_TIMES, _TIMES),
)
def test_a_span_is_what_the_official_encoder_makes(
    attributes: dict[str, Any], name: str, status: str, message: str | None, parent: str | None, is_client: bool,
    times: tuple[int, int],
) -> None:  # fmt: skip
    """
    Byte for byte, whatever is in it.
    """
    span = a_span(
        attributes=attributes, name=name, status=status, error_message=message, parent_span_id=parent, is_client=is_client,
        start_ns=times[0], end_ns=times[1],
    )  # fmt: skip

    assert _officially(span) == encode_span(span)


def test_many_attributes_are_what_the_official_encoder_makes() -> None:
    """
    More of them than a usual span has, also where they have to be shortened together.
    """
    for count, chars in ((63, 4096), (65, 4096), (300, 4000)):
        span = a_span(attributes={f"name-{n}": "x" * chars for n in range(count)})
        assert _officially(span) == encode_span(span)


def _officially(span: Span) -> bytes:
    start_ns, end_ns = clean_times(span.start_ns, span.end_ns)
    trace_id = int(span.trace_id, 16)
    is_error = span.status == "error"
    message = clean_text(span.error_message or span.error_type or span.status, 4096)
    made = ReadableSpan(
        name=clean_text(span.name, 1024),
        context=_context(trace_id, span.span_id),
        parent=_context(trace_id, span.parent_span_id) if span.parent_span_id else None,
        resource=Resource({}),
        attributes=clean_attributes(span.attributes),
        kind=SpanKind.CLIENT if span.is_client else SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR, message) if is_error else Status(StatusCode.UNSET),
        start_time=start_ns,
        end_time=end_ns,
    )
    encoded = encode_spans([made]).resource_spans[0].scope_spans[0].spans[0]
    return ScopeSpans(spans=[encoded]).SerializeToString(deterministic=True)


def _context(trace_id: int, span_id: str) -> SpanContext:
    return SpanContext(trace_id=trace_id, span_id=int(span_id, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
