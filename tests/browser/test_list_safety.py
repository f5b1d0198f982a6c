"""
What strangers can't do: event text runs nothing, another site can neither read nor post, nobody comes in without the key.
"""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.watching import Watched, watched_page
from tests.fakes.running import Running, chat_call, running_collector

KEY = "key-of-the-browser-test"
HOSTILE = (
    "<script>window.hurt=1;alert(1)</script>",
    '"><img src=x onerror="window.hurt=2;alert(2)">',
    "' onmouseover='window.hurt=3' x='",
    "javascript:alert(4)",
    "</title></table><svg onload=alert(5)>",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "]]><iframe srcdoc='<script>parent.hurt=6</script>'></iframe>",
)


def hostile_call(text: str, number: int) -> list[dict[str, Any]]:
    """A call whose every text is hostile, its id too."""
    at_ms = time.time_ns() // 1_000_000 - number * 1000
    extra = dict.fromkeys(("clientId", "sessionId", "userId", "provider", "runId", "threadId"), text)
    started, chunk, completed = chat_call(f"{number}{text}", at_ms=at_ms, model=text, **extra)
    started["messages"] = [{"role": "user", "content": text}]
    failed = {**completed, "type": "text:request:error", "error": {"name": text, "message": text}, "responseModel": text}
    return [started, {**chunk, "delta": text}, failed]


def test_event_text_does_nothing(watched: Watched, fresh: Running) -> None:
    """
    Markup in prompts, names, ids and errors is text: in the first rows, in those that come live, in filters and in a call.
    """
    page = watched.page
    first, *later = [hostile_call(text, number) for number, text in enumerate(HOSTILE)]
    fresh.post_events(*first)
    fresh.wait_for_calls(first[0]["requestId"])
    page.goto(fresh.url)
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.locator("#live")).to_contain_text("Live")
    fresh.post_events(*(event for call in later for event in call))
    expect(page.locator("#rows tr")).to_have_count(len(HOSTILE))
    expect(page.locator(".c-prompt", has_text="<script>window.hurt=1")).to_be_visible()
    for place in range(len(HOSTILE)):
        page.locator("#rows tr").nth(place).hover()
        page.locator("#rows tr").nth(place).click()
        expect(page.locator("#pane")).not_to_be_empty()
        page.wait_for_timeout(100)
    page.goto(f"{fresh.url}/?model={HOSTILE[1]}&q={HOSTILE[0]}")
    expect(page.locator(".chip")).to_have_count(2)

    assert page.evaluate("window.hurt === undefined")
    assert 0 == page.locator("main script, main iframe, main img[src=x], [onmouseover], [onerror], [onload]").count()
    links = page.locator("a").evaluate_all("links => links.map(link => link.protocol)")
    assert {"http:"} == set(links)


class _EvilSite(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>evil</title><iframe name=frame></iframe>")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class named it
        return


@contextmanager
def evil_site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _EvilSite)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://evil.example:{server.server_port}"
    server.shutdown()
    server.server_close()


ATTACK = """
async ([url, body]) => {
  const tried = {};
  const attempt = async (name, address, options) => {
    try {
      const answer = await fetch(url + address, options);
      tried[name] = answer.type === "opaque" ? "opaque" : `${answer.status} ${(await answer.text()).length}`;
    } catch (error) { tried[name] = "refused"; }
  };
  const blind = (address, kind, body) =>
    attempt(`${address} ${kind}`, address, {method: "POST", headers: kind ? {"content-type": kind} : {}, body, mode: "no-cors"});
  for (const address of ["/", "/rows", "/v1/calls", "/v1/live", "/strip"]) {
    await attempt(address, address, {credentials: "include"});
  }
  await attempt("json", "/v1/events", {method: "POST", headers: {"content-type": "application/json"}, body});
  await blind("/v1/events", "text/plain", body);
  await blind("/v1/events", "application/x-www-form-urlencoded", body);
  await blind("/v1/events", "", new Blob([body]));
  await blind("/v1/sql", "text/plain", '{"sql": "SELECT 1"}');
  return tried;
}
"""


def test_another_site_neither_reads_nor_posts(browser: Browser, collector: Running) -> None:
    """
    A page of another origin gets no answer it could read, leaves no event, and can't put ours into a frame.
    """
    collector.post_events(*chat_call("secret"))
    body = json.dumps(chat_call("planted"))
    with evil_site() as evil, watched_page(browser, width=800) as watched:
        watched.page.goto(evil)
        tried = watched.page.evaluate(ATTACK, [collector.url, body])
        watched.page.evaluate("url => { document.querySelector('iframe').src = url }", collector.url)
        watched.page.wait_for_timeout(300)
        assert "hookline" not in (watched.page.frames[-1].title() if len(watched.page.frames) > 1 else "")
        # The browser tells of refused requests on the console: that is what is wanted here.
        watched.problems.clear()

    assert {"refused", "opaque"} >= set(tried.values()), tried
    assert "secret" in collector.wait_for_calls("secret")
    assert 404 == collector.get("/v1/calls/planted").status


def test_dns_rebinding_leads_nowhere(browser: Browser, collector: Running) -> None:
    """
    A name of the attacker's that leads to this machine makes the page the collector's own origin; it is refused all the same.
    """
    body = json.dumps(chat_call("rebound"))
    with watched_page(browser, width=800) as watched:
        rebound = f"http://rebound.example:{urlsplit(collector.url).port}"
        answer = watched.page.goto(f"{rebound}/")
        assert answer is not None
        assert 403 == answer.status
        assert "secret" not in watched.page.content()
        watched.page.goto(f"{rebound}/healthz")
        tried = watched.page.evaluate(ATTACK, [rebound, body])
        watched.problems.clear()

    assert {"403"} == {found.split()[0] for found in tried.values()}, tried
    assert 404 == collector.get("/v1/calls/rebound").status


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """
    A collector that wants a key.
    """
    with running_collector(f"sqlite:///{tmp_path_factory.mktemp('locked') / 'a.db'}", api_key=KEY) as running:
        yield running


def test_login_leads_to_the_page_that_was_asked_for(watched: Watched, locked: Running) -> None:
    """
    A wrong key is told so; the right one opens what was asked for, with live rows and the test event; logging out ends it.
    """
    page = watched.page
    page.goto(f"{locked.url}/?model=test-event")
    assert "/login?next=" in page.url
    page.get_by_label("A key of this collector").fill("wrong-key-of-the-test")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not known")
    page.get_by_label("A key of this collector").fill(KEY)
    page.keyboard.press("Enter")
    page.wait_for_url("**/?model=test-event")

    (cookie,) = page.context.cookies()
    assert (True, "Strict") == (cookie.get("httpOnly"), cookie.get("sameSite"))
    assert KEY not in cookie.get("value", "")
    page.goto(locked.url)
    expect(page.locator("#connect")).to_contain_text("HOOKLINE_API_KEY")
    page.get_by_role("button", name="Send a test event").click()
    expect(page.locator("#rows tr .dot.ok")).to_be_visible()

    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    page.goto(locked.url)
    assert "/login" in page.url
