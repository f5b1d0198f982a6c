"""
Routes about the collector itself, its pages, its media.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import httpx2
import pytest
from fastapi import FastAPI

from collector.api.ops import COMMIT_AGE_LIMIT_S, router
from tests.fakes.running import Running, chat_call, running_collector

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_collector(f"sqlite:///{tmp_path_factory.mktemp('ops') / 'a.db'}") as running:
        yield running


def test_metrics_count_what_came_in(collector: Running) -> None:
    """
    Received, accepted, duplicates, rejected by code; queue, commits, exports as gauges.
    """
    collector.post_events(*chat_call("m"), {"no": "type"})
    collector.post_events(*chat_call("m"))
    told = collector.get("/metrics").body.decode()

    for line in (
        "hookline_events_received_total 7.0",
        "hookline_events_accepted_total 3.0",
        "hookline_events_duplicates_total 3.0",
        'hookline_events_rejected_total{code="missing_type"} 1.0',
        "hookline_queue_events 0.0",
        "hookline_database_up 1.0",
    ):
        assert line in told
    # The assembler's transactions count too, so the age may be a few milliseconds.
    assert "hookline_commit_age_seconds 0.0" in told
    assert "hookline_oldest_due_work_seconds" in told
    assert {"missing_type": 1} == collector.get("/v1/status").json["rejected"]


def test_reassemble_keeps_ids(collector: Running) -> None:
    """
    The same call, the same trace and span after it.
    """
    collector.post_events(*chat_call("r"))
    before = collector.wait_for_calls("r")["r"]
    assert {"count": 1} == collector.ask("POST", "/v1/admin/reassemble", body={"request_id": "r"}).json
    after = collector.wait_for_calls("r")["r"]

    assert (before["trace_id"], before["span_id"]) == (after["trace_id"], after["span_id"])


def test_pages_load_nothing_from_elsewhere(collector: Running) -> None:
    """
    No script or style in the page itself, no address but our own paths, and a policy that would forbid it.

    Every route is in /docs.
    """
    for path in ("/", "/docs"):
        answer = collector.get(path)
        page = answer.body.decode()
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert not re.findall(r"<script(?![^>]* src=)|\s(?:style|on\w+)=|javascript:", page)
        assert not re.findall(r"(?:src|href)=[\"'](?![/#])", page)
    routes = collector.get("/openapi.json").json["paths"]
    assert "post" in routes["/v1/events"]
    page = collector.get("/docs").body.decode()
    assert [] == [route for route in routes if route not in page]


@pytest.mark.parametrize(
    ("path", "verb", "allowed"), [("/v1/calls", "DELETE", "GET"), ("/healthz", "POST", "GET"), ("/v1/events", "PUT", "GET")]
)
def test_wrong_method_is_a_problem(collector: Running, path: str, verb: str, allowed: str) -> None:
    """
    405, naming what is allowed.
    """
    answer = collector.ask(verb, path)
    assert (405, "application/problem+json") == (answer.status, answer.headers["content-type"])
    assert allowed in answer.headers["allow"]


def test_images_come_inline_and_everything_else_as_a_download(collector: Running) -> None:
    """
    What a browser could run is never shown as a page of the collector.
    """
    html = base64.b64encode(b"<script>alert(1)</script>" * 100).decode()
    png, evil = base64.b64encode(PNG + bytes(2000)).decode(), f"data:text/html;base64,{html}"
    done = {"type": "image:request:completed", "requestId": "img", "duration": 1, "images": [{"b64Json": png}, {"url": evil}]}
    assert 1 == collector.post_events(done).json["accepted"]
    (event,) = collector.get("/v1/events?request_id=img").json["items"]
    blobs = re.findall(r"sha256:([0-9a-f]{64})", str(event["payload"]))

    answers = {collector.get(f"/v1/blobs/{blob}").headers["content-type"]: collector.get(f"/v1/blobs/{blob}") for blob in blobs}
    for kind, answer in answers.items():
        assert "nosniff" == answer.headers["x-content-type-options"]
        assert "sandbox" in answer.headers["content-security-policy"]
        wanted = "inline" if kind == "image/png" else "attachment"
        assert answer.headers["content-disposition"].startswith(wanted)
    assert PNG == answers["image/png"].body[: len(PNG)]
    digest = next(blob for blob in blobs if collector.get(f"/v1/blobs/{blob}").headers["content-type"] == "image/png")
    again = collector.get(f"/v1/blobs/{digest}", if_none_match=f'"{digest}"')
    assert (304, b"") == (again.status, again.body)


def test_an_allowed_origin_may_read(sqlite_url: str) -> None:
    """
    With the header that lets the browser hand the answer over, and the preflight before it.
    """
    with running_collector(sqlite_url, allowed_origins="https://app.example") as collector:
        answer = collector.get("/v1/calls", origin="https://app.example")
        preflight = collector.ask("OPTIONS", "/v1/calls", headers={"origin": "https://app.example"})
        other = collector.ask("OPTIONS", "/v1/calls", headers={"origin": "https://evil.example"})

    assert "https://app.example" == answer.headers["access-control-allow-origin"]
    assert (204, "GET", "https://app.example") == (
        preflight.status,
        preflight.headers["access-control-allow-methods"],
        preflight.headers["access-control-allow-origin"],
    )
    assert 403 == other.status


@dataclass(frozen=True, kw_only=True)
class AgedStore:
    """What `/readyz` asks of a store: one that has waited so long for a commit, though none failed."""

    age_s: float

    def last_commit_age_s(self) -> float:
        return self.age_s

    def failing_because(self) -> str | None:
        return None

    def has_keys(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("age_s", "status", "words"),
    [(COMMIT_AGE_LIMIT_S - 1, 200, "ready"), (COMMIT_AGE_LIMIT_S + 1, 503, "no commit for 16 s although something waits")],
)
async def test_a_commit_that_hangs_makes_it_unready(age_s: float, status: int, words: str) -> None:
    """
    No commit has failed and the database can be read: the age alone tells, beyond its limit.
    """
    app = FastAPI()
    app.include_router(router)
    app.state.parts = SimpleNamespace(store=AgedStore(age_s=age_s))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1:4319") as client:
        answer = await client.get("/readyz")

    assert status == answer.status_code
    assert words in answer.text
