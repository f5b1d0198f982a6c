"""
What an upgrade makes of keys that were there before.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from collector.storage import schema
from collector.storage.engines import open_store

OPERATOR = '["ingest", "read", "sql"]'
KEYS = (
    ("operator", "default", OPERATOR),
    ("of_a_project", "shop", OPERATOR),
    ("reader", "default", '["read", "sql"]'),
)


def test_who_could_administer_still_can_and_nobody_else(tmp_path: Path) -> None:
    """
    All scopes of the project `default` meant it before `admin` was a scope; everything else about the keys stays.
    """
    path = tmp_path / "a.db"
    url = f"sqlite:///{path}"
    schema.upgrade(url, to="0005")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO api_keys (key_id, project, name, scopes, key_hash, created_ms) VALUES (?1, ?2, '', ?3, ?1, 5)", KEYS
        )
    schema.upgrade(url)

    store = open_store(url, settle_ms=0)
    try:
        found = {key.key_id: key for key in store.list_keys()}
    finally:
        store.close()
    assert {"operator"} == {name for name, key in found.items() if "admin" in key.scopes}
    assert ("ingest", "read", "sql") == found["of_a_project"].scopes
    assert {(5, None, None, ())} == {(key.created_ms, key.expires_ms, key.events_per_s, key.origins) for key in found.values()}
