"""
Make keys and show them.

Flow: `hookline keys`, the admin routes -> **here** -> storage (KeyStore). Only a key's SHA-256 is kept.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from collector.errors import BadRequest
from collector.storage.protocols import ApiKey, KeyStore

SCOPES = ("ingest", "read", "sql")


def hash_key(key: str) -> str:
    """The form in which a key is stored. The key is random, so a plain hash tells nothing of it."""
    return hashlib.sha256(key.encode()).hexdigest()


def make_key(store: KeyStore, *, project: str, name: str, scopes: Sequence[str], now_ms: int) -> dict[str, Any]:
    """A new key, told this once. Raises BadRequest."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise BadRequest(f"scope: {', '.join(unknown) or 'none'} is not a scope; give some of {', '.join(SCOPES)}")
    if not project.strip() or "\0" in project + name or max(len(project), len(name)) > 200:
        raise BadRequest("project and name: give a project; neither may be longer than 200 characters")
    key = f"hk_{secrets.token_urlsafe(32)}"
    stored = store.add_key(project=project, name=name, scopes=tuple(dict.fromkeys(scopes)), key_hash=hash_key(key), now_ms=now_ms)
    return {**key_as_row(stored), "key": key}


def key_as_row(key: ApiKey) -> dict[str, Any]:
    """What may be shown of a stored key."""
    return {**asdict(key), "scopes": list(key.scopes)}
