"""
A public key in real pages: those of its origin send, those of another one don't, and a page that is left sends its last events.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.fakes.running import Running, eventually, running_collector

OPERATOR = "operator-key-of-this-test"

SEND = """async ([url, key, event, keepalive]) => {
    const options = {method: 'POST', keepalive, headers: {'content-type': 'application/json', authorization: `Bearer ${key}`}};
    try {
        const answer = await fetch(`${url}/v1/events`, {...options, body: JSON.stringify([event])});
        return [answer.status, (await answer.json()).accepted ?? null, answer.headers.get('retry-after')];
    } catch (error) {
        return [error.name, null, null];
    }
}"""
READ = """async ([url, key, path]) => {
    try {
        return (await fetch(url + path, {headers: {authorization: `Bearer ${key}`}})).status;
    } catch (error) {
        return error.name;
    }
}"""
LEAVE = """([url, key, event]) => {
    addEventListener('pagehide', () => {
        fetch(`${url}/v1/events`, {method: 'POST', keepalive: true, body: JSON.stringify([event]),
            headers: {'content-type': 'application/json', authorization: `Bearer ${key}`}});
    });
}"""


class _Empty(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>a shop</title>")

    def log_message(self, *args: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """
    Of a server of empty pages, which every name ending in `.example` leads to.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Empty)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_collector(f"sqlite:///{tmp_path_factory.mktemp('public') / 'a.db'}", api_key=OPERATOR) as running:
        yield running


def administered(collector: Running, method: str, path: str, body: Any = None) -> Any:
    return collector.ask(method, path, body=body, headers={"authorization": f"Bearer {OPERATOR}"}).json


@pytest.fixture(scope="module")
def key(collector: Running, port: int) -> str:
    wish = {"name": "shop", "origins": [f"http://shop.example:{port}"], "events_per_s": 0.5}
    return administered(collector, "POST", "/v1/admin/keys", wish)["key"]


@contextmanager
def page_of(browser: Browser, origin: str) -> Iterator[Page]:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(origin)
        yield page


def event(name: str) -> dict[str, Any]:
    return {"type": "client:created", "eventId": name, "timestamp": 1_764_000_000_000}


def stored(collector: Running) -> set[str]:
    return {row["event_id"] for row in administered(collector, "GET", "/v1/events")["items"]}


def test_pages_of_the_origin_send_and_others_do_not(browser: Browser, collector: Running, port: int, key: str) -> None:
    """
    Through the browser's own preflight. Another origin is not even told why, and nothing of it is stored; neither may read.
    """
    with page_of(browser, f"http://shop.example:{port}") as page:
        assert [200, 1, None] == page.evaluate(SEND, [collector.url, key, event("fetched"), False])
        assert [200, 1, None] == page.evaluate(SEND, [collector.url, key, event("kept-alive"), True])
        for path in ("/v1/events", "/v1/calls", "/openapi.json", "/"):
            assert "TypeError" == page.evaluate(READ, [collector.url, key, path])
    with page_of(browser, f"http://evil.example:{port}") as page:
        assert ["TypeError", None, None] == page.evaluate(SEND, [collector.url, key, event("stolen"), False])
        assert ["TypeError", None, None] == page.evaluate(SEND, [collector.url, key, event("stolen-alive"), True])
        assert "TypeError" == page.evaluate(READ, [collector.url, OPERATOR, "/v1/events"])
    assert {"fetched", "kept-alive"} == stored(collector)


@pytest.mark.long
def test_a_page_that_is_left_sends_its_last_event(browser: Browser, collector: Running, port: int, key: str) -> None:
    """
    `keepalive` outlives the page. The preflight was asked for by an earlier event and is remembered for ten minutes.
    """
    with page_of(browser, f"http://shop.example:{port}") as page:
        assert [200, 1, None] == page.evaluate(SEND, [collector.url, key, event("first"), True])
        page.evaluate(LEAVE, [collector.url, key, event("last")])
        page.goto(f"http://elsewhere.example:{port}")
        eventually(lambda: "last" in stored(collector))


@pytest.mark.long
def test_a_page_reads_how_long_it_has_to_wait(browser: Browser, collector: Running, port: int, key: str) -> None:
    """
    429 is no riddle for a script: status and Retry-After are its to read.
    """
    with page_of(browser, f"http://shop.example:{port}") as page:
        told = [page.evaluate(SEND, [collector.url, key, event(f"many-{n}"), False]) for n in range(8)]
    status, _, wait_s = told[-1]
    assert (429, True) == (status, int(wait_s) >= 1), json.dumps(told)
