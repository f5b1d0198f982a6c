"""
Opens the way to one OTLP endpoint, over HTTP or gRPC.

Flow: settings -> **transport** -> exporters.otlp, exporters.otlp_metrics.
"""

from collections.abc import Callable
from typing import Protocol

from collector.exporters.otlp_answers import Accepted, Answer, Reading
from collector.exporters.otlp_headers import without_secrets
from collector.exporters.otlp_settings import OtlpSettings

MAX_REQUEST_BYTES = 4 * 1024 * 1024
"""Before compression: what receivers take by default (gRPC's own limit, and that of most collectors)."""


class Transport(Protocol):
    """Posts one serialised request."""

    def post(self, request: bytes) -> Answer: ...

    def close(self) -> None: ...


def open_transport(settings: OtlpSettings, parse_response: Callable[[bytes], Accepted]) -> Transport:
    """`parse_response` reads the signal's own Export…ServiceResponse; ValueError where it is none."""
    secrets = tuple(settings.headers.values())
    reading = Reading(
        parse_response=parse_response,
        json_rejected=settings.signal.json_rejected,
        blot=lambda text: without_secrets(text, secrets),
    )
    if settings.protocol == "grpc":
        from collector.exporters.otlp_grpc import GrpcTransport

        return GrpcTransport(settings, reading)
    from collector.exporters.otlp_http import HttpTransport

    return HttpTransport(settings, reading)
