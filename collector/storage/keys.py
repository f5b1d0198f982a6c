"""
API keys: only their hashes are kept.

Flow: api.access, `hookline keys` -> **Keys** -> api_keys.
"""

import json
import secrets
from collections.abc import Sequence

from sqlalchemy import select, update

from collector.storage.database import StorePart
from collector.storage.protocols import ApiKey
from collector.storage.rows import AnyRow
from collector.storage.tables import api_keys
from collector.storage.upserts import insert

_COLUMNS = tuple(column for column in api_keys.c if column.name != "key_hash")


class Keys(StorePart):
    """`KeyStore`."""

    def add_key(self, *, project: str, name: str, scopes: Sequence[str], key_hash: str, now_ms: int) -> ApiKey:
        """See `KeyStore.add_key`."""
        key = ApiKey(
            key_id=secrets.token_hex(6), project=project, name=name, scopes=tuple(scopes), created_ms=now_ms, revoked_ms=None
        )
        row = {
            "key_id": key.key_id,
            "project": project,
            "name": name,
            "scopes": json.dumps(list(scopes)),
            "key_hash": key_hash,
            "created_ms": now_ms,
        }
        self._database.write(lambda connection: connection.execute(insert(connection.dialect.name, api_keys).values(row)))
        return key

    def find_key(self, key_hash: str) -> ApiKey | None:
        """See `KeyStore.find_key`."""
        statement = select(*_COLUMNS).where(api_keys.c.key_hash == key_hash, api_keys.c.revoked_ms.is_(None))
        with self._database.reading() as connection:
            found = connection.execute(statement).one_or_none()
        return None if found is None else _key(found)

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
    return ApiKey(
        key_id=row.key_id,
        project=row.project,
        name=row.name,
        scopes=tuple(json.loads(row.scopes)),
        created_ms=row.created_ms,
        revoked_ms=row.revoked_ms,
    )
