"""
The standard OTEL_EXPORTER_OTLP_* variables, read as the OTLP exporter specification says.

Flow: environment -> **settings of one OTLP exporter** -> exporters.otlp.
Pure but for looking whether named files can be read. A variable for traces (OTEL_EXPORTER_OTLP_TRACES_*) wins over the general
one and replaces it whole; an empty variable counts as not set.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from collector.errors import WrongSettings
from collector.exporters.otlp_headers import read_headers

Protocol = Literal["http/protobuf", "grpc"]
Compression = Literal["gzip", "none"]

DEFAULT_TIMEOUT_MS = 10_000
TRACES_PATH = "/v1/traces"
GRPC_PORT = 4317


@dataclass(frozen=True, slots=True, kw_only=True)
class OtlpSettings:
    """Where and how to send. For gRPC `endpoint` is what a channel takes (host:port), else a URL. Secrets stay out of repr."""

    protocol: Protocol
    endpoint: str = field(repr=False)
    is_secure: bool
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    timeout_s: float = DEFAULT_TIMEOUT_MS / 1000
    compression: Compression = "none"
    certificate: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A variable that is set: its name is what an error has to say."""

    name: str
    value: str

    @property
    def is_for_traces(self) -> bool:
        return "_TRACES_" in self.name


def read_otlp_settings(environment: Mapping[str, str]) -> OtlpSettings | None:
    """The settings, or None where no endpoint is set: then nothing is sent. Raises WrongSettings."""
    endpoint = _find(environment, "ENDPOINT")
    if endpoint is None:
        return None
    protocol = _protocol(environment)
    headers = read_headers(*_name_and_value(environment, "HEADERS"))
    if protocol == "grpc":
        target, is_secure = _grpc_target(endpoint, environment)
    else:
        target, is_secure, login = _http_url(endpoint)
        headers = ({"authorization": login} if login else {}) | headers
    client_certificate = _file(environment, "CLIENT_CERTIFICATE")
    client_key = _file(environment, "CLIENT_KEY")
    if client_key is not None and client_certificate is None:
        raise WrongSettings("OTEL_EXPORTER_OTLP_CLIENT_KEY is set without OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: set both.")
    return OtlpSettings(
        protocol=protocol,
        endpoint=target,
        is_secure=is_secure,
        headers=headers,
        timeout_s=_timeout_s(environment),
        compression=_compression(environment),
        certificate=_file(environment, "CERTIFICATE"),
        client_certificate=client_certificate,
        client_key=client_key,
    )


def _find(environment: Mapping[str, str], option: str) -> _Found | None:
    for name in (f"OTEL_EXPORTER_OTLP_TRACES_{option}", f"OTEL_EXPORTER_OTLP_{option}"):
        value = environment.get(name, "").strip()
        if value:
            return _Found(name=name, value=value)
    return None


def _name_and_value(environment: Mapping[str, str], option: str) -> tuple[str, str]:
    found = _find(environment, option)
    return (found.name, found.value) if found else (f"OTEL_EXPORTER_OTLP_{option}", "")


def _protocol(environment: Mapping[str, str]) -> Protocol:
    found = _find(environment, "PROTOCOL")
    match found.value.lower() if found else "http/protobuf":
        case "http/protobuf":
            return "http/protobuf"
        case "grpc":
            return "grpc"
        case other:
            name = found.name if found else ""
            raise WrongSettings(f"{name}: {other[:40]!r} is not spoken here: set http/protobuf or grpc.")


def _compression(environment: Mapping[str, str]) -> Compression:
    found = _find(environment, "COMPRESSION")
    match found.value.lower() if found else "none":
        case "none":
            return "none"
        case "gzip":
            return "gzip"
        case other:
            name = found.name if found else ""
            raise WrongSettings(f"{name}: {other[:40]!r} is not known: set gzip or none.")


def _timeout_s(environment: Mapping[str, str]) -> float:
    found = _find(environment, "TIMEOUT")
    if found is None:
        return DEFAULT_TIMEOUT_MS / 1000
    # The specification counts milliseconds; the Python SDK, against it, seconds. A fraction can only mean the latter.
    if not (found.value.isascii() and found.value.isdecimal()) or int(found.value) == 0:
        raise WrongSettings(f"{found.name}: {found.value[:40]!r} is no time: set whole milliseconds, 10000 for ten seconds.")
    return min(int(found.value), 600_000) / 1000


def _file(environment: Mapping[str, str], option: str) -> Path | None:
    found = _find(environment, option)
    if found is None:
        return None
    path = Path(found.value)
    try:
        with path.open("rb"):
            return path
    except OSError as exc:
        raise WrongSettings(f"{found.name}: can't read {path}: {exc.strerror}. Set the path of a PEM file.") from None


def _split(endpoint: _Found) -> SplitResult:
    """The endpoint's parts; the value itself stays out of messages: it may hold a password."""
    try:
        parts = urlsplit(endpoint.value)
        _ = parts.port
    except ValueError:
        raise WrongSettings(f"{endpoint.name} is not a URL: set something like http://localhost:4318.") from None
    return parts


def _http_url(endpoint: _Found) -> tuple[str, bool, str | None]:
    """URL, whether it is https, and the Authorization header that a name and password in the URL stand for."""
    parts = _split(endpoint)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise WrongSettings(f"{endpoint.name} must be an http or https URL, like http://localhost:4318.")
    path = parts.path if endpoint.is_for_traces else parts.path.rstrip("/") + TRACES_PATH
    host = parts.netloc.rpartition("@")[2]
    url = urlunsplit((parts.scheme.lower(), host, path or "/", parts.query, ""))
    return url, parts.scheme.lower() == "https", _login(parts)


def _login(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _grpc_target(endpoint: _Found, environment: Mapping[str, str]) -> tuple[str, bool]:
    """What to dial, and whether with TLS: an http or https scheme decides, else OTEL_EXPORTER_OTLP_INSECURE does."""
    if "://" in endpoint.value and endpoint.value.lower().startswith(("http:", "https:")):
        parts = _split(endpoint)
        if not parts.hostname:
            raise WrongSettings(f"{endpoint.name} has no host: set something like http://localhost:4317.")
        is_secure = parts.scheme.lower() == "https"
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{host}:{parts.port or (443 if is_secure else GRPC_PORT)}", is_secure
    return endpoint.value, not _is_insecure(environment)


def _is_insecure(environment: Mapping[str, str]) -> bool:
    found = _find(environment, "INSECURE")
    match found.value.lower() if found else "false":
        case "true":
            return True
        case "false":
            return False
        case other:
            name = found.name if found else ""
            raise WrongSettings(f"{name}: {other[:40]!r} is neither true nor false.")
