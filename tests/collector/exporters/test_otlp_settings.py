"""
The standard OTEL_EXPORTER_OTLP_* variables: precedence, paths, security, and what stops the start.
"""

from pathlib import Path

import pytest

from collector.errors import WrongSettings
from collector.exporters.otlp_settings import OtlpSettings, read_otlp_settings

BASE = "OTEL_EXPORTER_OTLP_"
TRACES = "OTEL_EXPORTER_OTLP_TRACES_"
GRPC = {f"{BASE}PROTOCOL": "grpc"}


def read(environment: dict[str, str]) -> OtlpSettings:
    settings = read_otlp_settings({f"{BASE}ENDPOINT": "http://localhost:4318"} | environment)
    assert settings is not None
    return settings


def test_defaults() -> None:
    """
    http/protobuf, ten seconds, no compression.
    """
    settings = read({})

    assert ("http/protobuf", 10.0, "none") == (settings.protocol, settings.timeout_s, settings.compression)


@pytest.mark.parametrize("environment", [{}, {f"{BASE}ENDPOINT": ""}, {f"{TRACES}ENDPOINT": "  "}, {f"{BASE}PROTOCOL": "grpc"}])
def test_without_endpoint_there_is_nothing(environment: dict[str, str]) -> None:
    """
    No endpoint, or an empty one: no OTLP.
    """
    assert read_otlp_settings(environment) is None


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://localhost:4318", "http://localhost:4318/v1/traces"),
        ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
        ("https://api.example.com/otlp", "https://api.example.com/otlp/v1/traces"),
        ("HTTP://[::1]:4318/otlp/", "http://[::1]:4318/otlp/v1/traces"),
    ],
)
def test_path_is_appended_to_the_general_endpoint(endpoint: str, url: str) -> None:
    """
    The general endpoint is a base for all signals.
    """
    assert url == read({f"{BASE}ENDPOINT": endpoint}).endpoint


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://localhost:4318/custom", "http://localhost:4318/custom"),
        ("http://localhost:4318", "http://localhost:4318/"),
        ("https://h/v1/traces/?k=v", "https://h/v1/traces/?k=v"),
    ],
)
def test_endpoint_for_traces_is_used_as_it_is(endpoint: str, url: str) -> None:
    """
    The endpoint for traces wins and gets no path.
    """
    assert url == read({f"{TRACES}ENDPOINT": endpoint}).endpoint


def test_variables_for_traces_replace_general_ones(tmp_path: Path) -> None:
    """
    Each option of its own; headers are replaced whole, not merged; an empty one for traces lets the general one stand.
    """
    ours, theirs = tmp_path / "ours.pem", tmp_path / "theirs.pem"
    ours.touch()
    theirs.touch()
    settings = read(
        {
            f"{BASE}PROTOCOL": "grpc",
            f"{TRACES}PROTOCOL": "http/protobuf",
            f"{BASE}HEADERS": "a=1,b=2",
            f"{TRACES}HEADERS": "c=3",
            f"{BASE}TIMEOUT": "5000",
            f"{TRACES}TIMEOUT": "",
            f"{BASE}COMPRESSION": "none",
            f"{TRACES}COMPRESSION": "gzip",
            f"{BASE}CERTIFICATE": str(theirs),
            f"{TRACES}CERTIFICATE": str(ours),
        }
    )

    assert ("http/protobuf", {"c": "3"}, 5.0, "gzip", ours) == (
        settings.protocol,
        settings.headers,
        settings.timeout_s,
        settings.compression,
        settings.certificate,
    )


@pytest.mark.parametrize(
    ("endpoint", "insecure", "target", "is_secure"),
    [
        ("http://localhost:4317", "", "localhost:4317", False),
        ("https://backend:443", "true", "backend:443", True),
        ("http://backend", "", "backend:4317", False),
        ("https://backend/path", "", "backend:443", True),
        ("http://[::1]:4317", "false", "[::1]:4317", False),
        ("backend:4317", "", "backend:4317", True),
        ("backend:4317", "TRUE", "backend:4317", False),
        ("unix:///run/otlp.sock", "true", "unix:///run/otlp.sock", False),
    ],
)
def test_grpc_endpoint(endpoint: str, insecure: str, target: str, is_secure: bool) -> None:
    """
    A scheme decides about TLS; without one OTEL_EXPORTER_OTLP_INSECURE does, and the default is secure.
    """
    settings = read(GRPC | {f"{BASE}ENDPOINT": endpoint, f"{BASE}INSECURE": insecure})

    assert (target, is_secure) == (settings.endpoint, settings.is_secure)


def test_headers_are_percent_decoded() -> None:
    """
    Names in lower case; values may hold = and encoded commas and spaces.
    """
    settings = read({f"{BASE}HEADERS": "Authorization=Bearer%20a%3Db%2Cc, x-k=v==,,"})

    assert {"authorization": "Bearer a=b,c", "x-k": "v=="} == settings.headers


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        (f"{TRACES}PROTOCOL", "http/json"),
        (f"{BASE}PROTOCOL", "htp"),
        (f"{BASE}TIMEOUT", "soon"),
        (f"{BASE}TIMEOUT", "0"),
        (f"{BASE}TIMEOUT", "-1"),
        (f"{TRACES}TIMEOUT", "2.5"),
        (f"{BASE}COMPRESSION", "brotli"),
        (f"{BASE}ENDPOINT", "localhost:4318"),
        (f"{TRACES}ENDPOINT", "ftp://x"),
        (f"{BASE}ENDPOINT", "http://"),
        (f"{BASE}ENDPOINT", "http://x:notaport"),
        (f"{BASE}CERTIFICATE", "/no/such/file.pem"),
        (f"{TRACES}CLIENT_KEY", "/no/such/file.pem"),
        (f"{BASE}HEADERS", "no-equals-sign-secret"),
        (f"{TRACES}HEADERS", "bad name=secret"),
        (f"{BASE}HEADERS", "a=secret%0Ab"),
    ],
)
def test_wrong_settings_name_the_variable(variable: str, value: str) -> None:
    """
    The start stops with the variable's name; header values are not repeated.
    """
    with pytest.raises(WrongSettings, match=variable) as caught:
        read({variable: value})
    assert "secret" not in str(caught.value)


def test_wrong_insecure_names_the_variable() -> None:
    """
    Neither true nor false.
    """
    with pytest.raises(WrongSettings, match=f"{BASE}INSECURE"):
        read(GRPC | {f"{BASE}ENDPOINT": "backend:4317", f"{BASE}INSECURE": "yes"})


def test_client_key_needs_a_certificate(tmp_path: Path) -> None:
    """
    A key alone proves nothing.
    """
    key = tmp_path / "key.pem"
    key.touch()
    with pytest.raises(WrongSettings, match="CLIENT_CERTIFICATE"):
        read({f"{BASE}CLIENT_KEY": str(key)})


def test_secrets_stay_out_of_repr() -> None:
    """
    Settings may be logged by accident.
    """
    settings = read({f"{BASE}HEADERS": "k=geheim", f"{TRACES}ENDPOINT": "https://h/?token=geheim"})

    assert "geheim" not in repr(settings)
