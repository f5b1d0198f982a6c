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


def test_everything_about_a_key_is_kept(store: Store):
    """
    Its end, its origins and its rates; the last use moves forward only.
    """
    made = store.add_key(
        project="p",
        name="web",
        scopes=("ingest",),
        key_hash="aa",
        now_ms=5,
        expires_ms=9,
        origins=("https://b.example", "https://a.example"),
        events_per_s=0.5,
        bytes_per_s=1e6,
    )
    assert made == store.find_key("aa")
    assert made.is_public
    for now_ms in (7, 6):
        store.note_key_use(made.key_id, now_ms=now_ms)
    assert [7] == [key.last_used_ms for key in store.list_keys()]


def test_origins_are_those_of_keys_that_are_not_revoked(store: Store):
    """
    Each once.
    """
    add = lambda name, *origins: store.add_key(  # noqa: E731
        project="p", name=name, scopes=(), key_hash=name, now_ms=5, origins=origins
    )
    add("none")
    add("one", "https://a.example", "https://b.example")
    gone = add("two", "https://b.example", "https://c.example")
    assert ["https://a.example", "https://b.example", "https://c.example"] == store.public_origins()
    store.revoke_key(gone.key_id, now_ms=6)
    assert ["https://a.example", "https://b.example"] == store.public_origins()


def test_session_ends_when_it_is_over_or_ended(store: Store):
    """
    And one that is over is forgotten at the next login.
    """
    store.add_session("one", "key-1", now_ms=0, expires_ms=10)
    store.add_session("two", "key-2", now_ms=0, expires_ms=20)
    assert ("key-1", "key-2", None) == tuple(store.session_key(name, now_ms=9) for name in ("one", "two", "three"))
    assert store.session_key("one", now_ms=10) is None
    store.end_session("two")
    assert store.session_key("two", now_ms=0) is None
    store.add_session("four", "key-1", now_ms=10, expires_ms=30)
    assert store.session_key("one", now_ms=0) is None
