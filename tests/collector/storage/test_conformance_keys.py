"""
What every engine keeps of `KeyStore`.
"""

import pytest

from collector.errors import StoreError
from collector.storage.protocols import Store


def test_key_is_found_by_its_hash_until_it_is_revoked(store: Store):
    """
    Made, listed, found, revoked once; a revoked one is listed and not found.
    """
    assert not store.has_keys()
    made = store.add_key(project="p", name="ci", scopes=("ingest", "read"), key_hash="aa", now_ms=5)

    assert store.has_keys()
    assert made == store.find_key("aa")
    assert store.find_key("bb") is None
    assert (("ingest", "read"), None) == (made.scopes, made.revoked_ms)

    assert store.revoke_key(made.key_id, now_ms=9)
    assert not store.revoke_key(made.key_id, now_ms=10)
    assert not store.revoke_key("nobody", now_ms=10)
    assert store.find_key("aa") is None
    assert not store.has_keys()
    assert [9] == [key.revoked_ms for key in store.list_keys()]


def test_two_keys_never_share_a_hash(store: Store):
    """
    The database itself refuses the second.
    """
    store.add_key(project="p", name="one", scopes=(), key_hash="aa", now_ms=5)

    with pytest.raises(StoreError):
        store.add_key(project="q", name="two", scopes=(), key_hash="aa", now_ms=6)
