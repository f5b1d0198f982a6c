"""
API keys: only their hashes are kept.

Flow: api.known_keys, `hookline keys` -> **Keys** -> api_keys.
"""

import json
import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select, update

from collector.storage.database import StorePart
from collector.storage.protocols import ApiKey
from collector.storage.rows import AnyRow
from collector.storage.tables import api_keys
from collector.storage.upserts import insert

_COLUMNS = tuple(column for column in api_keys.c if column.name != "key_hash")


class Keys(StorePart):
    """`KeyStore`."""

    def add_key(
        self,
        *,
        project: str,
        name: str,
        scopes: Sequence[str],
        key_hash: str,
        now_ms: int,
        expires_ms: int | None = None,
        origins: Sequence[str] = (),
        events_per_s: float | None = None,
        bytes_per_s: float | None = None,
    ) -> ApiKey:
        """See `KeyStore.add_key`."""
        row: dict[str, Any] = {
            "key_id": secrets.token_hex(6),
            "project": project,
            "name": name,
            "created_ms": now_ms,
            "expires_ms": expires_ms,
            "events_per_s": events_per_s,
            "bytes_per_s": bytes_per_s,
        }
        stored = {
            **row,
            "key_hash": key_hash,
            "scopes": json.dumps(list(scopes)),
            "origins": json.dumps(list(origins)) if origins else None,
        }
        self._database.write(lambda connection: connection.execute(insert(connection.dialect.name, api_keys).values(stored)))
        return ApiKey(**row, scopes=tuple(scopes), origins=tuple(origins))

    def find_key(self, key_hash: str) -> ApiKey | None:
        """See `KeyStore.find_key`."""
        statement = select(*_COLUMNS).where(api_keys.c.key_hash == key_hash, api_keys.c.revoked_ms.is_(None))
        with self._database.reading() as connection:
            found = connection.execute(statement).one_or_none()
        return None if found is None else _key(found)

    def note_key_use(self, key_id: str, *, now_ms: int) -> None:
        """See `KeyStore.note_key_use`."""
        is_earlier = or_(api_keys.c.last_used_ms.is_(None), api_keys.c.last_used_ms < now_ms)
        statement = update(api_keys).where(api_keys.c.key_id == key_id, is_earlier).values(last_used_ms=now_ms)
        self._database.write(lambda connection: connection.execute(statement))

    def public_origins(self) -> Sequence[str]:
        """See `KeyStore.public_origins`."""
        statement = select(api_keys.c.origins).where(api_keys.c.origins.is_not(None), api_keys.c.revoked_ms.is_(None))
        with self._database.reading() as connection:
            found = connection.execute(statement).scalars().all()
        return sorted({origin for text in found for origin in json.loads(text)})

    def list_keys(self) -> Sequence[ApiKey]:
        """See `KeyStore.list_keys`."""
        with self._database.reading() as connection:
            return [_key(row) for row in connection.execute(select(*_COLUMNS).order_by(api_keys.c.created_ms, api_keys.c.key_id))]

    def revoke_key(self, key_id: str, *, now_ms: int) -> bool:
        """See `KeyStore.revoke_key`."""
        statement = update(api_keys).where(api_keys.c.key_id == key_id, api_keys.c.revoked_ms.is_(None)).values(revoked_ms=now_ms)
        return self._database.write(lambda connection: connection.execute(statement).rowcount) == 1

    def has_keys(self) -> bool:
        """See `KeyStore.has_keys`."""
        statement = select(api_keys.c.key_id).where(api_keys.c.revoked_ms.is_(None)).limit(1)
        with self._database.reading() as connection:
            return connection.execute(statement).first() is not None


def _key(row: AnyRow) -> ApiKey:
    values: dict[str, Any] = dict(row._mapping)  # pyright: ignore[reportPrivateUsage]
    values["scopes"] = tuple(json.loads(row.scopes))
    values["origins"] = tuple(json.loads(row.origins or "[]"))
    return ApiKey(**values)
