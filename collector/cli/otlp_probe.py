"""
Look whether anything listens at an OTLP endpoint, as seen from this machine.

Flow: `hookline doctor` -> **one TCP connection** -> finding.
"""

import socket
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def probe_otlp(endpoint: str) -> str | None:
    """What is wrong, or None. Only a connection is made: nothing is sent."""
    parts = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
    host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme, 4317)
    if host is None:
        return "that is not an address"
    try:
        with socket.create_connection((host, port), timeout=3):
            return None
    except OSError as exc:
        return f"can't connect from here ({exc.strerror or exc})"
