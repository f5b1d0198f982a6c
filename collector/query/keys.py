"""
Make keys and show them.

Flow: `hookline keys`, the admin routes -> **here** -> storage (KeyStore). Only a key's SHA-256 is kept: 256 random bits can't be
guessed from it, so nothing slower is needed, and a key is found by one look into an index.
"""

import hashlib
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from collector.errors import BadRequest
from collector.query.times import parse_time
from collector.sites import read_origin
from collector.storage.protocols import ApiKey, KeyStore

SCOPES: Final = ("ingest", "read", "sql", "admin")
PUBLIC_SCOPES: Final = ("ingest",)
DEFAULT_PROJECT: Final = "default"
_MOST_ORIGINS: Final = 50
_UNITS_MS: Final[Mapping[str, int]] = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_MOST_A_SECOND: Final = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyWish:
    """What somebody asks for. With `origins` it is a public key. No `scopes`: all that it may have."""

    project: str = DEFAULT_PROJECT
    name: str = ""
    scopes: Sequence[str] = ()
    expires: str | None = None
    """`90d`, `12h`, `30m` from now, or a moment."""
    origins: Sequence[str] = ()
    events_per_s: float | None = None
    bytes_per_s: float | None = None


def hash_key(key: str) -> str:
    """The form in which a key is stored. The key is random, so a plain hash tells nothing of it."""
    return hashlib.sha256(key.encode()).hexdigest()


def make_key(store: KeyStore, wish: KeyWish, *, now_ms: int) -> dict[str, Any]:
    """A new key, told this once. Raises BadRequest."""
    project, name = wish.project, wish.name
    if not project.strip() or "\0" in project + name or max(len(project), len(name)) > 200:
        raise BadRequest("project and name: give a project; neither may be longer than 200 characters")
    origins = _origins(wish.origins)
    key = f"{'hk_pub_' if origins else 'hk_'}{secrets.token_urlsafe(32)}"
    stored = store.add_key(
        project=project,
        name=name,
        scopes=_scopes(wish, is_public=bool(origins)),
        key_hash=hash_key(key),
        now_ms=now_ms,
        expires_ms=_expires_ms(wish.expires, now_ms) if wish.expires else None,
        origins=origins,
        events_per_s=_rate("events", wish.events_per_s),
        bytes_per_s=_rate("bytes", wish.bytes_per_s),
    )
    return {**key_as_row(stored), "key": key}


def key_as_row(key: ApiKey) -> dict[str, Any]:
    """What may be shown of a stored key."""
    return {**asdict(key), "scopes": list(key.scopes), "origins": list(key.origins)}


def _scopes(wish: KeyWish, *, is_public: bool) -> tuple[str, ...]:
    # Administering concerns all projects, so it is no part of another project's key.
    allowed = PUBLIC_SCOPES if is_public else SCOPES if wish.project == DEFAULT_PROJECT else SCOPES[:-1]
    unknown = sorted(set(wish.scopes) - set(allowed))
    if not unknown:
        return tuple(dict.fromkeys(wish.scopes)) or allowed
    if is_public:
        raise BadRequest("scope: a key with origins may only send, since everybody can read it; leave the scopes out")
    if unknown == ["admin"]:
        raise BadRequest("scope: admin is for keys of the project `default`, because it concerns all projects")
    raise BadRequest(f"scope: {', '.join(unknown)} is not a scope; give some of {', '.join(SCOPES)}")


def _origins(given: Sequence[str]) -> tuple[str, ...]:
    if len(given) > _MOST_ORIGINS:
        raise BadRequest(f"origin: a key may have {_MOST_ORIGINS} at most; make another key for the others")
    return tuple(dict.fromkeys(map(_origin, given)))


def _origin(text: str) -> str:
    found = read_origin(text)
    if found is None or found.scheme not in {"http", "https"}:
        raise BadRequest("origin: give scheme, host and perhaps a port, such as https://shop.example; no path and no wildcard")
    return found.text


def _expires_ms(text: str, now_ms: int) -> int:
    number, unit = text[:-1], text[-1:]
    if unit in _UNITS_MS and number.isascii() and number.isdecimal() and len(number) < 7:
        expires_ms = now_ms + int(number) * _UNITS_MS[unit]
    else:
        expires_ms = parse_time("expires", text)
    if expires_ms <= now_ms:
        raise BadRequest("expires: that is not in the future; give 90d, 12h, 30m or a moment such as 2031-01-31T00:00:00Z")
    return expires_ms


def _rate(what: str, rate: float | None) -> float | None:
    if rate is not None and not (math.isfinite(rate) and 0 < rate <= _MOST_A_SECOND):
        raise BadRequest(f"rate of {what}: give a number over 0, or leave it out")
    return rate
