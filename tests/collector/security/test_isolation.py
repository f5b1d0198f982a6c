"""
A key of one project sees nothing of another, in any route; a page of another site can neither read nor post.
"""

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from collector.web.routers import PAGES
from tests.collector.security.databases import MARKER, events_of, resource_of
from tests.fakes.running import Answer, Running, eventually, running_collector

OPERATOR = "operator-key-of-this-test"
LISTENED_S = 1.0
EVIL = "http://evil.example"


@pytest.fixture(scope="module")
def collector(database_url: str) -> Iterator[Running]:
    with running_collector(database_url, api_key=OPERATOR) as running:
        yield running


@pytest.fixture(scope="module")
def keys(collector: Running) -> dict[str, str]:
    """
    A key with every scope of each project, after their events have become calls.
    """
    made = {project: _make_key(collector, project) for project in "ab"}
    for project, key in made.items():
        body = {"resource": resource_of(project), "events": events_of(project)}
        answer = collector.ask("POST", "/v1/events", body=body, headers=_bearer(key))
        assert [] == answer.json["rejected"]
    for key in made.values():
        eventually(lambda key=key: _are_settled(collector.ask("GET", "/v1/calls", headers=_bearer(key)).json["items"]))
    return made


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def _make_key(collector: Running, project: str) -> str:
    body = {"project": project, "name": MARKER if project == "b" else "", "scopes": ["ingest", "read", "sql"]}
    return collector.ask("POST", "/v1/admin/keys", body=body, headers=_bearer(OPERATOR)).json["key"]


def _are_settled(calls: list[dict[str, Any]]) -> bool:
    return 2 == len(calls) and all(call["status"] != "running" and call["trace_id"] for call in calls)


def _paths(collector: Running, key: str) -> list[str]:
    """Every GET route, those of pages too, with ids of the key's own project in their places."""
    ask = lambda path: collector.ask("GET", path, headers=_bearer(key)).json  # noqa: E731
    call = next(call for call in ask("/v1/calls")["items"] if call["request_id"].endswith("-1"))
    blob = next(
        event["payload"]["images"][0]["b64Json"]["$blob"] for event in ask("/v1/events")["items"] if "images" in event["payload"]
    )
    ids = {"request_id": call["request_id"], "trace_id": call["trace_id"], "sha256": blob, "file": "list.css"}
    templates = [path for path, verbs in ask("/openapi.json")["paths"].items() if "get" in verbs]
    templates += [route.path for router in PAGES for route in router.routes if "GET" in route.methods]  # pyright: ignore
    made: list[str] = []
    for template in dict.fromkeys(path.replace(":path}", "}") for path in templates):
        path = template
        for name, value in ids.items():
            path = path.replace(f"{{{name}}}", quote(value, safe=":"))
        made.append(path)
    return made


def _listened(collector: Running, path: str, key: str, last: str = "0-0") -> Answer:
    """What a stream says in a while, from its beginning."""
    connection = http.client.HTTPConnection(urlsplit(collector.url).netloc, timeout=LISTENED_S)
    connection.request("GET", path, headers={**_bearer(key), "last-event-id": last})
    answer = connection.getresponse()
    heard = b""
    try:
        while line := answer.readline():
            heard += line
    except TimeoutError:
        pass
    finally:
        connection.close()
    return Answer(status=answer.status, headers={}, body=heard)


def _heard(collector: Running, path: str, key: str) -> Answer:
    is_stream = path in ("/v1/live", "/live")
    return _listened(collector, path, key) if is_stream else collector.ask("GET", path, headers=_bearer(key))


def test_no_route_tells_of_another_project(collector: Running, keys: dict[str, str]) -> None:
    """
    Every GET route that there is, asked with the other project's ids: no answer has any of its words. With its own key each
    of them is asked too, and most do, so the words would be seen.
    """
    paths = _paths(collector, keys["b"])
    seen = {path: _heard(collector, path, keys["a"]) for path in paths}
    assert [] == [path for path, answer in seen.items() if MARKER.encode() in answer.body]
    assert [] == [path for path, answer in seen.items() if answer.status >= 500]

    open_to_itself = [path for path in paths if MARKER.encode() in _heard(collector, path, keys["b"]).body]
    assert {"/v1/events", "/v1/calls", "/v1/live"} <= set(open_to_itself)
    assert 5 <= len(open_to_itself)


def test_filters_reach_no_other_project(collector: Running, keys: dict[str, str]) -> None:
    """
    Neither by naming its values nor by leaving them out.
    """
    for query in (
        f"model={MARKER}-model",
        f"model=!{MARKER}-model",
        f"q={MARKER}",
        f"tool={MARKER}-tool",
        "project=b",
        "limit=1000",
    ):
        for path in ("/v1/calls", "/v1/events", "/v1/stats"):
            assert MARKER.encode() not in collector.ask("GET", f"{path}?{query}", headers=_bearer(keys["a"])).body.replace(
                query.encode(), b""
            )


def test_sql_by_http_is_of_the_keys_project(collector: Running, keys: dict[str, str]) -> None:
    """
    In each form of answer. A key without the scope gets none.
    """
    for accept in ("application/json", "text/csv", "application/x-ndjson"):
        for project, is_told in (("a", False), ("b", True)):
            headers = _bearer(keys[project]) | {"accept": accept}
            answer = collector.ask("POST", "/v1/sql", body={"sql": "SELECT * FROM events"}, headers=headers)
            assert (200, accept) == (answer.status, answer.headers["content-type"].partition(";")[0])
            assert is_told == (MARKER.encode() in answer.body)
    body = {"project": "a", "name": "", "scopes": ["ingest", "read"]}
    reader = collector.ask("POST", "/v1/admin/keys", body=body, headers=_bearer(OPERATOR)).json["key"]
    assert 403 == collector.ask("POST", "/v1/sql", body={"sql": "SELECT 1"}, headers=_bearer(reader)).status
    assert 401 == collector.ask("POST", "/v1/sql", body={"sql": "SELECT 1"}).status
    assert 403 == collector.ask("GET", "/v1/sql/schema", headers=_bearer(reader)).status


@pytest.mark.parametrize(
    "headers", [{"origin": EVIL}, {"origin": "null"}, {"host": "evil.example"}, {"host": "127.0.0.1.evil.example"}]
)
def test_another_site_neither_reads_nor_posts(collector: Running, keys: dict[str, str], headers: dict[str, str]) -> None:
    """
    A page of another origin, or of a name that was made to point here: 403 on every route that tells or takes something, even
    with a good key, and no header that would let a browser show the answer.
    """
    paths = [
        path for path in _paths(collector, keys["a"]) if path not in ("/healthz", "/readyz") and not path.startswith("/static/")
    ]
    answers = [collector.ask("GET", path, headers=_bearer(keys["a"]) | headers) for path in paths]
    for path, body in (("/v1/sql", {"sql": "SELECT 1"}), ("/v1/events", {"type": "x"}), ("/v1/admin/keys", {})):
        answers.append(collector.ask("POST", path, body=body, headers=_bearer(OPERATOR) | headers))
        answers.append(collector.ask("OPTIONS", path, headers=headers | {"access-control-request-method": "POST"}))
    told = [answer for answer in answers if answer.status < 400 or "access-control-allow-origin" in answer.headers]
    assert [] == [answer.body[:200] for answer in told]


def test_a_form_can_not_carry_a_statement(collector: Running, keys: dict[str, str]) -> None:
    """
    The media types that a page of another site may send without asking first are refused.
    """
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        headers = _bearer(keys["a"]) | {"content-type": kind}
        assert 415 == collector.ask("POST", "/v1/sql", body={"sql": "SELECT 1"}, headers=headers).status


def test_a_large_body_is_refused_before_it_is_read(collector: Running) -> None:
    """
    Also without a key: by its told length.
    """
    answer = collector.ask("POST", "/v1/sql", body={"sql": "x" * 2_000_000})
    assert 413 == answer.status
    assert "over" in json.loads(answer.body)["detail"]
