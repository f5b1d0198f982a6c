"""
What an OTLP request says, decoded by the official protobuf classes: the tests' view of an exported span or histogram.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedSpan:
    """A span as a backend understands it. Ids are lower-case hex; `kind` and `status` are the names of the specification."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    start_ns: int
    end_ns: int
    status: str
    status_message: str
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]
    resource_schema_url: str
    scope: tuple[str, str]
    scope_schema_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedPoint:
    """One histogram as a backend understands it. `temporality` is the name of the specification; `least` None where not told."""

    metric: str
    unit: str
    description: str
    temporality: str
    attributes: Mapping[str, Any]
    start_ns: int
    at_ns: int
    count: int
    total: float
    least: float | None
    most: float | None
    boundaries: tuple[float, ...]
    buckets: tuple[int, ...]
    resource: Mapping[str, Any]
    scope: tuple[str, str]


def decode_metrics(body: bytes) -> tuple[ReceivedPoint, ...]:
    """The points of an ExportMetricsServiceRequest, in its order."""
    request = ExportMetricsServiceRequest.FromString(body)
    return tuple(
        _point(point, metric, scope_metrics, resource_metrics)
        for resource_metrics in request.resource_metrics
        for scope_metrics in resource_metrics.scope_metrics
        for metric in scope_metrics.metrics
        for point in metric.histogram.data_points
    )


def _point(point: Any, metric: Any, scope_metrics: Any, resource_metrics: Any) -> ReceivedPoint:
    return ReceivedPoint(
        metric=metric.name,
        unit=metric.unit,
        description=metric.description,
        temporality={1: "DELTA", 2: "CUMULATIVE"}[metric.histogram.aggregation_temporality],
        attributes=_attributes(point.attributes),
        start_ns=point.start_time_unix_nano,
        at_ns=point.time_unix_nano,
        count=point.count,
        total=point.sum,
        least=point.min if point.HasField("min") else None,
        most=point.max if point.HasField("max") else None,
        boundaries=tuple(point.explicit_bounds),
        buckets=tuple(point.bucket_counts),
        resource=_attributes(resource_metrics.resource.attributes),
        scope=(scope_metrics.scope.name, scope_metrics.scope.version),
    )


def decode_request(body: bytes) -> tuple[ReceivedSpan, ...]:
    """The spans of an ExportTraceServiceRequest."""
    request = ExportTraceServiceRequest.FromString(body)
    return tuple(
        _span(span, scope_spans, resource_spans)
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    )


def _span(span: Any, scope_spans: Any, resource_spans: Any) -> ReceivedSpan:
    return ReceivedSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex() or None,
        name=span.name,
        kind=span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        status=span.status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
        status_message=span.status.message,
        attributes=_attributes(span.attributes),
        resource=_attributes(resource_spans.resource.attributes),
        resource_schema_url=resource_spans.schema_url,
        scope=(scope_spans.scope.name, scope_spans.scope.version),
        scope_schema_url=scope_spans.schema_url,
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    match value.WhichOneof("value"):
        case "array_value":
            return [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return _attributes(value.kvlist_value.values)
        case None:
            return None
        case kind:
            return getattr(value, kind)
