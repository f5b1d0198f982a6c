"""
GET /v1/live, over a real connection.
"""

import http.client
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.end_to_end.database import count
from tests.fakes.running import Running, chat_call, eventually, running_collector

OPERATOR = "operator-key-of-this-test"
AS_OPERATOR = {"authorization": f"Bearer {OPERATOR}"}


@pytest.fixture
def collector(store_url: str) -> Iterator[Running]:
    with running_collector(store_url) as running:
        yield running


@contextmanager
def _following(collector: Running, last_event_id: str | None = None, **headers: str) -> Iterator[Iterator[dict[str, Any]]]:
    connection = http.client.HTTPConnection(urlsplit(collector.url).netloc, timeout=100)
    connection.request("GET", "/v1/live", headers=headers | ({"last-event-id": last_event_id} if last_event_id else {}))
    answer = connection.getresponse()
    assert (200, "text/event-stream; charset=utf-8") == (answer.status, answer.getheader("content-type"))
    assert b"retry: 1000" == answer.readline().strip()
    yield _messages(answer)
    connection.close()


def _messages(answer: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    message: dict[str, Any] = {}
    while line := answer.readline():
        name, _, value = line.decode().strip().partition(": ")
        if name in {"id", "event"}:
            message[name] = value
        elif name == "data":
            message["data"] = json.loads(value)
        elif not name and "data" in message:
            yield message
            message = {}


def _until(messages: Iterator[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Messages up to the call `name` being settled."""
    read = list[dict[str, Any]]()
    for message in messages:
        read.append(message)
        if message["event"] == "call" and (message["data"]["request_id"], message["data"]["status"]) == (name, "ok"):
            return read
    raise AssertionError("the stream ended")


def _event_ids(messages: list[dict[str, Any]]) -> list[str]:
    return [message["data"]["event_id"] for message in messages if message["event"] == "event"]


def test_events_and_changed_calls_come_as_they_happen_and_resume_without_a_gap(collector: Running) -> None:
    """
    From now on, in order; what is sent while nobody listens comes after a resume; nothing comes that was before.
    """
    collector.post_events(*chat_call("before"))
    collector.wait_for_calls("before")
    with _following(collector) as messages:
        collector.post_events(*chat_call("a"))
        first = _until(messages, "a")
    collector.post_events(*chat_call("missed-1"))
    collector.post_events(*chat_call("missed-2"))
    with _following(collector, first[-1]["id"]) as messages:
        collector.post_events(*chat_call("c"))
        second = _until(messages, "c")

    assert ["a-1", "a-2", "a-3"] == _event_ids(first)
    assert [f"{name}-{n}" for name in ("missed-1", "missed-2", "c") for n in (1, 2, 3)] == _event_ids(second)
    assert {"missed-1", "missed-2", "c"} <= {m["data"]["request_id"] for m in second if m["event"] == "call"}


def test_resuming_in_the_middle_of_events_repeats_none(collector: Running) -> None:
    """
    The id of each message is a place to go on from.
    """
    with _following(collector) as messages:
        collector.post_events(*chat_call("a"), *chat_call("b"))
        read = _until(messages, "b")
    place = next(message["id"] for message in read if message["event"] == "event" and message["data"]["event_id"] == "a-2")
    with _following(collector, place) as messages:
        again = [next(messages) for _ in range(4)]

    assert ["a-3", "b-1", "b-2", "b-3"] == _event_ids(again)


def test_readers_of_other_collectors_hear_and_resume_without_a_gap(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    One collector takes in and works, two others serve readers: they are rung without looking by themselves, and a reader that
    comes back to the other one misses nothing.
    """
    monkeypatch.setattr("collector.api.live.LOOK_ANYWAY_S", 60.0)
    with (
        running_collector(postgresql_url, roles="ingest,work") as writer,
        running_collector(postgresql_url, roles="web") as one,
        running_collector(postgresql_url, roles="web") as other,
    ):
        listed = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
        eventually(lambda: count(postgresql_url, listed) == 3)
        with _following(one) as messages:
            writer.post_events(*chat_call("a"))
            first = _until(messages, "a")
        writer.post_events(*chat_call("missed"))
        with _following(other, first[-1]["id"]) as messages:
            writer.post_events(*chat_call("c"))
            second = _until(messages, "c")

    assert ["a-1", "a-2", "a-3"] == _event_ids(first)
    assert [f"{name}-{n}" for name in ("missed", "c") for n in (1, 2, 3)] == _event_ids(second)


def test_many_senders_and_a_follower_lose_nothing(collector: Running) -> None:
    """
    Commits of several requests at once: every event comes once.
    """
    names = [f"n{n}" for n in range(40)]

    def send(mine: list[str]) -> None:
        for name in mine:
            collector.post_events(*chat_call(name))

    with _following(collector) as messages:
        senders = [threading.Thread(target=send, args=(names[n::4],)) for n in range(4)]
        for sender in senders:
            sender.start()
        got = list[str]()
        while len(got) < 120:
            message = next(messages)
            got += _event_ids([message])
        for sender in senders:
            sender.join()

    assert sorted(f"{name}-{n}" for name in names for n in (1, 2, 3)) == sorted(got)


def test_a_follower_that_left_is_forgotten_and_a_stop_ends_streams(store_url: str) -> None:
    """
    The server does not wait for somebody who follows for ever.
    """
    with running_collector(store_url) as collector:
        assert collector.server.collector is not None
        hub = collector.server.collector.hub
        with _following(collector):
            eventually(lambda: hub.followers() == 1)
        collector.post_events(*chat_call("x"))
        eventually(lambda: hub.followers() == 0)
        with _following(collector) as messages:
            eventually(lambda: hub.followers() == 1)
            collector.server.stop()
            assert [] == [m for m in messages if m["event"] == "event"]


def test_a_foreign_last_event_id_is_a_problem(collector: Running) -> None:
    """
    400, not a stream that starts anywhere.
    """
    answer = collector.get("/v1/live", last_event_id="17")
    assert (400, "application/problem+json") == (answer.status, answer.headers["content-type"])


@pytest.fixture
def locked(sqlite_url: str) -> Iterator[Running]:
    with running_collector(sqlite_url, api_key=OPERATOR) as running:
        yield running


def _made_key(collector: Running) -> dict[str, Any]:
    made: dict[str, Any] = collector.ask("POST", "/v1/admin/keys", body={"scopes": ["read"]}, headers=AS_OPERATOR).json
    return made


def _revoke(collector: Running, key_id: str) -> None:
    answer = collector.ask("POST", "/v1/admin/keys/revoke", body={"key_id": key_id}, headers=AS_OPERATOR)
    assert answer.json["revoked"]


def _logged_in(collector: Running, key: str) -> str:
    """The cookie of somebody who logged in on the page."""
    headers = {"content-type": "application/x-www-form-urlencoded", "origin": collector.url}
    answer = collector.send("POST", "/login", urlencode({"key": key}).encode(), headers)
    return answer.headers["set-cookie"].partition(";")[0]


@pytest.mark.parametrize("is_by_cookie", [False, True])
def test_a_revoked_key_ends_the_streams_it_opened(locked: Running, is_by_cookie: bool) -> None:
    """
    What came before is told; nothing of what came after, and then the end. So for a login that was made with the key.
    """
    made = _made_key(locked)
    shown = {"cookie": _logged_in(locked, made["key"])} if is_by_cookie else {"authorization": f"Bearer {made['key']}"}
    with _following(locked, **shown) as messages:
        locked.post_events(*chat_call("before"), key=OPERATOR)
        assert ["before-1", "before-2", "before-3"] == _event_ids(_until(messages, "before"))
        _revoke(locked, made["key_id"])
        locked.post_events(*chat_call("after"), key=OPERATOR)
        assert next((message for message in messages if message["event"] == "event"), None) is None


def test_a_key_revoked_at_another_collector_ends_its_streams_here(postgresql_url: str) -> None:
    """
    Nothing is asked of the collector that holds the stream.
    """
    with (
        running_collector(postgresql_url, api_key=OPERATOR) as here,
        running_collector(postgresql_url, api_key=OPERATOR) as other,
    ):
        made = _made_key(other)
        with _following(here, authorization=f"Bearer {made['key']}") as messages:
            other.post_events(*chat_call("before"), key=OPERATOR)
            assert ["before-1", "before-2", "before-3"] == _event_ids(_until(messages, "before"))
            _revoke(other, made["key_id"])
            assert [] == [message for message in messages if message["event"] == "event"]


def test_an_expired_key_ends_its_stream(locked: Running, sqlite_url: str) -> None:
    """
    Without anything being asked of the collector.
    """
    made = _made_key(locked)
    with _following(locked, authorization=f"Bearer {made['key']}") as messages:
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), timeout=60)) as database, database:
            assert 1 == database.execute("UPDATE api_keys SET expires_ms = 1 WHERE key_id = ?", (made["key_id"],)).rowcount
        assert [] == list(messages)


def test_a_logout_ends_the_streams_of_the_login_alone(locked: Running) -> None:
    """
    The key is still good, and so are its own streams.
    """
    key = _made_key(locked)["key"]
    cookie = _logged_in(locked, key)
    with _following(locked, cookie=cookie) as pages, _following(locked, authorization=f"Bearer {key}") as programs:
        headers = {"content-type": "application/x-www-form-urlencoded", "origin": locked.url, "cookie": cookie}
        assert 303 == locked.send("POST", "/logout", b"", headers).status
        assert [] == list(pages)
        locked.post_events(*chat_call("a"), key=OPERATOR)
        assert ["a-1", "a-2", "a-3"] == _event_ids(_until(programs, "a"))


def test_the_first_key_ends_streams_that_nobody_needed_one_for(collector: Running) -> None:
    """
    An open collector is closed to those as well who came before.
    """
    with _following(collector) as messages:
        assert collector.ask("POST", "/v1/admin/keys", body={}).json["key"]
        assert [] == list(messages)
