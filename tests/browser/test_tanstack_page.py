"""
TanStack AI's own client in a real Chromium, bundled as a build tool does it, in front of an unmodified TanStack AI server: with
the collector as its devtools bus, and with one line instead of a bus.
"""

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from collector.demo.provider import start_provider
from collector.storage.engines import open_store
from tests.fakes.js_package import environment, node_server
from tests.fakes.ports import free_port
from tests.fakes.quiet_calls import quiet_calls
from tests.fakes.running import Running, eventually, running_collector

OPERATOR = "operator-key-of-this-test"
SERVER = "chat-server"
SILENCE_S = 1.5
# The first test also waits for what it needs to be installed and built.
pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]


def bundled(package: Path, name: str, folder: Path, **more: str) -> Path:
    """A folder with a page whose script is the application, bundled for browsers."""
    build = ["--bundle", "--platform=browser", "--format=iife", "--log-level=warning", f"--outfile={folder / 'page.js'}"]
    done = subprocess.run(
        [package / "node_modules/.bin/esbuild", f"test/apps/{name}.mjs", *build],
        cwd=package,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    (folder / "index.html").write_text("<!doctype html><meta charset=utf-8><title>a chat</title><script src=page.js></script>")
    return folder


@contextmanager
def site(package: Path, folder: Path, collector: Running, *, port: int = 0, **more: str) -> Iterator[str]:
    """The address of a dev server in front of the example's TanStack server, which is recorded by the preload."""
    with start_provider() as provider:
        settings = {"HOOKLINE_URL": collector.url, "OPENAI_BASE_URL": provider.base_url, "OTEL_SERVICE_NAME": SERVER, **more}
        program = ["--import", "hookline/register", "examples/tanstack-server.mjs"]
        with (
            node_server(package, *program, PORT="0", **settings) as application,
            node_server(package, "test/apps/tanstack-site.mjs", str(folder), application, PORT=str(port)) as address,
        ):
            yield address


def chatted(page: Page) -> str:
    """One answer to its end, one with a tool, and one that is stopped. What the first one said."""
    told = page.evaluate("() => ask('t-told', 'Say something')")
    page.evaluate("() => ask('t-weather', 'How is the weather in Oslo?')")
    page.evaluate("() => stopAt('t-stopped', 'Tell me everything [words:5000] [slow:20]')")
    return told


def assert_all_arrived(sent: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    """Every event that the page's client sent is a row, in order, none twice."""
    arrived = sorted((row for row in rows if row["service"] != SERVER), key=lambda row: row["arrival"])
    # The collector keeps long ids by their hash; their last number is the sequence.
    said = [(event["type"].partition(":")[2], event["timestamp"], int(event["eventId"].rpartition(":")[2])) for event in sent]
    assert said == [(row["type"], row["timestamp"], row["sequence"]) for row in arrived]
    assert {1} == set(Counter(row["event_id"] for row in arrived).values())
    assert {"client:created", "client:stopped", "run:started", "run:completed", "run:cancelled", "hook:registered"} <= {
        row["type"] for row in arrived
    }


def assert_sides_meet(url: str, told: str) -> None:
    """By runId: the client's events are in the trace of the server's call, and its stop ended that call."""
    calls = {call["thread_id"]: call for call in quiet_calls(url)}
    assert {"t-told": "ok", "t-weather": "ok", "t-stopped": "aborted"} == {
        thread: call["status"] for thread, call in calls.items()
    }
    assert told[:60] == calls["t-told"]["answer_preview"][:60]
    assert 1 == calls["t-weather"]["tool_count"]
    assert 0 < calls["t-stopped"]["chunk_count"] < 5000
    store = open_store(url, settle_ms=0)
    try:
        traces = {thread: store.trace("default", call["trace_id"]) for thread, call in calls.items()}
    finally:
        store.close()
    for thread, last in {"t-told": "run:completed", "t-weather": "run:completed", "t-stopped": "run:cancelled"}.items():
        assert [calls[thread]["request_id"]] == [call["request_id"] for call in traces[thread]["calls"]]
        assert {"run:started", last} <= {event["type"] for event in traces[thread]["events"]}
        assert {calls[thread]["run_id"]} == {event["run_id"] for event in traces[thread]["events"]}


def test_client_with_the_collector_as_its_bus(
    browser: Browser, package: Path, tanstack_bus: Path, sqlite_url: str, tmp_path: Path
) -> None:
    """
    The page knows nothing of hookline: its devtools bus finds the collector where it looks for a dev server's. The server's call
    that was stopped has nothing more to say, though its answer would have taken minutes.
    """
    folder = bundled(package, "tanstack-page-bus", tmp_path, NODE_PATH=str(tanstack_bus / "node_modules"))
    with (
        running_collector(sqlite_url, devtools_port=0) as collector,
        site(package, folder, collector) as address,
        browser.new_context() as context,
    ):
        page = context.new_page()
        page.goto(f"{address}/?port={collector.server.devtools_port}")
        told = chatted(page)
        sent: list[dict[str, Any]] = page.evaluate("() => sent")
        rows = eventually(falls_silent(lambda: collector.get("/v1/events?limit=1000").json["items"]))
    assert_all_arrived(sent, rows)
    assert_sides_meet(sqlite_url, told)


def test_client_with_one_line(browser: Browser, package: Path, sqlite_url: str, tmp_path: Path) -> None:
    """
    `import "hookline/register"` as the page's first line, with a public key; nothing is lost, and all of it was acknowledged.
    """
    folder = bundled(package, "tanstack-page-line", tmp_path)
    admin = {"authorization": f"Bearer {OPERATOR}"}
    port = free_port()
    with running_collector(sqlite_url, api_key=OPERATOR) as collector, browser.new_context() as context:
        wanted = {"name": "page", "origins": [f"http://localhost:{port}"], "events_per_s": 5000}
        key = collector.ask("POST", "/v1/admin/keys", body=wanted, headers=admin).json["key"]
        with site(package, folder, collector, port=port, HOOKLINE_API_KEY=OPERATOR) as address:
            page = context.new_page()
            page.goto(f"{address}/?url={collector.url}&key={key}")
            told = chatted(page)
            sent: list[dict[str, Any]] = page.evaluate("() => sent")
            assert page.evaluate("() => hookline.flush({timeoutMs: 20000})")
            assert 0 == sum(page.evaluate("() => Object.values(hookline.losses())"))
            rows = collector.ask("GET", "/v1/events?limit=1000", headers=admin).json["items"]
    assert_all_arrived(sent, rows)
    assert_sides_meet(sqlite_url, told)


def falls_silent(look: Callable[[], list[dict[str, Any]]]) -> Callable[[], list[dict[str, Any]] | None]:
    """Gives the rows once no more have come for a while: a call that goes on says something fifty times a second."""
    newest = 0
    since_s = time.monotonic()

    def look_again() -> list[dict[str, Any]] | None:
        nonlocal newest, since_s
        rows = look()
        arrived = max((row["arrival"] for row in rows), default=0)
        if arrived != newest:
            newest, since_s = arrived, time.monotonic()
        return rows if time.monotonic() - since_s > SILENCE_S else None

    return look_again
