"""
OTLP bytes: kept pieces join to what the official encoder makes of all spans at once.
"""

from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.exporters.otlp_encoding import Envelope, encode_span
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
