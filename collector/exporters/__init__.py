"""
The way out: one row an exporter, and opening those that are wanted.

Flow: pipeline -> **exporters** -> backends. They never see storage.
Importing this loads neither grpc nor the OpenTelemetry SDK; opening an exporter does.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from collector.errors import BadRequest
from collector.exporters.protocol import (
    Barred,
    Exporter,
    ExportSettings,
    Later,
    MetricsExporter,
    Outcome,
    Refused,
    Sent,
    Untried,
)
from collector.meter import Meter
from collector.spans import Span

__all__ = [
    "EXPORTERS",
    "Barred",
    "ExportSettings",
    "Exporter",
    "Later",
    "MetricsExporter",
    "Outcome",
    "Refused",
    "Sent",
    "Untried",
    "encoder_of",
    "open_exporters",
    "open_metrics",
]


def _open_otlp(settings: ExportSettings) -> Exporter | None:
    from collector.exporters.otlp_settings import read_otlp_settings

    otlp = read_otlp_settings(settings.environment)
    if otlp is None:
        return None
    from collector.exporters.otlp import OtlpExporter

    return OtlpExporter(otlp)


def _open_jsonl(settings: ExportSettings) -> Exporter | None:
    if settings.jsonl_path is None:
        return None
    from collector.exporters.jsonl import JsonlExporter

    return JsonlExporter(settings.jsonl_path)


EXPORTERS: Mapping[str, Callable[[ExportSettings], Exporter | None]] = MappingProxyType(
    {
        "otlp": _open_otlp,
        "jsonl": _open_jsonl,
    }
)
"""Destination -> what opens it; None where the settings do not ask for it."""


def encoder_of(destination: str) -> Callable[[Span], bytes]:
    """What encodes spans for a destination, without opening it. Raises BadRequest for one that nobody knows."""
    match destination:
        case "otlp":
            from collector.exporters.otlp_encoding import encode_span

            return encode_span
        case "jsonl":
            from collector.exporters.jsonl import encode_line

            return encode_line
        case _:
            raise BadRequest(f"no destination is called {destination[:40]!r}: there are {', '.join(EXPORTERS)}")


def open_exporters(settings: ExportSettings) -> tuple[Exporter, ...]:
    """Every exporter that the settings ask for. Raises WrongSettings, with the variable's name."""
    opened: list[Exporter] = []
    try:
        for open_exporter in EXPORTERS.values():
            exporter = open_exporter(settings)
            if exporter is not None:
                opened.append(exporter)
    except BaseException:
        for exporter in opened:
            exporter.close()
        raise
    return tuple(opened)


def open_metrics(environment: Mapping[str, str], meter: Meter) -> MetricsExporter | None:
    """What sends the meter's histograms, None where no endpoint is set or metrics are off. Raises WrongSettings."""
    from collector.exporters.otlp_settings import read_otlp_settings
    from collector.exporters.otlp_signals import METRICS

    otlp = read_otlp_settings(environment, METRICS)
    if otlp is None:
        return None
    from collector.exporters.otlp_metrics import OtlpMetrics, read_metrics_options

    return OtlpMetrics(meter, otlp, read_metrics_options(environment))
