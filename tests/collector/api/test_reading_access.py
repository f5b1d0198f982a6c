"""
Who may read what: keys, scopes, projects, hosts.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.running import Running, chat_call, eventually, running_collector

OPERATOR = "operator-key-of-this-test"
PATHS = (
    "/v1/events",
    "/v1/calls",
    "/v1/calls/secret",
    "/v1/traces/x",
    "/v1/stats",
    f"/v1/blobs/{'0' * 64}",
    "/v1/live",
    "/metrics",
)


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    url = f"sqlite:///{tmp_path_factory.mktemp('access') / 'a.db'}"
    with running_collector(url, api_key=OPERATOR) as running:
        yield running


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def _make_key(collector: Running, project: str, *scopes: str) -> dict[str, Any]:
    body = {"project": project, "name": "test", "scopes": list(scopes)}
    answer = collector.ask("POST", "/v1/admin/keys", body=body, headers=_bearer(OPERATOR))
    assert 200 == answer.status
    return answer.json


@pytest.mark.parametrize("path", [*PATHS, "/v1/status", "/v1/admin/keys"])
def test_without_a_key_nothing_is_told(collector: Running, path: str) -> None:
    """
    401 with the way to authenticate, for no key and for a wrong one.
    """
    for headers in ({}, _bearer("wrong-key-of-this-test")):
        answer = collector.ask("GET", path, headers=headers)
        assert (401, "Bearer") == (answer.status, answer.headers["www-authenticate"])


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/login", "/docs", "/openapi.json"])
def test_what_tells_nothing_needs_no_key(collector: Running, path: str) -> None:
    """
    Probes and the pages about the routes.
    """
    assert 200 == collector.get(path).status


def test_a_key_that_may_only_send_reads_nothing(collector: Running) -> None:
    """
    403 names the scope that is missing.
    """
    key = _make_key(collector, "default", "ingest")["key"]
    for path in PATHS:
        answer = collector.ask("GET", path, headers=_bearer(key))
        assert 403 == answer.status
        assert "read" in answer.json["detail"]


def test_another_project_does_not_exist(collector: Running) -> None:
    """
    A call of project A is 404 for a key of project B, its trace and its media too, and no list has it.
    """
    ours, theirs = (_make_key(collector, project, "ingest", "read", "sql")["key"] for project in ("a", "b"))
    image = {
        "type": "image:request:completed",
        "requestId": "i",
        "images": [{"b64Json": "iVBORw0KGgo" + "A" * 3000}],
        "duration": 1,
    }
    assert 4 == collector.post_events(*chat_call("secret"), image, key=ours).json["accepted"]
    mine = eventually(lambda: _settled(collector.ask("GET", "/v1/calls/secret", headers=_bearer(ours)).json))
    events = collector.ask("GET", "/v1/events?type=image:request:completed", headers=_bearer(ours)).json["items"]
    digest = events[0]["payload"]["images"][0]["b64Json"]["$blob"]

    paths = ("/v1/calls/secret", f"/v1/traces/{mine['call']['trace_id']}", f"/v1/blobs/{digest}")
    assert [200, 200, 200] == [collector.ask("GET", path, headers=_bearer(ours)).status for path in paths]
    assert [404, 404, 404] == [collector.ask("GET", path, headers=_bearer(theirs)).status for path in paths]
    for path in ("/v1/calls", "/v1/events"):
        assert [] == collector.ask("GET", path, headers=_bearer(theirs)).json["items"]
    assert 0 == collector.ask("GET", "/v1/stats", headers=_bearer(theirs)).json["items"][0]["calls"]


def _settled(whole: dict[str, Any]) -> dict[str, Any] | None:
    return whole if whole["call"]["trace_id"] else None


def test_administration_is_the_operators(collector: Running) -> None:
    """
    All scopes of another project, or not all of the default one, are not enough.
    """
    for key in (_make_key(collector, "b", "ingest", "read", "sql"), _make_key(collector, "default", "read", "sql")):
        answers = [
            collector.ask("GET", "/v1/admin/keys", headers=_bearer(key["key"])),
            collector.ask("POST", "/v1/admin/reassemble", body={}, headers=_bearer(key["key"])),
            collector.ask("POST", "/v1/admin/keys", body={}, headers=_bearer(key["key"])),
        ]
        assert [403, 403, 403] == [answer.status for answer in answers]
        assert collector.ask("GET", "/v1/status", headers=_bearer(key["key"])).json["state"] is None


def test_a_key_that_only_administers_sees_the_state_and_nothing_of_a_project(collector: Running) -> None:
    """
    What `doctor` and the commands look at first, and the metrics of the whole; no event, not even when the last one came.
    """
    assert 200 == collector.post_events(*chat_call("seen"), key=OPERATOR).status
    shown = _bearer(_make_key(collector, "default", "admin")["key"])
    status = collector.ask("GET", "/v1/status", headers=shown)
    assert (200, None) == (status.status, status.json["last_event_received_ms"])
    assert status.json["state"] is not None
    assert 200 == collector.ask("GET", "/metrics", headers=shown).status
    assert 403 == collector.ask("GET", "/v1/events", headers=shown).status
    sender = _bearer(_make_key(collector, "default", "ingest")["key"])
    assert [403, 403] == [collector.ask("GET", path, headers=sender).status for path in ("/v1/status", "/metrics")]


def test_a_revoked_key_is_listed_and_its_secret_never(collector: Running) -> None:
    """
    The list has ids, names and times; no key and no hash.
    """
    made = _make_key(collector, "c", "read")
    body = {"key_id": made["key_id"]}
    assert collector.ask("POST", "/v1/admin/keys/revoke", body=body, headers=_bearer(OPERATOR)).json["revoked"]
    listed = collector.ask("GET", "/v1/admin/keys", headers=_bearer(OPERATOR))

    assert made["key"].encode() not in listed.body
    row = next(row for row in listed.json["items"] if row["key_id"] == made["key_id"])
    assert row["revoked_ms"] is not None
    facts = {"key_id", "project", "name", "scopes", "created_ms", "revoked_ms", "expires_ms", "last_used_ms", "origins"}
    assert facts | {"events_per_s", "bytes_per_s"} == set(row)


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "https://evil.example"}, {"origin": "null"}])
def test_other_sites_neither_read_nor_administer(collector: Running, headers: dict[str, str]) -> None:
    """
    Also not with a key: a browser that was tricked would send it.
    """
    for path in ("/v1/events", "/docs", "/", "/metrics"):
        assert 403 == collector.ask("GET", path, headers={**_bearer(OPERATOR), **headers}).status
    assert 403 == collector.ask("POST", "/v1/admin/reassemble", body={}, headers={**_bearer(OPERATOR), **headers}).status


def test_a_form_of_another_site_can_not_administer(collector: Running) -> None:
    """
    What a browser sends without asking first (no JSON media type) is refused.
    """
    headers = {**_bearer(OPERATOR), "content-type": "text/plain"}
    answer = collector.ask("POST", "/v1/admin/reassemble", body={}, headers=headers)
    assert 415 == answer.status
