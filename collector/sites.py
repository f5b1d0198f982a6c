"""
Read Host and Origin headers: what site a request is for and what site it comes from.

Flow: HTTP -> **sites** -> access ; the origins of public keys -> **sites** -> storage.
Strict on purpose: what can't be read is nobody's name.
"""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9._-]{0,252}[a-z0-9])?\.?)(?::(\d{1,5}))?", re.ASCII)
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(.+)", re.ASCII)
_NAMES_KEPT: Final = 256
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Site:
    """A host name or address, normalised, and a port where one was given."""

    name: str
    port: int | None

    @property
    def is_loopback(self) -> bool:
        """Whether it can only be this machine: `localhost`, names below it (RFC 6761), 127.0.0.0/8, ::1."""
        return _is_loopback(self.name)


# Asked with every request, and nearly always of the same names.
@lru_cache(_NAMES_KEPT)
def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Origin:
    """A web origin."""

    scheme: str
    name: str
    port: int | None

    @property
    def text(self) -> str:
        """As a browser writes it."""
        host = f"[{self.name}]" if ":" in self.name else self.name
        return f"{self.scheme}://{host}" + ("" if self.port is None else f":{self.port}")

    def is_same_site(self, host: Site) -> bool:
        """Whether it is the site that the request is for. A proxy may have taken TLS off, so the scheme says nothing."""
        default = _DEFAULT_PORTS.get(self.scheme)
        return self.name == host.name and (self.port or default) == (host.port or default)


@lru_cache(_NAMES_KEPT)
def read_host(text: str) -> Site | None:
    """A Host header's value, or None for what is none. Case and a trailing dot don't matter."""
    found = _HOST.fullmatch(text.strip().lower())
    if found is None:
        return None
    name = found[1].removesuffix(".")
    if name.startswith("["):
        try:
            name = str(ipaddress.IPv6Address(name[1:-1]))
        except ValueError:
            return None
    return Site(name, int(found[2]) if found[2] else None)


def read_bind_address(host: str) -> Site | None:
    """The address a server is bound to: an IPv6 one stands there without its brackets."""
    return read_host(f"[{host}]" if ":" in host and not host.startswith("[") else host)


@lru_cache(_NAMES_KEPT)
def read_origin(text: str) -> Origin | None:
    """An Origin header's value; None for `null` and for what is none."""
    found = _ORIGIN.fullmatch(text.strip().lower().removesuffix("/"))
    site = read_host(found[2]) if found else None
    if found is None or site is None:
        return None
    port = None if site.port == _DEFAULT_PORTS.get(found[1]) else site.port
    return Origin(found[1], site.name, port)
