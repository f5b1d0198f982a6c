"""
Where commands find the running collector, from the environment.

Flow: environment -> **address and key** -> cli.client. Apart from the server's settings, so that `hookline calls` need not load
what only a server needs.
"""

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from collector.errors import WrongSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandConfig:
    """A collector's address, without a slash at the end, the key to send, and in whose name events are sent on."""

    address: str
    api_key: str | None = field(repr=False)
    service: str | None = None


def load_command_config(*, address: str | None = None, api_key: str | None = None, service: str | None = None) -> CommandConfig:
    """
    What is given here first, then HOOKLINE_URL, else HOOKLINE_PORT on loopback; HOOKLINE_API_KEY; OTEL_SERVICE_NAME.

    Raises WrongSettings.
    """
    port = os.environ.get("HOOKLINE_PORT") or "4319"
    if not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise WrongSettings("HOOKLINE_PORT: not a port. Give a number from 0 to 65535.")
    found = (address or os.environ.get("HOOKLINE_URL") or f"http://127.0.0.1:{port}").rstrip("/")
    parts = urlsplit(found)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        name = "--to" if address else "HOOKLINE_URL"
        raise WrongSettings(f"{name}: not an address. Give something like http://127.0.0.1:4319.")
    key = api_key or os.environ.get("HOOKLINE_API_KEY") or None
    return CommandConfig(address=found, api_key=key, service=service or os.environ.get("OTEL_SERVICE_NAME") or None)
