"""
Keys that the database told of a moment ago, so that a request is not a query.

Flow: access -> **KnownKeys** -> storage (KeyStore). What is remembered is a second old at most: so long may a key still work
that was revoked through another collector. Through this one it ends at once (`forget`).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from collector.api.allowances import Allowance, Rates
from collector.api.remembered import Later, Remembered, run_in_thread
from collector.errors import NotAllowed, StoreError
from collector.sites import Origin, read_origin
from collector.storage.protocols import ApiKey, KeyStore

_USE_NOTED_EVERY_MS: Final = 60_000
_MOST_KEPT: Final = 1024

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who asks: a project and what may be done in it."""

    project: str
    scopes: frozenset[str]
    is_by_cookie: bool = False
    """Whether it is somebody who logged in on the page."""
    origins: frozenset[Origin] | None = None
    """Of a public key: the sites whose pages may show it."""
    allowance: Allowance | None = field(default=None, compare=False)

    def require(self, scope: str) -> None:
        """Raises NotAllowed where the key lacks the scope."""
        if scope not in self.scopes:
            raise NotAllowed(f"this key has no `{scope}` scope: make one that has, with `hookline keys create`")


@dataclass(frozen=True, slots=True)
class Nobody:
    """A key that opens nothing, and why."""

    why: str


Verdict = Identity | Nobody
UNKNOWN: Final = Nobody("the key is not known")


class KnownKeys:
    """Verdicts on keys by the SHA-256 of what was shown. May be called from any thread."""

    def __init__(
        self,
        keys: KeyStore,
        *,
        secret_rates: Rates = Rates(),  # noqa: B008  (frozen)
        public_rates: Rates = Rates(),  # noqa: B008  (frozen)
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic_s: Callable[[], float] = time.monotonic,
        later: Later = run_in_thread,
    ) -> None:
        self._keys = keys
        self._rates = {False: secret_rates, True: public_rates}
        self._now_ms = now_ms
        self._monotonic_s = monotonic_s
        self._later = later
        self._allowances: dict[str, Allowance] = {}
        self._use_noted_ms: dict[str, int] = {}
        self.forget()

    def forget(self) -> None:
        """Ask the database anew for everything: a key was made or revoked here."""
        self._verdicts: dict[bytes, Remembered[Verdict]] = {}
        self._exist = Remembered(self._keys.has_keys, self._monotonic_s, self._later)
        self._origins = Remembered(self._ask_origins, self._monotonic_s, self._later)

    def is_remembered(self, digest: bytes) -> bool:
        """Whether `verdict` needs no database."""
        kept = self._verdicts.get(digest)
        return kept is not None and kept.is_fresh()

    def verdict(self, digest: bytes) -> Verdict:
        """Whose key it is. May ask the database. Raises StoreUnavailable."""
        kept = self._verdicts.get(digest)
        if kept is None:
            # Guessed keys must not fill the memory.
            if len(self._verdicts) >= _MOST_KEPT:
                self._verdicts.clear()
            kept = Remembered(lambda: self._ask(digest), self._monotonic_s, self._later)
            self._verdicts[digest] = kept
        return kept.get()

    def is_existence_remembered(self) -> bool:
        """Whether `exist` needs no database."""
        return self._exist.is_fresh()

    def exist(self) -> bool:
        """Whether there is any key. May ask the database."""
        return self._exist.get()

    def public_origins(self) -> frozenset[Origin]:
        """Of all public keys. May ask the database."""
        return self._origins.get()

    def remembered_origins(self) -> frozenset[Origin] | None:
        """The same, never asking; None where that would be needed."""
        return self._origins.get() if self._origins.is_fresh() else None

    def _ask(self, digest: bytes) -> Verdict:
        found = self._keys.find_key(digest.hex())
        if found is None:
            return UNKNOWN
        if found.expires_ms is not None and found.expires_ms <= self._now_ms():
            return Nobody("the key has expired")
        self._note_use(found)
        origins = frozenset(filter(None, map(read_origin, found.origins))) if found.is_public else None
        return Identity(project=found.project, scopes=frozenset(found.scopes), origins=origins, allowance=self._allowance(found))

    def _ask_origins(self) -> frozenset[Origin]:
        return frozenset(filter(None, map(read_origin, self._keys.public_origins())))

    def _allowance(self, key: ApiKey) -> Allowance | None:
        rates = Rates(events=key.events_per_s, bytes=key.bytes_per_s).over(self._rates[key.is_public])
        if not rates.is_limited:
            return None
        # Kept when the key is asked for again: else a sender would have a full bucket each second.
        return self._allowances.setdefault(key.key_id, Allowance(rates, self._monotonic_s))

    def _note_use(self, key: ApiKey) -> None:
        now_ms = self._now_ms()
        noted_ms = max(self._use_noted_ms.get(key.key_id, 0), key.last_used_ms or 0)
        if now_ms - noted_ms >= _USE_NOTED_EVERY_MS:
            self._use_noted_ms[key.key_id] = now_ms
            self._later(lambda: self._write_use(key.key_id, now_ms))

    def _write_use(self, key_id: str, now_ms: int) -> None:
        try:
            self._keys.note_key_use(key_id, now_ms=now_ms)
        except StoreError as exc:
            log.debug("key_use_not_noted", why=type(exc).__name__)
