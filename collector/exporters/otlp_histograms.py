"""
Histograms as OTLP bytes, in pieces that join to a request.

Flow: meter's series -> **encode_series** -> exporters.otlp_metrics -> a backend.
A piece is a ResourceMetrics of one application and one metric, as a field of the request: protobuf messages of one type merge by
putting their bytes one after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    AGGREGATION_TEMPORALITY_DELTA,
    HistogramDataPoint,
    Metric,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Histogram as HistogramMessage

from collector.exporters.otlp_attributes import fill_attributes
from collector.exporters.otlp_encoding import SCHEMA_URL, SCOPE_NAME
from collector.instruments import INSTRUMENTS
from collector.meter import Series
from collector.version import installed_version

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
    scope = InstrumentationScope(name=SCOPE_NAME, version=installed_version())
    message = ResourceMetrics(
        scope_metrics=[ScopeMetrics(scope=scope, metrics=[metric], schema_url=SCHEMA_URL)],
        schema_url=SCHEMA_URL,
    )
    # Also one without an attribute is told.
    message.resource.SetInParent()
    fill_attributes(message.resource, group[0].resource)
    return ExportMetricsServiceRequest(resource_metrics=[message]).SerializeToString(deterministic=True)


def _point(series: Series, boundaries: Sequence[float], now_ns: int) -> HistogramDataPoint:
    histogram = series.histogram
    point = HistogramDataPoint(
        start_time_unix_nano=series.start_ns,
        time_unix_nano=max(now_ns, series.start_ns),
        count=histogram.count,
        sum=histogram.total,
        min=histogram.least,
        max=histogram.most,
        bucket_counts=histogram.buckets,
        explicit_bounds=boundaries,
    )
    fill_attributes(point, dict(series.attributes))
    return point
