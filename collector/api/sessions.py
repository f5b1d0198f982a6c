"""
Who is logged in on the page: random tokens in cookies, whose SHA-256 is stored beside the digest of the key that was shown.

Flow: POST /login -> **Sessions.open** -> storage ; a request's cookie -> **Sessions.digest_of** -> access, which looks the key up
anew. So a revoked key ends its sessions, the cookie never holds the key, and every collector on the database knows it.
"""

import hashlib
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Final

from collector.errors import RateLimited
from collector.storage.protocols import SessionStore

COOKIE: Final = "hookline_session"
LIFE_S: Final = 7 * 24 * 3600.0
FAILURES_A_MINUTE: Final = 10
_MOST_TOKENS: Final = 4
_MOST_ADDRESSES: Final = 1000


class Sessions:
    """The open sessions. May be called from any thread; `open`, `digest_of` and `close` ask the database."""

    def __init__(self, store: SessionStore, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._now_ms = now_ms

    def open(self, key_digest: bytes) -> str:
        """A token for a cookie."""
        token, now_ms = secrets.token_urlsafe(32), self._now_ms()
        self._store.add_session(_name(token), key_digest.hex(), now_ms=now_ms, expires_ms=now_ms + int(LIFE_S * 1000))
        return token

    def digest_of(self, cookie_header: str) -> bytes | None:
        """The digest of the key behind a cookie header, None for nobody's."""
        now_ms = self._now_ms()
        found = (self._store.session_key(_name(token), now_ms=now_ms) for token in _tokens(cookie_header))
        return next((bytes.fromhex(key) for key in found if key), None)

    def close(self, cookie_header: str) -> None:
        """End the session of a cookie header."""
        for token in _tokens(cookie_header):
            self._store.end_session(_name(token))


class Patience:
    """Wrong keys at the login, by the address they come from. In memory, of this process."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._failures_s: OrderedDict[str, deque[float]] = OrderedDict()

    def require(self, address: str) -> None:
        """Raises RateLimited after too many wrong keys in a minute."""
        with self._lock:
            failures_s = self._failures_s.get(address, ())
            wait_s = failures_s[0] + 60 - self._monotonic_s() if len(failures_s) == FAILURES_A_MINUTE else 0.0
        if wait_s > 0:
            raise RateLimited("too many wrong keys within a minute: wait a minute, then try again", after_s=wait_s)

    def note_failure(self, address: str) -> None:
        """A wrong key was shown."""
        with self._lock:
            self._failures_s.setdefault(address, deque(maxlen=FAILURES_A_MINUTE)).append(self._monotonic_s())
            self._failures_s.move_to_end(address)
            if len(self._failures_s) > _MOST_ADDRESSES:
                self._failures_s.popitem(last=False)


def cookie_name(port: int | None) -> str:
    """Cookies don't know ports, so two collectors on one machine need two names."""
    return f"{COOKIE}_{port}" if port else COOKIE


def _tokens(cookie_header: str) -> list[str]:
    try:
        cookie = SimpleCookie(cookie_header)
    except CookieError:
        return []
    return [morsel.value for name, morsel in cookie.items() if name.startswith(COOKIE)][:_MOST_TOKENS]


def _name(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
