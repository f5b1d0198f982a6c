"""
TanStack's own ClientEventBus in a real Chromium, with the collector as its server bus.
"""

import json
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.end_to_end.database import query
from tests.fakes.running import eventually, running_collector

TESTS = Path(__file__).parents[1]
RECORDED = [json.loads(line) for line in (TESTS / "fixtures" / "tanstack" / "client-sse.jsonl").read_text().splitlines()]
SAID = [message for message in RECORDED if message["payload"].get("source") == "client"]

pytestmark = pytest.mark.long


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        pass


@pytest.fixture(scope="module")
def site(tanstack_bus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """
    The port of a dev server whose page holds the two packages, bundled.
    """
    folder = tmp_path_factory.mktemp("site")
    script = TESTS / "fakes" / "browser_bus.mjs"
    subprocess.run(
        [tanstack_bus / "node_modules" / ".bin" / "esbuild", "--bundle", "--format=iife", f"--outfile={folder / 'page.js'}"],
        # From standard input: imports are looked for in the folder that esbuild runs in.
        input=script.read_text(),
        cwd=tanstack_bus,
        check=True,
        capture_output=True,
        text=True,
        timeout=100,
    )
    (folder / "index.html").write_text("<!doctype html><title>an app</title><script src=page.js></script>")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def opened(page: Page, site: int, bus_port: int | None, host: str = "localhost") -> Page:
    page.goto(f"http://{host}:{site}/index.html?port={bus_port}")
    return page


def test_what_pages_say_is_stored_in_order_and_once(browser: Browser, site: int, sqlite_url: str) -> None:
    """
    Also with two tabs, which hear each other by themselves; another plugin's events are left out. Who looks at the events in
    the page (the devtools panel) hears each of them once, as with TanStack's own bus.
    """
    with running_collector(sqlite_url, devtools_port=0) as collector, browser.new_context() as context:
        port = collector.server.devtools_port
        page, other = opened(context.new_page(), site, port), opened(context.new_page(), site, port)
        page.evaluate("events => window.say(events)", SAID)
        found = eventually(lambda: rows if len(rows := _rows(sqlite_url)) >= len(SAID) else None)
        types = [message["type"] for message in SAID]
        page.wait_for_function("count => window.heard.length >= count", arg=len(types))
        heard = page.evaluate("() => window.heard")
        other.evaluate("events => window.say(events)", SAID[:1])
        eventually(lambda: 1 <= len(other.evaluate("() => window.heard")))
    assert types == heard
    assert [(message["type"].partition(":")[2], message["payload"]["timestamp"]) for message in SAID] == found
    # The second tab's word is one that is known: the page gives ids itself.
    assert len(SAID) == len(_rows(sqlite_url))


def test_a_page_of_another_site_writes_nothing(browser: Browser, site: int, sqlite_url: str) -> None:
    """
    The same script on the page of another name, which the browser sends as its origin.
    """
    with running_collector(sqlite_url, devtools_port=0) as collector, browser.new_context() as context:
        port = collector.server.devtools_port
        stranger = opened(context.new_page(), site, port, host="evil.example")
        stranger.evaluate("events => window.say(events)", SAID)
        friend = opened(context.new_page(), site, port)
        friend.evaluate(
            "events => window.say(events)", [{"type": "client:created", "payload": {"timestamp": 1, "eventId": "mine"}}]
        )
        eventually(lambda: _rows(sqlite_url))
    assert 1 == len(_rows(sqlite_url))


def _rows(url: str) -> list[tuple[str, int]]:
    return [(row["type"], row["timestamp"]) for row in query(url, "SELECT type, timestamp FROM events ORDER BY arrival")]
