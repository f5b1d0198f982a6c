"""
One call in a real browser: opened by keys from the list, its waterfall, its tabs, its stream played, hostile text in every tab.
"""

import base64
import struct
import time
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from collector.web.call_page import TABS
from tests.browser.watching import Watched
from tests.fakes.running import Running, running_collector

HOSTILE = '<script>window.hurt=1</script><img src=x onerror="window.hurt=2">javascript:window.hurt=3 \'"</pre></textarea>'
CHUNKS = 450
STEP_MS = 20
"""Played at a quarter of the speed the chunks take half a minute: time enough to stop them on any machine."""


def picture() -> str:
    """A small PNG."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = b"".join(b"\0" + bytes((40, 120, 200)) * 64 for _ in range(48))
    head = struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)
    return base64.b64encode(
        b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(lines)) + part(b"IEND", b"")
    ).decode()


def numbered(name: str, at_ms: int, *made: dict[str, Any], step_ms: int = 2) -> list[dict[str, Any]]:
    """Events of a call, one after the other."""
    base = {"requestId": name, "provider": "openai", "model": "gpt-4o"}
    return [
        {"timestamp": at_ms + n * step_ms, **base, **event, "eventId": f"{name}-{n}", "sequence": n}
        for n, event in enumerate(made)
    ]


def agent(now_ms: int) -> list[dict[str, Any]]:
    """An agent run, in it a streamed call with a tool, in that tool a nested call; and a call whose parent is not here."""
    inside = {"parentRequestId": "agent", "rootRequestId": "agent"}
    nested = {"parentRequestId": "stream", "parentToolCallId": "t1", "rootRequestId": "agent"}
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture()}"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}]
    words = [{"type": "text:chunk:content", "messageId": "m", "delta": f"word{n} ", **inside} for n in range(CHUNKS)]
    return [
        *numbered("agent", now_ms, {"type": "agent:request:started", "agentName": "planner", "input": "plan"}),
        *numbered("stream", now_ms + 10, {"type": "text:request:started", "messages": messages, **inside}, *words,
                  {"type": "tools:call:completed", "toolCallId": "t1", "toolName": "look_up", "duration": 300, **inside},
                  {"type": "text:request:completed", "duration": (CHUNKS + 2) * STEP_MS, "content": "all of it", **inside},
                  step_ms=STEP_MS),
        *numbered("nested", now_ms + 8_800, {"type": "text:request:started", **nested},
                  {"type": "text:request:completed", "duration": 2, "content": "yes", **nested}),
        *numbered("agent-end", now_ms + 10_000, {"type": "agent:request:completed", "requestId": "agent", "duration": 10_000}),
        *numbered("orphan", now_ms + 12_000, {"type": "text:request:started", "parentRequestId": "lost"},
                  {"type": "text:request:completed", "duration": 2, "content": "alone", "parentRequestId": "lost"}),
    ]  # fmt: skip


def hostile(now_ms: int) -> list[dict[str, Any]]:
    """A call whose every text is an attack, its id as well."""
    name = f"bad/{HOSTILE}"
    where = {"requestId": name, "provider": HOSTILE, "model": HOSTILE, "clientId": HOSTILE, "sessionId": HOSTILE}
    link = [{"type": "image_url", "image_url": {"url": "javascript:window.hurt=4"}}, {"type": HOSTILE, "x": HOSTILE}]
    return numbered(
        "bad",
        now_ms - 5000,
        {"type": "text:request:started", "messages": [{"role": HOSTILE, "content": HOSTILE}, {"role": "user", "content": link}]}
        | {"systemPrompts": [HOSTILE], "tools": [{"type": "function", "function": {"name": HOSTILE}}], "tags": {HOSTILE: HOSTILE}}
        | where,
        {"type": "text:chunk:thinking", "delta": HOSTILE, "messageId": "m", **where},
        {"type": "text:chunk:content", "delta": HOSTILE, "messageId": "m", **where},
        {"type": "tools:call:completed", "toolCallId": HOSTILE, "toolName": HOSTILE, "result": {"x": HOSTILE}, "error": HOSTILE}
        | {"duration": 1, **where},
        {"type": HOSTILE, "source": HOSTILE, **where},
        {"type": "text:request:error", "duration": 9, "error": {"name": HOSTILE, "message": HOSTILE}, **where},
    )


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """
    A collector with the agent's trace and the hostile call.
    """
    now_ms = time.time_ns() // 1_000_000
    with running_collector(f"sqlite:///{tmp_path_factory.mktemp('calls') / 'a.db'}") as running:
        running.post_events(*agent(now_ms - 20_000), *hostile(now_ms - 20_000))
        running.wait_for_calls("agent", "stream", "nested", "orphan", f"bad/{HOSTILE}")
        yield running


def open_call(watched: Watched, calls: Running, name: str, tab: str = "") -> Page:
    watched.page.goto(f"{calls.url}/calls/{quote(name)}{f'?tab={tab}' if tab else ''}")
    return watched.page


@pytest.mark.long
def test_call_is_opened_by_keys_from_the_list(watched: Watched, calls: Running):
    """
    `j`, enter: the pane has the call; its tabs and its trace change in the pane, and escape gives the list back.
    """
    page = watched.page
    page.goto(f"{calls.url}/?model=gpt-4o")
    expect(page.locator("#rows tr")).to_have_count(4)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#pane .call")).to_have_attribute("data-call", "nested")
    page.locator("#pane .tabs a", has_text="Events").click()
    expect(page.locator("#pane .events li")).to_have_count(2)
    page.keyboard.press("[")
    expect(page.locator("#pane .call")).to_have_attribute("data-call", "stream")
    expect(page.locator("#pane .tabs [aria-current]")).to_have_text("Events")
    page.keyboard.press("Escape")
    expect(page.locator("#side")).to_be_hidden()


def test_waterfall_nests_calls_and_tools(watched: Watched, calls: Running):
    """
    Agent, stream, its tool, and in the tool the nested call; bars are where their times are; a row leads to its call.
    """
    page = open_call(watched, calls, "stream")
    rows = page.locator(".wf-row")
    expect(rows).to_have_count(4)
    depths = page.eval_on_selector_all(".wf-row", "rows => rows.map(row => /\\bd(\\d+)/.exec(row.className)[1])")
    assert ["0", "1", "2", "3"] == depths
    assert ["waiting", "streaming"] == rows.nth(1).locator("rect").evaluate_all("bars => bars.map(bar => bar.classList[0])")
    outer, inner = rows.nth(0).locator("rect").last.bounding_box(), rows.nth(3).locator("rect").first.bounding_box()
    assert outer is not None
    assert inner is not None
    assert outer["x"] < inner["x"] < inner["x"] + inner["width"] <= outer["x"] + outer["width"] + 2
    rows.nth(3).click()
    expect(page.locator(".call")).to_have_attribute("data-call", "nested")
    expect(page).to_have_url(f"{calls.url}/calls/nested")
    page.go_back()
    expect(page.locator(".call")).to_have_attribute("data-call", "stream")


@pytest.mark.long
def test_call_whose_parent_is_not_here_says_so(watched: Watched, calls: Running):
    """
    A dashed row over it, and the parent's id with the word.
    """
    page = open_call(watched, calls, "orphan")
    expect(page.locator(".wf-row.missing")).to_contain_text("missing parent")
    expect(page.locator(".family")).to_contain_text("not here")
    page.locator(".tabs a", has_text="Timing").click()
    expect(page.locator(".findings")).to_contain_text("parent call is not here")


@pytest.mark.long
def test_image_is_seen(watched: Watched, calls: Running):
    """
    The thumbnail in the conversation is loaded from the collector, and the tab Media has it too.
    """
    page = open_call(watched, calls, "stream")
    image = page.locator(".turn.user img")
    expect(image).to_be_visible()
    page.wait_for_function("() => document.querySelector('.turn.user img').naturalWidth === 64")
    page.locator(".tabs a", has_text="Media").click()
    expect(page.locator(".media img")).to_have_count(1)


def test_chunks_come_in_windows_and_play_with_their_timing(watched: Watched, calls: Running):
    """
    200 rows, more on demand; playing shows the text bit by bit, stops when paused, and ends with all of it.
    """
    page = open_call(watched, calls, "stream", "chunks")
    expect(page.locator(".chunks tbody tr")).to_have_count(200)
    page.locator("[data-more]").click()
    expect(page.locator(".chunks tbody tr")).to_have_count(400)
    page.locator("[data-more]").click()
    expect(page.locator(".chunks tbody tr")).to_have_count(CHUNKS)
    expect(page.locator("[data-more]")).to_have_count(0)

    page.locator("[data-speed]").select_option("0.25")
    page.locator("[data-play]").click()
    page.wait_for_function("() => document.querySelector('[data-stage]').textContent.includes('word3 ')")
    page.locator("[data-play]").click()
    paused = page.locator("[data-stage]").text_content() or ""
    page.wait_for_timeout(150)
    assert paused == page.locator("[data-stage]").text_content()
    assert f"word{CHUNKS - 1}" not in paused
    page.locator("[data-speed]").select_option("20")
    page.locator("[data-play]").click()
    page.wait_for_function(f"() => document.querySelector('[data-stage]').textContent.endsWith('word{CHUNKS - 1} ')")
    expect(page.locator("[data-play]")).to_have_text("▶ Play again")
    played = page.locator("[data-stage]").text_content()
    assert "".join(f"word{n} " for n in range(CHUNKS)) == played


@pytest.mark.parametrize("width", [1440, pytest.param(390, marks=pytest.mark.long)])
def test_hostile_text_does_nothing_in_any_tab(watched: Watched, narrow: Watched, calls: Running, width: int):
    """
    Every tab shows it as text; nothing runs, nothing is fetched from elsewhere, nothing widens the page.
    """
    watch = watched if width == 1440 else narrow
    for tab in TABS:
        page = open_call(watch, calls, f"bad/{HOSTILE}", tab)
        expect(page.locator(".call")).to_be_visible()
        for folded in page.locator("details:not([open]) > summary").all():
            if folded.is_visible():
                folded.click()
        assert page.evaluate("() => window.hurt") is None
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        assert 0 == page.locator(".call script, .call img[src='x'], a[href^='javascript']").count()
    page = open_call(watch, calls, f"bad/{HOSTILE}", "chunks")
    page.locator("[data-play]").click()
    expect(page.locator("[data-stage]")).to_contain_text("<script>")
    assert page.evaluate("() => window.hurt") is None
    assert all(address.startswith((calls.url, "data:", "blob:")) for address in watch.requests)


def test_tab_is_an_address_that_survives_a_reload(watched: Watched, calls: Running):
    """
    A click changes the address without a new page; reloading shows the same; the keys copy and unfold work.
    """
    page = open_call(watched, calls, "stream")
    page.evaluate("() => { window.isSamePage = true }")
    page.locator(".tabs a", has_text="SQL").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{calls.url}/calls/stream?tab=sql")
    expect(page.locator(".tabs [aria-current]")).to_be_focused()
    assert page.evaluate("() => window.isSamePage")
    page.reload()
    expect(page.locator(".block-card").first).to_contain_text("WHERE request_id = 'stream'")
    page.locator(".block-card a", has_text="Open in SQL").first.click()
    expect(page.locator("#result td").first).to_be_visible()


def test_running_call_goes_on_in_its_page(watched: Watched, fresh: Running):
    """
    The open page of a stream shows more of it as it comes, and its end.
    """
    now_ms = time.time_ns() // 1_000_000
    started, first, second, ended = numbered(
        "run",
        now_ms,
        {"type": "text:request:started", "messages": [{"role": "user", "content": "Go on"}]},
        {"type": "text:chunk:content", "messageId": "m", "delta": "one "},
        {"type": "text:chunk:content", "messageId": "m", "delta": "two "},
        {"type": "text:request:completed", "duration": 6, "content": "one two "},
    )
    fresh.post_events(started, first)
    page = open_call(watched, fresh, "run")
    expect(page.locator(".turn.answer .said")).to_have_text("one ")
    fresh.post_events(second)
    expect(page.locator(".turn.answer .said")).to_have_text("one two ")
    fresh.post_events(ended)
    expect(page.locator(".call")).to_have_attribute("data-status", "ok")
