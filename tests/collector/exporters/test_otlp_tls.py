"""
TLS as the variables say: a private authority, a client's own certificate, and no quiet fallback without them.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from collector.exporters import ExportSettings, Later, Outcome, Sent, open_exporters
from tests.fakes.otlp import OtlpReceiver
from tests.fakes.spans import a_resource, a_span

BASE = "OTEL_EXPORTER_OTLP_"
_NEW = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


@dataclass(frozen=True)
class Papers:
    """Paths of self-signed certificates and their keys."""

    server: tuple[str, str]
    client: tuple[str, str]


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    folder = tmp_path_factory.mktemp("tls")
    return Papers(server=_certificate(folder, "localhost"), client=_certificate(folder, "client"))


def _certificate(folder: Path, name: str) -> tuple[str, str]:
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subject = ("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
    subprocess.run([*_NEW, "-keyout", str(key), "-out", str(certificate), *subject], check=True, capture_output=True)
    return str(certificate), str(key)


@pytest.fixture
def backend(papers: Papers) -> Iterator[OtlpReceiver]:
    """Asks for the client's certificate."""
    with OtlpReceiver(certificate=papers.server, client_ca=papers.client[0]) as receiver:
        yield receiver


def send(backend: OtlpReceiver, protocol: str, **environment: str) -> Outcome:
    endpoint = backend.grpc_endpoint if protocol == "grpc" else backend.endpoint
    variables = {f"{BASE}{name.upper()}": value for name, value in environment.items()}
    settings = {f"{BASE}ENDPOINT": endpoint, f"{BASE}PROTOCOL": protocol, f"{BASE}TIMEOUT": "3000"} | variables
    (exporter,) = open_exporters(ExportSettings(environment=settings))
    (outcome,) = exporter.send(a_resource(), [exporter.encode(a_span())])
    exporter.close()
    return outcome


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_mutual_tls(backend: OtlpReceiver, papers: Papers, protocol: str) -> None:
    """
    With the authority, the client's certificate and its key the span arrives.
    """
    certificate, key = papers.client

    assert Sent() == send(
        backend, protocol, certificate=papers.server[0], traces_client_certificate=certificate, traces_client_key=key
    )
    assert 1 == len(backend.spans())


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_unknown_authority_is_not_trusted(backend: OtlpReceiver, papers: Papers, protocol: str) -> None:
    """
    Without the authority's certificate nothing is sent; the span waits.
    """
    certificate, key = papers.client

    assert isinstance(send(backend, protocol, client_certificate=certificate, client_key=key), Later)
    assert [] == backend.requests()
