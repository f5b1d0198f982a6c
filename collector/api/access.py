"""
Who may talk to the collector: the site a request comes from, and the key it shows.

Flow: HTTP -> **access** -> ingest and reading routes.
The site is checked even on loopback: any website can make a browser send requests there, and by DNS rebinding read the
answers. Keys are compared and looked up by their SHA-256, so how long that takes tells nothing of a key.
"""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from collector.api.allowances import Allowance, Rates
from collector.api.known_keys import Identity, KnownKeys, Nobody
from collector.api.remembered import Later, Remembered, run_in_thread
from collector.errors import NotAllowed, NotAuthenticated
from collector.sites import Origin, Site, read_bind_address, read_host, read_origin
from collector.storage.protocols import KeyStore

__all__ = ["ALL_SCOPES", "ANYONE", "DEFAULT_PROJECT", "Access", "Identity"]

Headers = Iterable[tuple[bytes, bytes]]
Scope = Mapping[str, Any]

DEFAULT_PROJECT: Final = "default"
ALL_SCOPES: Final = frozenset({"ingest", "read", "sql", "admin"})
ANYONE: Final = Identity(project=DEFAULT_PROJECT, scopes=ALL_SCOPES)
_OTHER_SITE: Final = (
    "requests from other sites are refused: add this one to HOOKLINE_ALLOWED_ORIGINS to let it in, "
    "or make a public key for it with `hookline keys create --origin`"
)

CookieReader = Callable[[str], bytes | None]
"""From a cookie header to the SHA-256 of the key that was shown at the page's login; None for nobody. May read the database."""


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
        secret_rates: Rates = Rates(),  # noqa: B008  (frozen)
        public_rates: Rates = Rates(),  # noqa: B008  (frozen)
        monotonic_s: Callable[[], float] = time.monotonic,
        later: Later = run_in_thread,
    ) -> None:
        self._monotonic_s = monotonic_s
        self._later = later
        self._known = KnownKeys(keys, secret_rates=secret_rates, public_rates=public_rates, monotonic_s=monotonic_s, later=later)
        self._api_key_digest = _digest(api_key.encode()) if api_key else None
        allowance = Allowance(secret_rates, monotonic_s) if secret_rates.is_limited else None
        self._api_key_holder = replace(ANYONE, allowance=allowance)
        bound = read_bind_address(host)
        self._is_bound_to_loopback = bound is not None and bound.is_loopback
        named = (bound, *map(read_host, allowed_hosts))
        self._host_names = frozenset(site.name for site in named if site is not None)
        self._origins = {origin for origin in map(read_origin, allowed_origins) if origin}
        self._read_cookie = read_cookie

    def check_site(self, scope: Scope) -> None:
        """Host and Origin. Raises NotAllowed for another name than ours, and for pages of other sites."""
        host = self._checked_host(scope["headers"])
        origins = _values(scope["headers"], b"origin")
        if origins and not self._is_welcome(origins, host):
            raise NotAllowed(_OTHER_SITE)

    async def check_sending_site(self, scope: Scope) -> bool:
        """The same for the way in, where pages that have a public key are welcome too: for these False. Raises NotAllowed."""
        try:
            self.check_site(scope)
            return True
        except NotAllowed:
            self._checked_host(scope["headers"])
            origin = _one_origin(scope["headers"])
            known = self._known.remembered_origins()
            origins = await asyncio.to_thread(self._known.public_origins) if known is None else known
            if origin is None or origin not in origins:
                raise
            return False

    async def admit(self, scope: Scope) -> Identity:
        """Who sends, from where it may. Raises NotAllowed, NotAuthenticated, RateLimited, StoreUnavailable."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        is_for_any_key = await self.check_sending_site(scope)
        identity = await self.identify_async(headers)
        if identity.origins is None and not is_for_any_key:
            # A secret key is none to be shown by pages, also where they have a public one.
            raise NotAllowed(_OTHER_SITE)
        if identity.allowance is not None:
            identity.allowance.require()
        return identity

    def recognise(self, headers: Headers) -> Identity | None:
        """
        As `admit` for what came from a good site before and has neither Origin nor Cookie; None where the database must tell.

        Whether a site is good is a matter of Host and settings alone, so that much needs no second look.
        """
        key = _bearer_key(headers)
        digest = None if key is None else _digest(key)
        if not self._is_remembered(digest):
            return None
        identity = self._identity(headers, digest, is_by_cookie=False)
        if identity.allowance is not None:
            identity.allowance.require()
        return identity

    def cross_origin_headers(self, scope: Scope, *, is_sending: bool = False) -> list[tuple[bytes, bytes]]:
        """What lets a page of an allowed origin read the answer; nothing for others."""
        if not _values(scope["headers"], b"origin"):
            return []
        origin = _one_origin(scope["headers"])
        public = (self._known.remembered_origins() or frozenset[Origin]()) if is_sending else frozenset[Origin]()
        if origin is None or not (origin in self._origins or origin in public):
            return []
        shown = _values(scope["headers"], b"origin")[0].encode("latin-1")
        return [
            (b"access-control-allow-origin", shown),
            (b"access-control-expose-headers", b"retry-after"),
            (b"vary", b"Origin"),
        ]

    def identify(self, headers: Headers) -> Identity:
        """Who asks. May read the database. Raises NotAuthenticated, NotAllowed; StoreUnavailable where nobody can tell."""
        headers = list(headers)
        key = _bearer_key(headers)
        digest = self._cookie_digest(headers) if key is None else _digest(key)
        return self._identity(headers, digest, is_by_cookie=key is None)

    async def identify_async(self, headers: Headers) -> Identity:
        """As `identify`; goes to a thread only where the database is asked."""
        headers = list(headers)
        key = _bearer_key(headers)
        if key is None and self._read_cookie is not None and _values(headers, b"cookie"):
            return await asyncio.to_thread(self.identify, headers)
        digest = None if key is None else _digest(key)
        if self._is_remembered(digest):
            return self._identity(headers, digest, is_by_cookie=False)
        return await asyncio.to_thread(lambda: self._identity(headers, digest, is_by_cookie=False))

    def identify_repeatedly(self, headers: Headers) -> Callable[[], Awaitable[Identity]]:
        """
        For a stream: `identify` for as long as it goes on.

        Asks the database once a second at most: a login is remembered as long as a key, and no longer.
        """
        headers = list(headers)
        key = _bearer_key(headers)
        shown = None if key is None else _digest(key)
        cookie = Remembered(lambda: self._cookie_digest(headers), self._monotonic_s, self._later)

        def ask() -> Identity:
            digest = cookie.get() if key is None else shown
            return self._identity(headers, digest, is_by_cookie=key is None)

        async def identify() -> Identity:
            is_told = self._is_remembered(shown) if key is not None else cookie.is_fresh() and self._is_remembered(cookie.last())
            return ask() if is_told else await asyncio.to_thread(ask)

        return identify

    def digest_of_known(self, key: str) -> bytes | None:
        """The digest of a key that may read, for the page's login. May read the database."""
        digest = _digest(key.encode("utf-8", "replace"))
        found = self._api_key_holder if self._is_api_key(digest) else self._known.verdict(digest)
        return digest if isinstance(found, Identity) and "read" in found.scopes else None

    def needs_key(self) -> bool:
        """Whether nobody comes in without one. May read the database."""
        return not self._is_open_to_anyone()

    def forget_keys(self) -> None:
        """A key was made or revoked through this collector: what is remembered of keys holds no longer."""
        self._known.forget()

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

    def _cookie_digest(self, headers: Headers) -> bytes | None:
        if self._read_cookie is None:
            return None
        return next((found for text in _values(headers, b"cookie") if (found := self._read_cookie(text))), None)

    def _identity(self, headers: Headers, digest: bytes | None, *, is_by_cookie: bool) -> Identity:
        why = "a key is needed"
        if digest is not None:
            found = self._api_key_holder if self._is_api_key(digest) else self._known.verdict(digest)
            if isinstance(found, Identity):
                _check_origin(found, headers)
                if not is_by_cookie:
                    return found
                _check_own_page(headers)
                return replace(found, is_by_cookie=True)
            why = found.why
        if self._is_open_to_anyone():
            return ANYONE
        raise NotAuthenticated(f"{why}: send `Authorization: Bearer <key>` with a key made by `hookline keys create`")

    def _is_api_key(self, digest: bytes) -> bool:
        return self._api_key_digest is not None and hmac.compare_digest(digest, self._api_key_digest)

    def _is_remembered(self, digest: bytes | None) -> bool:
        """Whether `_identity` needs no database."""
        if digest is not None:
            if self._is_api_key(digest):
                return True
            if not self._known.is_remembered(digest):
                return False
            if not isinstance(self._known.verdict(digest), Nobody):
                return True
        is_told_by_settings = self._api_key_digest is not None or not self._is_bound_to_loopback
        return is_told_by_settings or self._known.is_existence_remembered()

    def _is_open_to_anyone(self) -> bool:
        if self._api_key_digest is not None or not self._is_bound_to_loopback:
            return False
        return not self._known.exist()


def _check_origin(identity: Identity, headers: Headers) -> None:
    if identity.origins is not None and _one_origin(headers) not in identity.origins:
        raise NotAllowed(
            "this is a public key of other sites: it is for pages of the origins that it was made with (`hookline keys list`)"
        )


def _check_own_page(headers: Headers) -> None:
    """For browsers another port is the same site, so a page there sends our cookie along. Links from there are fine."""
    came_from, what_for = (_values(headers, name)[:1] for name in (b"sec-fetch-site", b"sec-fetch-mode"))
    if came_from not in ([], ["same-origin"], ["none"]) and what_for != ["navigate"]:
        raise NotAllowed("a login is for the pages of this collector: send a key of your own in the Authorization header")


def _values(headers: Headers, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


def _one_origin(headers: Headers) -> Origin | None:
    """Where a page stands that sends this; None for a program, and where nobody can say."""
    origins = _values(headers, b"origin")
    return read_origin(origins[0]) if len(origins) == 1 else None


def _bearer_key(headers: Headers) -> bytes | None:
    """What the Authorization header shows, b'' for another scheme than Bearer; None without the header."""
    values = [value for key, value in headers if key.lower() == b"authorization"]
    if not values:
        return None
    scheme, _, key = values[0].strip().partition(b" ")
    return key.strip() if len(values) == 1 and scheme.lower() == b"bearer" else b""


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
