"""
One OTLP request over gRPC, and the backend's answer as it came.

Flow: exporters.otlp -> **Export** -> exporters.otlp_answers.
A stub of our own over bytes that are encoded already: the official exporter throws the answer away and retries on its own clock.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from collector.exporters.otlp_answers import Answer, Away, Reading, read_grpc_failure, read_success
from collector.exporters.otlp_settings import OtlpSettings

# Left alone, a channel waits up to two minutes between attempts to connect; when to try is the pipeline's to say.
_OPTIONS: Sequence[tuple[str, Any]] = (
    ("grpc.primary_user_agent", "hookline-otlp"),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # Nobody repeats a request but the pipeline, also where a name server's text record wishes otherwise.
    ("grpc.enable_retries", 0),
    ("grpc.service_config_disable_resolution", 1),
)


class GrpcTransport:
    """A channel to one backend."""

    def __init__(self, settings: OtlpSettings, reading: Reading) -> None:
        self._settings = settings
        self._reading = reading
        self._channel = _open_channel(settings)
        self._metadata = tuple((name, _value(name, value)) for name, value in settings.headers.items())
        self._export: Callable[..., bytes] = self._channel.unary_unary(
            settings.signal.grpc_method, request_serializer=None, response_deserializer=None
        )  # pyright: ignore[reportUnknownMemberType]

    def post(self, request: bytes) -> Answer:
        """Send a serialised request. What the network does is an answer too."""
        try:
            response = self._export(request, timeout=self._settings.timeout_s, metadata=self._metadata)
        except grpc.RpcError as exc:
            return self._failure(exc)
        except ValueError:
            return Away(reason="the channel was closed")
        return read_success("", response, self._reading)

    def close(self) -> None:
        self._channel.close()

    def _failure(self, exc: grpc.RpcError) -> Answer:
        code: Any = exc.code()
        details: Any = exc.details()
        trailers: Any = exc.trailing_metadata()
        delay_s = read_retry_delay({str(name): value for name, value in trailers or ()})
        return read_grpc_failure(code.name if code else "UNKNOWN", details or "", retry_delay_s=delay_s, reading=self._reading)


def read_retry_delay(trailers: Mapping[str, Any]) -> float | None:
    """Seconds of the RetryInfo among the status details, or in a trailer of its own as some servers send it."""
    info = RetryInfo()
    try:
        if own := trailers.get("google.rpc.retryinfo-bin"):
            info.ParseFromString(own)
            return _seconds(info)
        for detail in Status.FromString(trailers.get("grpc-status-details-bin", b"")).details:
            if detail.Unpack(info):
                return _seconds(info)
    except (DecodeError, TypeError):
        return None
    return None


def _seconds(info: RetryInfo) -> float:
    return info.retry_delay.seconds + info.retry_delay.nanos / 1e9


def _value(name: str, value: str) -> str | bytes:
    return value.encode() if name.endswith("-bin") else value


def _open_channel(settings: OtlpSettings) -> grpc.Channel:
    compression = grpc.Compression.Gzip if settings.compression == "gzip" else grpc.Compression.NoCompression
    if not settings.is_secure:
        return grpc.insecure_channel(settings.endpoint, options=_OPTIONS, compression=compression)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=_content(settings.certificate),
        private_key=_content(settings.client_key or settings.client_certificate),
        certificate_chain=_content(settings.client_certificate),
    )
    return grpc.secure_channel(settings.endpoint, credentials, options=_OPTIONS, compression=compression)


def _content(path: Path | None) -> bytes | None:
    return path.read_bytes() if path else None
