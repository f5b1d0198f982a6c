"""
The JavaScript package in a real Chromium: loaded without a bundler, with a public key, up to the page's last moment.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from collector.demo.provider import start_provider
from tests.fakes.js_package import node_server
from tests.fakes.ports import free_port
from tests.fakes.running import Running, eventually, running_collector

OPERATOR = "operator-key-of-this-test"
# The first test also waits for what it needs to be installed and built.
pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

PAGE = """<!doctype html><meta charset=utf-8><title>a shop</title>
<script type=importmap>{"imports": {"hookline": "/esm/browser.js"}}</script>
<script type=module>
  import * as hookline from "hookline";
  window.hookline = hookline;
  let count = 0;
  window.say = (text = "") => hookline.recordTanStack({
    type: "tanstack-ai-devtools:client:created", pluginId: "tanstack-ai-devtools",
    payload: {eventId: `${window.name}-${++count}`, timestamp: Date.now(), clientId: "c", text},
  });
  // What runs as long as the page lets it.
  const delta = {outputs: [{text: {index: 0, role: "assistant", content: "Hello", isDelta: true}}]};
  window.ask = () => void hookline.instrument({
    serviceProps: {serviceId: "chat:openai.com/gpt-4o"},
    process: (request) => new Promise(() => request.streamProgressFunction(delta)),
  }, {clientId: "asking"}).process({inputs: [{text: {role: "user", content: "Hi"}}], streamProgressFunction: () => {}});
</script>"""


class _Quiet(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        # A page that could come back is another story than one that is gone.
        self.send_header("cache-control", "no-store")
        super().end_headers()

    def log_message(self, *args: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        pass


@pytest.fixture(scope="module")
def port(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """
    Of a server that has the page, and the package's files as they were built.
    """
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text(PAGE)
    (folder / "esm").symlink_to(package / "dist" / "esm")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def collector(sqlite_url: str) -> Iterator[Running]:
    with running_collector(sqlite_url, api_key=OPERATOR) as running:
        yield running


def administered(collector: Running, method: str, path: str, body: Any = None) -> Any:
    return collector.ask(method, path, body=body, headers={"authorization": f"Bearer {OPERATOR}"}).json


def public_key(collector: Running, origin: str) -> str:
    return administered(collector, "POST", "/v1/admin/keys", {"name": "shop", "origins": [origin], "events_per_s": 5000})["key"]


def stored(collector: Running) -> list[dict[str, Any]]:
    return administered(collector, "GET", "/v1/events?limit=1000")["items"]


@contextmanager
def shop(browser: Browser, collector: Running, port: int, *, host: str = "shop.example", **settings: Any) -> Iterator[Page]:
    """A page of the shop, with the shop's key."""
    key = public_key(collector, f"http://shop.example:{port}")
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"http://{host}:{port}/index.html")
        page.wait_for_function("() => window.hookline")
        page.evaluate("host => { window.name = host }", host)
        page.evaluate("settings => hookline.configure(settings)", {"url": collector.url, "apiKey": key, **settings})
        yield page


def test_events_arrive_in_order_with_the_key_of_the_origin(browser: Browser, collector: Running, port: int) -> None:
    """
    In batches, each event once, under the browser's name; a page of another origin sends nothing and notices nothing.
    """
    with shop(browser, collector, port) as page:
        page.evaluate("() => { for (let n = 0; n < 900; n++) say() }")
        assert page.evaluate("() => hookline.flush({timeoutMs: 20000})")
        rows = sorted(stored(collector), key=lambda row: row["arrival"])
        assert 0 == sum(page.evaluate("() => Object.values(hookline.losses())"))
    assert 900 == len(rows)
    names = [int(row["event_id"].rpartition("-")[2]) for row in rows]
    assert sorted(names) == names
    with shop(browser, collector, port, host="evil.example") as page:
        page.evaluate("() => say()")
        assert not page.evaluate("() => hookline.flush({timeoutMs: 1500})")
    assert not any(row["event_id"].startswith("evil") for row in stored(collector))


def test_a_page_that_is_left_sends_what_it_has(browser: Browser, collector: Running, port: int) -> None:
    """
    As much as a browser carries for it, of letters that take three bytes too; and a call that is still open ends as aborted.
    """
    with shop(browser, collector, port, flushIntervalMs=600_000) as page:
        page.evaluate("() => say()")
        assert page.evaluate("() => hookline.flush({timeoutMs: 20000})")
        page.evaluate("() => { ask(); for (let n = 0; n < 40; n++) say('字'.repeat(1000)) }")
        page.goto("about:blank")

        def arrived() -> bool:
            types = [row["type"] for row in stored(collector)]
            return types.count("client:created") > 15 and "text:request:aborted" in types

        eventually(arrived)


def test_a_page_that_is_hidden_sends_and_goes_on(browser: Browser, collector: Running, port: int) -> None:
    """
    What was sent when it was hidden is not sent again when it is back, and what comes then is sent.
    """
    hide = "state => { Object.defineProperty(document, 'visibilityState', {configurable: true, get: () => state});"
    hide += " document.dispatchEvent(new Event('visibilitychange')) }"
    with shop(browser, collector, port, flushIntervalMs=600_000) as page:
        page.evaluate("() => say()")
        page.evaluate(hide, "hidden")
        eventually(lambda: 1 == len(stored(collector)))
        page.evaluate(hide, "visible")
        page.evaluate("() => say()")
        assert page.evaluate("() => hookline.flush({timeoutMs: 20000})")
    assert 2 == len(stored(collector))


def test_memory_is_bounded_while_the_collector_is_away(browser: Browser, collector: Running, port: int) -> None:
    """
    The oldest go, and are counted; the newest are delivered when there is a collector.
    """
    with shop(browser, collector, port, url="http://127.0.0.1:9", bufferMaxEvents=50) as page:
        page.evaluate("() => { for (let n = 0; n < 400; n++) say() }")
        assert 350 <= page.evaluate("() => hookline.losses().undelivered") <= 400
        page.evaluate("url => hookline.configure({url})", collector.url)
        eventually(lambda: page.evaluate("() => hookline.flush({timeoutMs: 2000})"))
    assert "shop.example-400" in {row["event_id"] for row in stored(collector)}


def test_example_page_streams_from_its_own_server(browser: Browser, collector: Running, package: Path) -> None:
    """
    The example: openai's package and ours as the browser loads them, the provider's key on the server, a public key in the page.
    """
    with start_provider() as provider:
        # A key is of an origin, so the port is chosen before the server is there.
        page_port = free_port()
        more = {"OPENAI_BASE_URL": provider.base_url, "OPENAI_API_KEY": "secret-of-the-server", "PORT": str(page_port)}
        more |= {"HOOKLINE_URL": collector.url, "HOOKLINE_PUBLIC_KEY": public_key(collector, f"http://127.0.0.1:{page_port}")}
        with node_server(package, "examples/browser/server.mjs", **more) as address, browser.new_context() as context:
            page = context.new_page()
            page.goto(address)
            page.wait_for_selector("body[data-ready]", timeout=60_000)
            page.click("button")
            page.wait_for_selector("output[data-done]", timeout=60_000)
            shown = page.text_content("output") or ""
            call = eventually(lambda: next(iter(settled(collector)), None))
    assert ("ok", "page", "openai") == (call["status"], call["client_id"], call["provider"])
    assert shown[:60] == call["answer_preview"][:60]
    assert call["input_tokens"] > 0


def settled(collector: Running) -> list[dict[str, Any]]:
    return [call for call in administered(collector, "GET", "/v1/calls")["items"] if call["status"] != "running"]
