"""
Histograms as OTLP bytes, in pieces that join to a request.

Flow: meter's series -> **encode_series** -> exporters.otlp_metrics -> a backend.
A piece is a ResourceMetrics of one application and one metric, as a field of the request: protobuf messages of one type merge by
putting their bytes one after the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    AGGREGATION_TEMPORALITY_DELTA,
    HistogramDataPoint,
    Metric,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Histogram as HistogramMessage
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from collector.exporters.cleaning import Clean, clean_attributes
from collector.exporters.otlp_encoding import SCHEMA_URL, SCOPE_NAME, hookline_version
from collector.instruments import INSTRUMENTS
from collector.meter import Series

POINTS_PER_PIECE = 500
"""So that a piece fits any request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of an ExportMetricsServiceRequest, and what it tells."""

    series: Sequence[Series]
    encoded: bytes


def encode_series(series: Sequence[Series], *, now_ns: int, is_delta: bool) -> list[Piece]:
    """Pieces of an ExportMetricsServiceRequest. What has no values is left out."""
    groups: dict[tuple[str, str], list[Series]] = {}
    for one in series:
        if one.histogram.count:
            groups.setdefault((one.service, one.metric), []).append(one)
    return [
        Piece(series=part, encoded=_encoded(part, now_ns=now_ns, is_delta=is_delta))
        for group in groups.values()
        for part in (group[at : at + POINTS_PER_PIECE] for at in range(0, len(group), POINTS_PER_PIECE))
    ]


def _encoded(group: Sequence[Series], *, now_ns: int, is_delta: bool) -> bytes:
    instrument = INSTRUMENTS[group[0].metric]
    metric = Metric(
        name=instrument.name,
        unit=instrument.unit,
        description=instrument.description,
        histogram=HistogramMessage(
            aggregation_temporality=AGGREGATION_TEMPORALITY_DELTA if is_delta else AGGREGATION_TEMPORALITY_CUMULATIVE,
            data_points=[_point(one, instrument.boundaries, now_ns) for one in group],
        ),
    )
    scope = InstrumentationScope(name=SCOPE_NAME, version=hookline_version())
    message = ResourceMetrics(
        resource=Resource(attributes=_pairs(clean_attributes(group[0].resource))),
        scope_metrics=[ScopeMetrics(scope=scope, metrics=[metric], schema_url=SCHEMA_URL)],
        schema_url=SCHEMA_URL,
    )
    return ExportMetricsServiceRequest(resource_metrics=[message]).SerializeToString(deterministic=True)


def _point(series: Series, boundaries: Sequence[float], now_ns: int) -> HistogramDataPoint:
    histogram = series.histogram
    return HistogramDataPoint(
        attributes=_pairs(clean_attributes(dict(series.attributes))),
        start_time_unix_nano=series.start_ns,
        time_unix_nano=max(now_ns, series.start_ns),
        count=histogram.count,
        sum=histogram.total,
        min=histogram.least,
        max=histogram.most,
        bucket_counts=histogram.buckets,
        explicit_bounds=boundaries,
    )


def _pairs(attributes: Mapping[str, Clean]) -> list[KeyValue]:
    return [KeyValue(key=name, value=_value(value)) for name, value in attributes.items()]


def _value(value: Any) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)
        case Mapping():
            return AnyValue(kvlist_value=KeyValueList(values=_pairs(value)))  # pyright: ignore[reportUnknownArgumentType]
        case _:
            return AnyValue(array_value=ArrayValue(values=[_value(item) for item in value]))
