"""
Keys on running collectors: revoked at once, limited in what they send, public ones for pages, and their last use.
"""

import gzip
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from sdk_hooks.transport import Delivered, HttpTransport, RetryLater
from tests.fakes.running import Answer, Running, chat_call, eventually, running_collector

OPERATOR = "operator-key-of-this-test"
SHOP, ADMIN = "https://shop.example", "https://admin.shop.example:8443"


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_collector(f"sqlite:///{tmp_path_factory.mktemp('keys') / 'a.db'}", api_key=OPERATOR) as running:
        yield running


def administered(collector: Running, path: str, **body: Any) -> Any:
    answer = collector.ask("POST", f"/v1/admin/{path}", body=body, headers={"authorization": f"Bearer {OPERATOR}"})
    return answer.json


def listed(collector: Running, key_id: str) -> Any:
    rows = collector.ask("GET", "/v1/admin/keys", headers={"authorization": f"Bearer {OPERATOR}"}).json["items"]
    return next(row for row in rows if row["key_id"] == key_id)


def send(collector: Running, key: str, *, origin: str | None = None, body: Any = ()) -> Answer:
    headers = {"authorization": f"Bearer {key}"} | ({"origin": origin} if origin else {})
    return collector.ask("POST", "/v1/events", body=list(body), headers=headers)


def test_revoked_key_ends_with_the_answer(collector: Running) -> None:
    """
    On the collector that was asked there is no moment after it.
    """
    made = administered(collector, "keys", project="p", scopes=["ingest"])
    assert 200 == send(collector, made["key"]).status
    assert administered(collector, "keys/revoke", key_id=made["key_id"])["revoked"]
    assert 401 == send(collector, made["key"]).status


def test_revoked_key_ends_on_every_collector(postgresql_url: str) -> None:
    """
    Two collectors on one database, both of which know the key from a moment ago: the other one refuses it soon.
    """
    with ExitStack() as stack:
        one, two = (stack.enter_context(running_collector(postgresql_url, api_key=OPERATOR)) for _ in range(2))
        made = administered(one, "keys", project="p", scopes=["ingest", "read"])
        assert [200, 200] == [send(asked, made["key"]).status for asked in (one, two)]
        administered(one, "keys/revoke", key_id=made["key_id"])
        assert 401 == send(one, made["key"]).status
        eventually(lambda: send(two, made["key"]).status == 401)


def test_last_use_is_told(collector: Running) -> None:
    """
    None before the first request; afterwards a time, without the request waiting for it.
    """
    made = administered(collector, "keys", project="p", scopes=["ingest"], name="ci")
    assert listed(collector, made["key_id"])["last_used_ms"] is None
    send(collector, made["key"])
    assert eventually(lambda: listed(collector, made["key_id"])["last_used_ms"]) >= made["created_ms"]


@pytest.mark.parametrize(
    ("wish", "word"),
    [
        ({"expires": "yesterday"}, "expires"),
        ({"expires": "1000"}, "future"),
        ({"expires": "0d"}, "future"),
        ({"origins": ["https://*.example"]}, "origin"),
        ({"origins": ["shop.example"]}, "origin"),
        ({"origins": ["https://shop.example/path"]}, "origin"),
        ({"origins": ["file://x"]}, "origin"),
        ({"origins": ["null"]}, "origin"),
        ({"origins": [SHOP], "scopes": ["read"]}, "may only send"),
        ({"origins": [SHOP], "scopes": ["ingest", "admin"]}, "may only send"),
        ({"project": "p", "scopes": ["admin"]}, "default"),
        ({"scopes": ["root"]}, "scope"),
        ({"events_per_s": 0}, "rate"),
        ({"bytes_per_s": -1}, "rate"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_what_makes_no_key_is_said(collector: Running, wish: dict[str, Any], word: str) -> None:
    """
    400 with the part that is wrong.
    """
    answer = collector.ask("POST", "/v1/admin/keys", body=wish, headers={"authorization": f"Bearer {OPERATOR}"})
    assert 400 == answer.status
    assert word in answer.json["detail"]


def test_public_key_sends_from_its_origins_and_does_nothing_else(collector: Running) -> None:
    """
    Preflight and answer name the origin; from any other one, and from a program, it is refused.
    """
    made = administered(collector, "keys", project="web", origins=[SHOP, ADMIN])
    assert made["key"].startswith("hk_pub_")
    assert (["ingest"], [SHOP, ADMIN]) == (made["scopes"], made["origins"])
    for origin in (SHOP, ADMIN):
        asked = collector.ask("OPTIONS", "/v1/events", headers={"origin": origin, "access-control-request-method": "POST"})
        assert (204, origin) == (asked.status, asked.headers["access-control-allow-origin"])
        assert {"authorization", "content-type"} <= set(asked.headers["access-control-allow-headers"].split(", "))
        told = send(collector, made["key"], origin=origin)
        assert (200, origin) == (told.status, told.headers["access-control-allow-origin"])
    for origin in ("https://evil.example", "http://shop.example", "https://shop.example:444", "null", None):
        told = send(collector, made["key"], origin=origin)
        assert (403, None) == (told.status, told.headers.get("access-control-allow-origin"))
    evil = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    assert 403 == collector.ask("OPTIONS", "/v1/events", headers=evil).status
    # Reading is not for that origin, whatever key it shows.
    asked = collector.ask("OPTIONS", "/v1/events/", headers={"origin": SHOP, "access-control-request-method": "GET"})
    assert "access-control-allow-origin" not in asked.headers


def test_secret_key_is_refused_from_a_page_that_has_a_public_one(collector: Running) -> None:
    """
    The origin is let in for its public key, and for nothing else.
    """
    administered(collector, "keys", project="web", origins=[SHOP])
    secret = administered(collector, "keys", project="web", scopes=["ingest"])["key"]
    assert (200, 403) == (send(collector, secret).status, send(collector, secret, origin=SHOP).status)


def test_origin_of_the_last_public_key_is_forgotten_with_it(collector: Running) -> None:
    """
    Revoked: the preflight is refused too.
    """
    made = administered(collector, "keys", project="web", origins=["https://gone.example"])
    asked = {"origin": "https://gone.example", "access-control-request-method": "POST"}
    assert 204 == collector.ask("OPTIONS", "/v1/events", headers=asked).status
    administered(collector, "keys/revoke", key_id=made["key_id"])
    assert 403 == collector.ask("OPTIONS", "/v1/events", headers=asked).status


def test_public_key_has_smaller_limits(collector: Running) -> None:
    """
    A body and a batch that a secret key may send.
    """
    key = administered(collector, "keys", project="web", origins=[SHOP])["key"]
    many = [{"type": "x", "eventId": str(n), "timestamp": 1} for n in range(501)]
    assert (413, 200) == (
        send(collector, key, origin=SHOP, body=many).status,
        send(collector, key, origin=SHOP, body=many[1:]).status,
    )
    large = [{"type": "x", "eventId": "large", "timestamp": 1, "text": "y" * 600_000}]
    assert 422 == send(collector, key, origin=SHOP, body=large).status
    assert 200 == send(collector, OPERATOR, body=large).status


def test_rate_of_a_key_and_what_the_client_makes_of_it(collector: Running) -> None:
    """
    429 with Retry-After, which our client takes for a reason to wait; another key is not concerned. The page of a public key
    may read how long.
    """
    slow = administered(collector, "keys", project="p", scopes=["ingest"], events_per_s=0.01)["key"]
    events = [event for n in range(5) for event in chat_call(f"rate-{n}")]
    assert 200 == send(collector, slow, body=events).status
    refused = send(collector, slow, body=events)
    assert 429 == refused.status
    assert 1300 < int(refused.headers["retry-after"]) < 1410
    assert slow not in json.dumps(refused.json)

    transport = HttpTransport(collector.url, slow)
    answer = transport.post(json.dumps(events).encode(), is_gzip=False, timeout_s=60.0)
    transport.close()
    assert isinstance(answer, RetryLater)
    assert answer.after_s == pytest.approx(1400, abs=100)
    transport = HttpTransport(collector.url, OPERATOR)
    assert Delivered({}) == transport.post(json.dumps(events).encode(), is_gzip=False, timeout_s=60.0)
    transport.close()

    public = administered(collector, "keys", project="web", origins=[SHOP], events_per_s=0.01)["key"]
    send(collector, public, origin=SHOP, body=events)
    refused = send(collector, public, origin=SHOP, body=events)
    assert (429, SHOP) == (refused.status, refused.headers["access-control-allow-origin"])
    assert "retry-after" in refused.headers["access-control-expose-headers"]


def test_bytes_are_counted_as_they_are_after_inflating(collector: Running) -> None:
    """
    Compression buys nothing.
    """
    key = administered(collector, "keys", project="p", scopes=["ingest"], bytes_per_s=1000)["key"]
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json", "content-encoding": "gzip"}
    body = gzip.compress(json.dumps([{"type": "x", "eventId": "zip", "timestamp": 1, "text": "y" * 100_000}]).encode())
    assert len(body) < 1000
    assert [200, 429] == [collector.send("POST", "/v1/events", body, headers).status for _ in range(2)]


def test_settings_give_a_rate_to_keys_without_one(tmp_path: Any) -> None:
    """
    Also to HOOKLINE_API_KEY; without any key nothing is limited.
    """
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with running_collector(url, rate_events_per_s=0.1) as open_to_all:
        assert {200} == {open_to_all.post_events(*chat_call("a")).status for _ in range(5)}
    with running_collector(url, rate_events_per_s=0.1, api_key=OPERATOR) as collector:
        assert [200, 429] == [send(collector, OPERATOR, body=chat_call("a")).status for _ in range(2)]
