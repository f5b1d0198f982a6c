"""
Who is logged in on the page: random tokens in cookies, kept in memory beside the digest of the key that was shown.

Flow: POST /login -> **Sessions.open** ; a request's cookie -> **Sessions.digest_of** -> access, which looks the key up anew.
So a revoked key ends its sessions, and the cookie never holds the key. A restart ends all of them.
"""

import hashlib
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Final

from collector.errors import RateLimited

COOKIE: Final = "hookline_session"
LIFE_S: Final = 7 * 24 * 3600.0
_MOST_OPEN: Final = 1000
FAILURES_A_MINUTE: Final = 10


@dataclass(frozen=True, slots=True)
class _Session:
    key_digest: bytes
    ends_at_s: float


class Sessions:
    """The open sessions. May be called from any thread."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._open: OrderedDict[bytes, _Session] = OrderedDict()
        self._failures_s: deque[float] = deque(maxlen=FAILURES_A_MINUTE)

    def open(self, key_digest: bytes) -> str:
        """A token for a cookie."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            while len(self._open) >= _MOST_OPEN:
                self._open.popitem(last=False)
            self._open[_name(token)] = _Session(key_digest, self._monotonic_s() + LIFE_S)
        return token

    def digest_of(self, cookie_header: str) -> bytes | None:
        """The digest of the key behind a cookie header, None for nobody's."""
        with self._lock:
            found = [session for token in _tokens(cookie_header) if (session := self._open.get(_name(token)))]
        now_s = self._monotonic_s()
        return next((session.key_digest for session in found if session.ends_at_s > now_s), None)

    def close(self, cookie_header: str) -> None:
        """End the session of a cookie header."""
        with self._lock:
            for token in _tokens(cookie_header):
                self._open.pop(_name(token), None)

    def require_patience(self) -> None:
        """Raises RateLimited after too many wrong keys in a minute, whoever showed them."""
        with self._lock:
            is_full = len(self._failures_s) == FAILURES_A_MINUTE
            if is_full and self._monotonic_s() - self._failures_s[0] < 60:
                raise RateLimited("too many wrong keys within a minute: wait a minute, then try again")

    def note_failure(self) -> None:
        """A wrong key was shown."""
        with self._lock:
            self._failures_s.append(self._monotonic_s())


def cookie_name(port: int | None) -> str:
    """Cookies don't know ports, so two collectors on one machine need two names."""
    return f"{COOKIE}_{port}" if port else COOKIE


def _tokens(cookie_header: str) -> list[str]:
    try:
        cookie = SimpleCookie(cookie_header)
    except CookieError:
        return []
    return [morsel.value for name, morsel in cookie.items() if name.startswith(COOKIE)]


def _name(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
