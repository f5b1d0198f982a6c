"""
Who may talk to the collector: the site a request comes from, and the key it shows.

Flow: HTTP -> **access** -> ingest and reading routes.
The site is checked even on loopback: any website can make a browser send requests there, and by DNS rebinding read the
answers. Keys are looked up by their SHA-256 and remembered for seconds.
"""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from collector.api.sites import Site, read_bind_address, read_host, read_origin
from collector.errors import NotAllowed, NotAuthenticated
from collector.storage.protocols import KeyStore

Headers = Iterable[tuple[bytes, bytes]]
Scope = Mapping[str, Any]

DEFAULT_PROJECT: Final = "default"
ALL_SCOPES: Final = frozenset({"ingest", "read", "sql"})
_KEPT_FOR_S: Final = 5.0
"""How long a revoked key may still work, and how long the database may be away without a known sender noticing."""
_UNKNOWN_KEPT_FOR_S: Final = 1.0
_MOST_KEPT: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who asks: a project and what may be done in it."""

    project: str
    scopes: frozenset[str]
    is_by_cookie: bool = False
    """Whether it is somebody who logged in on the page."""

    def require(self, scope: str) -> None:
        """Raises NotAllowed where the key lacks the scope."""
        if scope not in self.scopes:
            raise NotAllowed(f"this key has no `{scope}` scope: make one that has, with `hookline keys create`")


ANYONE: Final = Identity(project=DEFAULT_PROJECT, scopes=ALL_SCOPES)

CookieReader = Callable[[str], bytes | None]
"""From a cookie header to the SHA-256 of the key that was shown at the page's login; None for nobody."""


class Access:
    """Checks sites and keys. `host` is where the server is bound: without any key only loopback serves anyone."""

    def __init__(
        self,
        keys: KeyStore,
        *,
        host: str,
        api_key: str | None = None,
        allowed_hosts: Iterable[str] = (),
        allowed_origins: Iterable[str] = (),
        read_cookie: CookieReader | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._api_key_digest = _digest(api_key.encode()) if api_key else None
        bound = read_bind_address(host)
        self._is_bound_to_loopback = bound is not None and bound.is_loopback
        named = (bound, *map(read_host, allowed_hosts))
        self._host_names = frozenset(site.name for site in named if site is not None)
        self._origins = {origin for origin in map(read_origin, allowed_origins) if origin}
        self._read_cookie = read_cookie
        self._monotonic_s = monotonic_s
        self._known: dict[bytes, tuple[float, Identity | None]] = {}
        self._keys_exist: tuple[float, bool] = (-1.0, True)

    def check_site(self, scope: Scope) -> None:
        """Host and Origin. Raises NotAllowed for another name than ours, and for pages of other sites."""
        host = self._checked_host(scope["headers"])
        origins = _values(scope["headers"], b"origin")
        if origins and not self._is_welcome(origins, host):
            raise NotAllowed("requests from other sites are refused: add this one to HOOKLINE_ALLOWED_ORIGINS to let it in")

    def is_allowed_origin(self, origin: str) -> bool:
        """Whether HOOKLINE_ALLOWED_ORIGINS names it."""
        return read_origin(origin) in self._origins

    def cross_origin_headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """What lets a page of an allowed origin read the answer; nothing for others."""
        origins = _values(scope["headers"], b"origin")
        if len(origins) != 1 or not self.is_allowed_origin(origins[0]):
            return []
        return [(b"access-control-allow-origin", origins[0].encode("latin-1")), (b"vary", b"Origin")]

    def identify(self, headers: Headers) -> Identity:
        """Who asks. May read the database. Raises NotAuthenticated; StoreUnavailable where the key can't be looked up."""
        headers = list(headers)
        key = _bearer_key(headers)
        digest = self._shown_digest(headers)
        identity = self._of_digest(digest) if digest is not None else None
        if identity is not None:
            return identity if key is not None else replace(identity, is_by_cookie=True)
        if self._is_open_to_anyone():
            return ANYONE
        what = "the key is not known" if key is not None else "a key is needed"
        raise NotAuthenticated(f"{what}: send `Authorization: Bearer <key>` with a key made by `hookline keys create`")

    async def identify_async(self, headers: Headers) -> Identity:
        """As `identify`; goes to a thread only where the database is asked."""
        headers = list(headers)
        digest = self._shown_digest(headers)
        is_fresh = self._is_api_key(digest) or self._is_remembered(digest) if digest is not None else self._is_settled()
        return self.identify(headers) if is_fresh else await asyncio.to_thread(self.identify, headers)

    def digest_of_known(self, key: str) -> bytes | None:
        """The digest of a key that is known, for the page's login. May read the database."""
        digest = _digest(key.encode("utf-8", "replace"))
        return digest if self._of_digest(digest) is not None else None

    def needs_key(self) -> bool:
        """Whether nobody comes in without one. May read the database."""
        return not self._is_open_to_anyone()

    def _checked_host(self, headers: Headers) -> Site:
        hosts = _values(headers, b"host")
        site = read_host(hosts[0]) if len(hosts) == 1 else None
        if site is None:
            raise NotAllowed("the Host header is missing or malformed: call the collector by its name")
        if not site.is_loopback and site.name not in self._host_names:
            raise NotAllowed("the Host header is not a name of this collector: add it to HOOKLINE_ALLOWED_HOSTS if it is")
        return site

    def _is_welcome(self, origins: list[str], host: Site) -> bool:
        origin = read_origin(origins[0]) if len(origins) == 1 else None
        return origin is not None and (origin in self._origins or origin.is_same_site(host))

    def _shown_digest(self, headers: Headers) -> bytes | None:
        """The digest of the key in the Authorization header, else of the one behind the cookie."""
        key = _bearer_key(headers)
        if key is not None or self._read_cookie is None:
            return None if key is None else _digest(key)
        return next((found for text in _values(headers, b"cookie") if (found := self._read_cookie(text))), None)

    def _of_digest(self, digest: bytes) -> Identity | None:
        if self._is_api_key(digest):
            return ANYONE
        if not self._is_remembered(digest):
            found = self._keys.find_key(digest.hex())
            identity = Identity(project=found.project, scopes=frozenset(found.scopes)) if found else None
            self._remember(digest, identity)
        return self._known[digest][1]

    def _is_api_key(self, digest: bytes) -> bool:
        return self._api_key_digest is not None and hmac.compare_digest(digest, self._api_key_digest)

    def _is_remembered(self, digest: bytes) -> bool:
        return digest in self._known and self._known[digest][0] > self._monotonic_s()

    def _remember(self, digest: bytes, identity: Identity | None) -> None:
        # Guessed keys must not fill the memory.
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        kept_for_s = _KEPT_FOR_S if identity else _UNKNOWN_KEPT_FOR_S
        self._known[digest] = (self._monotonic_s() + kept_for_s, identity)

    def _is_settled(self) -> bool:
        """Whether it is known without the database if anyone may come in."""
        is_told_by_settings = self._api_key_digest is not None or not self._is_bound_to_loopback
        return is_told_by_settings or self._keys_exist[0] > self._monotonic_s()

    def _is_open_to_anyone(self) -> bool:
        if self._api_key_digest is not None or not self._is_bound_to_loopback:
            return False
        if self._keys_exist[0] <= self._monotonic_s():
            self._keys_exist = (self._monotonic_s() + _KEPT_FOR_S, self._keys.has_keys())
        return not self._keys_exist[1]


def _values(headers: Headers, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


def _bearer_key(headers: Headers) -> bytes | None:
    """What the Authorization header shows, b'' for another scheme than Bearer; None without the header."""
    values = [value for key, value in headers if key.lower() == b"authorization"]
    if not values:
        return None
    scheme, _, key = values[0].strip().partition(b" ")
    return key.strip() if len(values) == 1 and scheme.lower() == b"bearer" else b""


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
