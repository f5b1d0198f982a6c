"""
What tells the signals of OTLP apart: the names of their variables, where requests go, how an answer counts what was dropped.

Flow: **one row a signal** -> otlp_settings, transports, otlp_answers. Everything else about sending is the same for all.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One signal of the OTLP specification."""

    name: str
    """As in OTEL_EXPORTER_OTLP_<NAME>_ENDPOINT and OTEL_<NAME>_EXPORTER."""
    path: str
    """What is appended to the general endpoint with http/protobuf."""
    grpc_method: str
    json_rejected: str
    """The field of a partial success in an answer of JSON."""


TRACES = Signal(
    name="TRACES",
    path="/v1/traces",
    grpc_method="/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    json_rejected="rejectedSpans",
)
METRICS = Signal(
    name="METRICS",
    path="/v1/metrics",
    grpc_method="/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    json_rejected="rejectedDataPoints",
)
