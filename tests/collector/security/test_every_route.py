"""
Every route with every kind of key: what is told to whom, as one table. A route that is not in it fails the test.
"""

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.routing import APIRoute

from collector.api.routers import ROUTERS
from collector.query.keys import SCOPES, hash_key
from collector.web.routers import PAGES
from tests.fakes.running import Running, running_collector

OPERATOR = "operator-key-of-this-test"
SHOP = "https://shop.example"

KINDS = ("none", "wrong", "revoked", "expired", "ingest", "read", "sql", "other", "public", "operator")
"""Keys: of which `other` has all scopes of another project, and `public` is shown from its own origin."""
IN = 200
"""Let in: 200, or 400, 404, 422 for a question about nothing. The others are told as they are."""

#        none wrong revoked expired | ingest read sql other public operator
OPEN = (IN,) * 10
READ = (401, 401, 401, 401, 403, IN, 403, IN, 403, IN)
SQL = (401, 401, 401, 401, 403, 403, IN, IN, 403, IN)
ADMIN = (401, 401, 401, 401, 403, 403, 403, 403, 403, IN)
SEND = (401, 401, 401, 401, IN, 403, 403, IN, IN, IN)
# A page of another site gets nothing at all, not even what is no secret.
SITE = (IN,) * 8 + (403, IN)
# Who has no key is led to the login, and from there on.
VIEW = (303, 303, 303, 303, 403, IN, 403, IN, 403, IN)
LOGIN = (IN, IN, IN, IN, 303, 303, 303, 303, 403, 303)
# Forms look at no key in the headers. They are taken from pages of this collector, and from programs, which say no origin.
LOGIN_FORM = (401,) * 8 + (403, 401)
LOGOUT_FORM = (303,) * 8 + (403, 303)

TABLE: dict[tuple[str, str], tuple[int, ...]] = {
    ("POST", "/v1/events"): SEND,
    ("GET", "/v1/events"): READ,
    ("GET", "/v1/calls"): READ,
    ("GET", "/v1/calls/{request_id:path}"): READ,
    ("GET", "/v1/traces/{trace_id}"): READ,
    ("GET", "/v1/stats"): READ,
    ("GET", "/v1/blobs/{sha256}"): READ,
    ("GET", "/v1/live"): READ,
    ("POST", "/v1/sql"): SQL,
    ("GET", "/v1/sql/schema"): SQL,
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/metrics"): READ,
    ("GET", "/v1/status"): READ,
    ("GET", "/openapi.json"): SITE,
    ("GET", "/docs"): SITE,
    ("GET", "/static/{digest}/{name}"): OPEN,
    ("GET", "/"): VIEW,
    ("GET", "/rows"): VIEW,
    ("GET", "/strip"): VIEW,
    ("GET", "/diagnosis"): VIEW,
    ("GET", "/calls/{request_id:path}"): VIEW,
    ("GET", "/sql"): VIEW,
    ("GET", "/login"): LOGIN,
    ("POST", "/login"): LOGIN_FORM,
    ("POST", "/logout"): LOGOUT_FORM,
}
BODIES: dict[str, Any] = {
    "/v1/events": [],
    "/v1/sql": {"sql": "SELECT 1"},
    "/v1/admin/keys/revoke": {"key_id": "nobody"},
}
PARAMETERS = {"request_id:path": "nothing", "trace_id": "0" * 32, "sha256": "0" * 64, "digest": "0", "name": "x.js"}


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    url = f"sqlite:///{tmp_path_factory.mktemp('routes') / 'a.db'}"
    with running_collector(url, api_key=OPERATOR) as running:
        yield running


@pytest.fixture(scope="module")
def headers(collector: Running) -> dict[str, dict[str, str]]:
    """
    How each kind of key is shown.
    """
    make = lambda **wish: _administered(collector, "/v1/admin/keys", wish)  # noqa: E731
    revoked = make(project="a", scopes=["ingest", "read", "sql"])
    _administered(collector, "/v1/admin/keys/revoke", {"key_id": revoked["key_id"]})
    shown = {
        "wrong": "hk_nobody-made-this",
        "revoked": revoked["key"],
        "expired": _expired(collector),
        **{scope: make(project="a", scopes=[scope])["key"] for scope in ("ingest", "read", "sql")},
        "other": make(project="b")["key"],
        "public": make(project="a", origins=[SHOP])["key"],
        "operator": OPERATOR,
    }
    made = {name: {"authorization": f"Bearer {key}"} for name, key in shown.items()}
    made["public"]["origin"] = SHOP
    return {"none": {}} | made


def _expired(collector: Running) -> str:
    assert collector.server.collector is not None
    collector.server.collector.store.add_key(
        project="a", name="", scopes=SCOPES, key_hash=hash_key("hk_of-yesterday"), now_ms=0, expires_ms=1
    )
    return "hk_of-yesterday"


def _administered(collector: Running, path: str, body: Any) -> Any:
    return collector.ask("POST", path, body=body, headers={"authorization": f"Bearer {OPERATOR}"}).json


def _expected() -> dict[tuple[str, str], tuple[int, ...]]:
    """The table, and the operator's routes, which are all alike."""
    return TABLE | {route: ADMIN for route in _routes() if route[1].startswith("/v1/admin/")}


def _routes() -> set[tuple[str, str]]:
    found = {
        (method, route.path)
        for router in (*ROUTERS, *PAGES)
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    return found | {("POST", "/v1/events")}


def _status_of(collector: Running, method: str, template: str, headers: dict[str, str]) -> int:
    path = template
    for name, value in PARAMETERS.items():
        path = path.replace(f"{{{name}}}", value)
    assert "{" not in path, f"what may stand in {template}?"
    connection = http.client.HTTPConnection(urlsplit(collector.url).netloc, timeout=100)
    body = json.dumps(BODIES.get(template, {})) if method == "POST" else None
    kind = {"content-type": "application/json"} if body else {}
    connection.request(method, path, body, {**kind, **headers})
    # Of a stream the head is enough.
    status = connection.getresponse().status
    connection.close()
    return IN if status in {200, 400, 404, 422} else status


def test_table_names_every_route() -> None:
    """
    A new route is listed here, with what each kind of key gets, before it is merged. Those below /v1/admin are the operator's.
    """
    assert _routes() == set(_expected())


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_key_gets_what_the_table_says(collector: Running, headers: dict[str, dict[str, str]], kind: str) -> None:
    """
    On every route, nothing more and nothing less.
    """
    place = KINDS.index(kind)
    expected = {route: row[place] for route, row in _expected().items()}
    assert expected == {route: _status_of(collector, *route, headers[kind]) for route in expected}


@pytest.mark.parametrize(
    "origin", [None, "https://evil.example", "https://shop.example.evil.example", "http://shop.example", "null"]
)
def test_a_public_key_is_nothing_elsewhere(collector: Running, headers: dict[str, dict[str, str]], origin: str | None) -> None:
    """
    Shown by a program or by a page of another origin it opens no route that a key opens.
    """
    shown = {name: value for name, value in headers["public"].items() if name != "origin"} | (
        {"origin": origin} if origin else {}
    )
    free = (OPEN, SITE) if origin else (OPEN, SITE, LOGIN_FORM, LOGOUT_FORM)
    closed = [route for route, row in _expected().items() if row not in free]
    assert {403} == {_status_of(collector, *route, shown) for route in closed}


def test_without_any_key_everybody_on_this_machine_is_the_operator(sqlite_url: str) -> None:
    """
    Until the first key is made, on loopback only.
    """
    with running_collector(sqlite_url) as collector:
        without_key = {LOGIN: 303, LOGIN_FORM: 401, LOGOUT_FORM: 303}
        expected = {route: without_key.get(row, IN) for route, row in _expected().items()}
        assert expected == {
            route: _status_of(collector, *route, {}) for route in expected if route != ("POST", "/v1/admin/keys")
        } | {("POST", "/v1/admin/keys"): IN}
