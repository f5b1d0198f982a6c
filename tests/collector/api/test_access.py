"""
Keys: looked up once, remembered for seconds, never longer.
"""

import hashlib
import threading

import pytest

from collector.api.access import ALL_SCOPES, Access, Identity
from collector.errors import NotAllowed, NotAuthenticated, StoreUnavailable
from collector.storage.protocols import ApiKey
from tests.fakes.clock import FakeClock
from tests.fakes.memory_writer import MemoryKeys

KEY = "hl_0123456789abcdef"
API_KEY = "the-key-of-the-environment"


def stored(scopes=("ingest",)):
    key = ApiKey(key_id="1", project="shop", name="n", scopes=scopes, created_ms=0, revoked_ms=None)
    return MemoryKeys((hashlib.sha256(KEY.encode()).hexdigest(), key))


def bearer(key):
    return [(b"authorization", b"Bearer " + key.encode())]


def make(keys, clock=None, **options):
    return Access(keys, host="127.0.0.1", monotonic_s=(clock or FakeClock()).monotonic_s, **options)


def test_stored_key_gives_its_project_and_scopes():
    """
    And no more.
    """
    assert Identity(project="shop", scopes=frozenset({"ingest"})) == make(stored()).identify(bearer(KEY))


def test_key_of_the_environment_has_every_scope_of_the_default_project():
    """
    Beside the stored ones, and without asking the database.
    """
    keys = stored()
    access = make(keys, api_key=API_KEY)
    assert Identity(project="default", scopes=ALL_SCOPES) == access.identify(bearer(API_KEY))
    assert 0 == keys.lookups
    assert "shop" == access.identify(bearer(KEY)).project


def test_key_of_the_environment_closes_the_server():
    """
    Loopback or not.
    """
    with pytest.raises(NotAuthenticated):
        make(MemoryKeys(), api_key=API_KEY).identify([])


def test_without_any_key_loopback_is_open():
    """
    A key that a client happens to have does not lock it out.
    """
    access = make(MemoryKeys())
    assert "default" == access.identify([]).project == access.identify(bearer("whatever")).project


def test_first_key_closes_loopback_within_a_second():
    """
    Whoever makes a key means it.
    """
    keys, clock = MemoryKeys(), FakeClock()
    access = make(keys, clock)
    access.identify([])
    keys.keys = stored().keys
    clock.advance(1_001)
    with pytest.raises(NotAuthenticated):
        access.identify([])


def test_key_is_looked_up_once_in_a_while():
    """
    Not once a request.
    """
    keys, clock = stored(), FakeClock()
    access = make(keys, clock)
    for _ in range(100):
        access.identify(bearer(KEY))
    assert 1 == keys.lookups
    clock.advance(5_001)
    access.identify(bearer(KEY))
    assert 2 == keys.lookups


def test_revoked_key_stops_within_a_second():
    """
    Where another collector was told; through this one it stops at once.
    """
    keys, clock = stored(), FakeClock()
    access = make(keys, clock, api_key=API_KEY)
    access.identify(bearer(KEY))
    keys.revoke_key("1", now_ms=0)
    clock.advance(1_001)
    with pytest.raises(NotAuthenticated):
        access.identify(bearer(KEY))


def test_new_key_works_a_second_after_it_was_tried_too_early():
    """
    What is unknown is remembered for a shorter time.
    """
    keys, clock = MemoryKeys(), FakeClock()
    access = make(keys, clock, api_key=API_KEY)
    with pytest.raises(NotAuthenticated):
        access.identify(bearer(KEY))
    keys.keys = stored().keys
    clock.advance(1_001)
    assert "shop" == access.identify(bearer(KEY)).project


def test_guessed_keys_fill_no_memory():
    """
    Ten thousand wrong ones.
    """
    access = make(stored(), api_key=API_KEY)
    for n in range(10_000):
        with pytest.raises(NotAuthenticated):
            access.identify(bearer(f"guess-{n}"))
    assert len(access._known._verdicts) <= 1024


def test_database_that_is_away_is_not_a_wrong_key():
    """
    503 and not 401: the sender keeps its events.
    """
    keys = stored()
    keys.find_key = lambda key_hash: (_ for _ in ()).throw(StoreUnavailable("away"))
    with pytest.raises(StoreUnavailable):
        make(keys).identify(bearer(KEY))


def test_two_authorization_headers_are_none():
    """
    Nobody can say which one counts.
    """
    with pytest.raises(NotAuthenticated):
        make(stored()).identify([*bearer(KEY), *bearer(KEY)])


def test_scope_is_required_by_name():
    """
    The message names the scope.
    """
    with pytest.raises(NotAllowed, match="ingest"):
        Identity(project="p", scopes=frozenset({"read"})).require("ingest")


async def test_database_is_asked_in_a_thread():
    """
    The event loop never waits for a lookup, and a remembered key needs no thread.
    """
    keys, threads = stored(), []
    find = keys.find_key
    keys.find_key = lambda key_hash: (threads.append(threading.current_thread()), find(key_hash))[1]
    access = make(keys)
    assert "shop" == (await access.identify_async(bearer(KEY))).project
    assert "shop" == (await access.identify_async(bearer(KEY))).project
    assert 1 == len(threads)
    assert threading.main_thread() is not threads[0]


def test_cookie_stands_for_the_key_that_was_shown():
    """
    Who logged in on the page is whoever the key is; a key in the request beats the cookie, and without a session nobody comes in.
    """
    digest = hashlib.sha256(KEY.encode()).digest()
    access = make(stored(), read_cookie=lambda text: digest if text == "session=good" else None)
    found = access.identify([(b"cookie", b"session=good")])
    assert ("shop", True) == (found.project, found.is_by_cookie)
    with pytest.raises(NotAuthenticated):
        access.identify([(b"cookie", b"session=bad")])
    assert not access.identify([(b"cookie", b"session=good"), *bearer(KEY)]).is_by_cookie


def test_forgotten_keys_are_asked_for_anew():
    """
    What this collector made or revoked itself counts from that moment on.
    """
    keys = stored()
    access = make(keys, api_key=API_KEY)
    access.identify(bearer(KEY))
    keys.revoke_key("1", now_ms=0)
    access.forget_keys()
    with pytest.raises(NotAuthenticated):
        access.identify(bearer(KEY))


def test_busy_sender_never_waits_for_the_database():
    """
    A key that is used all the time is asked for beside the requests, and a database that is away is noticed within a second.
    """
    keys, clock, later = stored(), FakeClock(), []
    access = make(keys, clock, later=later.append)
    access.identify(bearer(KEY))
    later.clear()  # of the last use
    for _ in range(100):
        clock.advance(100)
        lookups = keys.lookups
        access.identify(bearer(KEY))
        assert lookups == keys.lookups
        while later:
            later.pop()()
    keys.find_key = lambda key_hash: (_ for _ in ()).throw(StoreUnavailable("away"))
    for _ in range(9):
        clock.advance(100)
        access.identify(bearer(KEY))
        while later:
            later.pop()()
    clock.advance(200)
    with pytest.raises(StoreUnavailable):
        access.identify(bearer(KEY))


def test_expired_key_is_told_so():
    """
    Within a second of its end.
    """
    key = ApiKey(key_id="1", project="shop", name="n", scopes=("ingest",), created_ms=0, expires_ms=1)
    with pytest.raises(NotAuthenticated, match="expired"):
        make(MemoryKeys((hashlib.sha256(KEY.encode()).hexdigest(), key))).identify(bearer(KEY))


def test_last_use_is_noted_once_a_minute_and_costs_no_request_anything():
    """
    A database that doesn't take it is no reason to refuse.
    """
    keys, clock = stored(), FakeClock()
    failing = lambda key_id, *, now_ms: (_ for _ in ()).throw(StoreUnavailable("read-only"))  # noqa: E731
    access = make(keys, clock, later=lambda job: job())
    for _ in range(10):
        access.identify(bearer(KEY))
        clock.advance(1_001)
    assert ["1"] == [key_id for key_id, _ in keys.uses]
    keys.note_key_use = failing
    assert "shop" == make(keys, later=lambda job: job()).identify(bearer(KEY)).project
