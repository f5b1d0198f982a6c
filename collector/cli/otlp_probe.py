"""
Look whether anything listens at an OTLP endpoint, as seen from this machine.

Flow: `hookline doctor` -> **one TCP connection** -> finding.
"""

import socket
from urllib.parse import urlsplit

from collector.exporters.otlp_settings import GRPC_PORT

_PORTS = {"http": 80, "https": 443}


def probe_otlp(endpoint: str, protocol: str | None) -> str | None:
    """What is wrong, or None. Only a connection is made, to where the exporter would make it: nothing is sent."""
    try:
        parts = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return "that is not an address"
    if host is None:
        return "that is not an address"
    is_plain_grpc = protocol == "grpc" and parts.scheme != "https"
    port = port or (GRPC_PORT if is_plain_grpc else _PORTS.get(parts.scheme, GRPC_PORT))
    try:
        with socket.create_connection((host, port), timeout=3):
            return None
    except OSError as exc:
        return f"can't connect from here ({exc.strerror or exc})"
