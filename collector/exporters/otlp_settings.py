"""
The standard OTEL_EXPORTER_OTLP_* variables, read as the OTLP exporter specification says.

Flow: environment -> **settings of one OTLP exporter** -> exporters.otlp.
Pure but for looking whether named files can be read. A variable for one signal (OTEL_EXPORTER_OTLP_TRACES_*) wins over the
general one and replaces it whole; an empty variable counts as not set. OTEL_TRACES_EXPORTER=none switches a signal off.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from collector.errors import WrongSettings
from collector.exporters.otlp_headers import read_headers
from collector.exporters.otlp_signals import TRACES, Signal

T = TypeVar("T")
Protocol = Literal["http/protobuf", "grpc"]
Compression = Literal["gzip", "none"]

DEFAULT_TIMEOUT_MS = 10_000
GRPC_PORT = 4317
BASE = "OTEL_EXPORTER_OTLP_"
EXPORTER_NAMES = frozenset({"otlp", "none", "console", "logging", "prometheus", "zipkin", "jaeger"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OtlpSettings:
    """Where and how to send. For gRPC `endpoint` is what a channel takes (host:port), else a URL. Secrets stay out of repr."""

    signal: Signal
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
    is_of_signal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variables:
    """The environment as one signal sees it."""

    environment: Mapping[str, str]
    signal: Signal

    def find(self, option: str) -> _Found | None:
        for prefix, is_of_signal in ((f"{BASE}{self.signal.name}_", True), (BASE, False)):
            value = self.environment.get(prefix + option, "").strip()
            if value:
                return _Found(name=prefix + option, value=value, is_of_signal=is_of_signal)
        return None


def read_otlp_settings(environment: Mapping[str, str], signal: Signal = TRACES) -> OtlpSettings | None:
    """The settings, or None where no endpoint is set or the signal is switched off. Raises WrongSettings."""
    variables = _Variables(environment=environment, signal=signal)
    endpoint = variables.find("ENDPOINT")
    if endpoint is None or not _sends_otlp(variables):
        return None
    protocol = _protocol(variables)
    headers = read_headers(*_name_and_value(variables, "HEADERS"))
    if protocol == "grpc":
        target, is_secure = _grpc_target(endpoint, variables)
    else:
        target, is_secure, login = _http_url(endpoint, signal)
        headers = ({"authorization": login} if login else {}) | headers
    client_certificate = _file(variables, "CLIENT_CERTIFICATE")
    client_key = _file(variables, "CLIENT_KEY")
    if client_key is not None and client_certificate is None:
        raise WrongSettings("OTEL_EXPORTER_OTLP_CLIENT_KEY is set without OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: set both.")
    return OtlpSettings(
        signal=signal,
        protocol=protocol,
        endpoint=target,
        is_secure=is_secure,
        headers=headers,
        timeout_s=_timeout_s(variables),
        compression=_compression(variables),
        certificate=_file(variables, "CERTIFICATE"),
        client_certificate=client_certificate,
        client_key=client_key,
    )


def told_endpoint(environment: Mapping[str, str], signal: Signal = TRACES) -> tuple[str, Protocol] | None:
    """Where a signal goes, as it was set, and how; None where nothing goes out. Raises WrongSettings."""
    variables = _Variables(environment=environment, signal=signal)
    endpoint = variables.find("ENDPOINT")
    return None if endpoint is None or not _sends_otlp(variables) else (endpoint.value, _protocol(variables))


def _sends_otlp(variables: _Variables) -> bool:
    """OTEL_<SIGNAL>_EXPORTER: a list of names. We know OTLP; what others say is for the SDKs of other programs."""
    name = f"OTEL_{variables.signal.name}_EXPORTER"
    value = variables.environment.get(name, "").strip().lower() or "otlp"
    wanted = {part.strip() for part in value.split(",")}
    if unknown := wanted - EXPORTER_NAMES:
        raise WrongSettings(f"{name}: {min(unknown)[:40]!r} is not known: set otlp, or none for no export.")
    return "otlp" in wanted


def _name_and_value(variables: _Variables, option: str) -> tuple[str, str]:
    found = variables.find(option)
    return (found.name, found.value) if found else (BASE + option, "")


def _choice(variables: _Variables, option: str, choices: Mapping[str, T], default: T, *, wrong: str) -> T:
    """What one of a few words stands for."""
    found = variables.find(option)
    if found is None:
        return default
    word = found.value.lower()
    if word not in choices:
        raise WrongSettings(f"{found.name}: {word[:40]!r} {wrong}.")
    return choices[word]


_PROTOCOLS: Mapping[str, Protocol] = {"http/protobuf": "http/protobuf", "grpc": "grpc"}
_COMPRESSIONS: Mapping[str, Compression] = {"none": "none", "gzip": "gzip"}


def _protocol(variables: _Variables) -> Protocol:
    return _choice(variables, "PROTOCOL", _PROTOCOLS, "http/protobuf", wrong="is not spoken here: set http/protobuf or grpc")


def _compression(variables: _Variables) -> Compression:
    return _choice(variables, "COMPRESSION", _COMPRESSIONS, "none", wrong="is not known: set gzip or none")


def _timeout_s(variables: _Variables) -> float:
    found = variables.find("TIMEOUT")
    if found is None:
        return DEFAULT_TIMEOUT_MS / 1000
    # The specification counts milliseconds; the Python SDK, against it, seconds. A fraction can only mean the latter.
    if not (found.value.isascii() and found.value.isdecimal()) or int(found.value) == 0:
        raise WrongSettings(f"{found.name}: {found.value[:40]!r} is no time: set whole milliseconds, 10000 for ten seconds.")
    return min(int(found.value), 600_000) / 1000


def _file(variables: _Variables, option: str) -> Path | None:
    found = variables.find(option)
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


def _http_url(endpoint: _Found, signal: Signal) -> tuple[str, bool, str | None]:
    """URL, whether it is https, and the Authorization header that a name and password in the URL stand for."""
    parts = _split(endpoint)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise WrongSettings(f"{endpoint.name} must be an http or https URL, like http://localhost:4318.")
    path = parts.path if endpoint.is_of_signal else parts.path.rstrip("/") + signal.path
    host = parts.netloc.rpartition("@")[2]
    url = urlunsplit((parts.scheme.lower(), host, path or "/", parts.query, ""))
    return url, parts.scheme.lower() == "https", _login(parts)


def _login(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _grpc_target(endpoint: _Found, variables: _Variables) -> tuple[str, bool]:
    """What to dial, and whether with TLS: an http or https scheme decides, else OTEL_EXPORTER_OTLP_INSECURE does."""
    if "://" in endpoint.value and endpoint.value.lower().startswith(("http:", "https:")):
        parts = _split(endpoint)
        if not parts.hostname:
            raise WrongSettings(f"{endpoint.name} has no host: set something like http://localhost:4317.")
        is_secure = parts.scheme.lower() == "https"
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{host}:{parts.port or (443 if is_secure else GRPC_PORT)}", is_secure
    return endpoint.value, not _is_insecure(variables)


def _is_insecure(variables: _Variables) -> bool:
    return _choice(variables, "INSECURE", {"true": True, "false": False}, False, wrong="is neither true nor false")
