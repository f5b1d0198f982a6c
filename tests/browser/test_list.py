"""
The list in a real Chromium: live rows, filters as addresses, keys, the pane, the empty state.
"""

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.watching import Watched
from tests.fakes.running import Running, chat_call


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def row(page: Page, name: str) -> Any:
    return page.locator(f'#rows tr[data-id="{name}"]')


def shown(page: Page) -> list[str]:
    """The request ids of the rows, from top to bottom."""
    return page.locator("#rows tr").evaluate_all("rows => rows.map(row => row.dataset.id)")


@pytest.fixture(scope="module")
def filled(collector: Running) -> Running:
    """
    Four calls, the newest first: d (another model), c, b, a.
    """
    for age, name in enumerate("dcba"):
        model = "o3-mini" if name == "d" else "gpt-4o"
        extra = {"clientId": f"client {name}"}
        collector.post_events(*chat_call(name, at_ms=now_ms() - 1000 * age - 500, model=model, **extra))
    collector.wait_for_calls(*"abcd")
    return collector


def test_row_moves_while_its_stream_runs(watched: Watched, filled: Running) -> None:
    """
    A call appears without a reload as soon as it starts, counts up and moves while it streams, and stands still when it is over.
    """
    page = watched.page
    page.goto(filled.url)
    expect(page.locator("#live")).to_contain_text("Live")
    started, chunk, completed = chat_call("streaming", at_ms=now_ms(), model="gpt-5")
    filled.post_events(started, chunk)

    moving = row(page, "streaming")
    expect(moving.locator(".dot.running")).to_be_visible()
    assert "streaming" == shown(page)[0]
    clock = moving.locator(".c-dur")
    expect(clock).to_have_text(re.compile(r"\d"))
    before = clock.inner_text()
    expect(clock).not_to_have_text(before)
    expect(moving.locator(".ribbon")).to_be_visible()

    filled.post_events(completed)
    expect(moving.locator(".dot.ok")).to_be_visible()
    expect(clock).to_have_text("80 ms")
    expect(moving.locator(".c-in")).to_have_text("7")
    assert [] == [address for address in watched.requests if not address.startswith(filled.url)]


def test_pause_holds_the_list_still(watched: Watched, filled: Running) -> None:
    """
    Space stops the rows; space again brings what was missed.
    """
    page = watched.page
    page.goto(filled.url)
    expect(page.locator("#live")).to_contain_text("Live")
    page.keyboard.press("Space")
    expect(page.locator("#live")).to_have_attribute("aria-pressed", "true")
    filled.post_events(*chat_call("missed", at_ms=now_ms()))
    filled.wait_for_calls("missed")
    page.wait_for_timeout(700)
    assert "missed" not in shown(page)

    page.keyboard.press("Space")
    expect(row(page, "missed")).to_be_visible()


def test_filters_are_addresses(watched: Watched, filled: Running) -> None:
    """
    What is typed becomes chips and an address; the address, reloaded or opened by somebody else, shows the same.
    """
    page = watched.page
    page.goto(filled.url)
    page.keyboard.press("/")
    page.keyboard.type('model:gpt-4o -client:"client b" hello from')
    page.keyboard.press("Enter")
    page.wait_for_url("**/?*")
    assert {"c", "a"} <= set(shown(page))
    assert not {"d", "b"} & set(shown(page))
    assert ["model", "not client", "text"] == page.locator(".chip .k").all_inner_texts()
    there = page.url

    page.reload()
    assert {"c", "a"} <= set(shown(page))
    other = page.context.new_page()
    other.goto(there)
    assert shown(page) == shown(other)
    other.close()

    page.get_by_label("Remove client client b").click()
    expect(row(page, "b")).to_be_visible()
    assert "client_id" not in page.url


def test_live_rows_respect_the_filter(watched: Watched, filled: Running) -> None:
    """
    A call that doesn't fit stays out, one that fits comes in.
    """
    page = watched.page
    page.goto(f"{filled.url}/?model=o3-mini")
    expect(page.locator("#live")).to_contain_text("Live")
    filled.post_events(*chat_call("other", at_ms=now_ms()))
    filled.post_events(*chat_call("fits", at_ms=now_ms(), model="o3-mini"))
    expect(row(page, "fits")).to_be_visible()
    assert "other" not in shown(page)


def test_keys_open_and_close(watched: Watched, filled: Running) -> None:
    """
    j and k walk, enter opens the call beside the list and writes it into the address, esc closes; a reload opens it again.
    """
    page = watched.page
    page.goto(filled.url)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    name = shown(page)[1]
    expect(row(page, name).locator(".c-call a")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#side")).to_be_visible()
    assert page.url.endswith(f"?call={name}")
    expect(row(page, name)).to_have_class(re.compile("chosen"))
    expect(page.locator("#pane")).not_to_be_empty()

    page.reload()
    expect(page.locator("#side")).to_be_visible()
    expect(row(page, name)).to_have_class(re.compile("chosen"))
    page.keyboard.press("Escape")
    expect(page.locator("#side")).to_be_hidden()
    assert "call=" not in page.url


@pytest.mark.long
def test_help_tells_the_keys(watched: Watched, filled: Running) -> None:
    """
    The question mark shows them in a dialog that esc closes, and typing in the filter bar triggers none of them.
    """
    page = watched.page
    page.goto(filled.url)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys and filters")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("jk? /")
    expect(page.locator("#filter")).to_have_value("jk? /")
    expect(dialog).to_be_hidden()


@pytest.mark.long
def test_a_narrow_screen_goes_to_the_call(narrow: Watched, filled: Running) -> None:
    """
    At 390 pixels nothing is wider than the screen, and a row leads to the call's own page.
    """
    page = narrow.page
    page.goto(filled.url)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    row(page, "c").click()
    page.wait_for_url("**/calls/c")


@pytest.mark.long
def test_older_calls_come_by_scrolling(watched: Watched, fresh: Running) -> None:
    """
    The list begins with a page of rows and goes on, without gaps or repeats, down to the oldest.
    """
    newest_ms = now_ms() - 1000
    events = [event for n in range(150) for event in chat_call(f"n{n:03}", at_ms=newest_ms - n * 1000)]
    fresh.post_events(*events)
    fresh.wait_for_calls("n000", "n149")
    page = watched.page
    page.goto(fresh.url)
    assert len(shown(page)) < 100
    for _ in range(300):
        page.locator("#rows tr").last.scroll_into_view_if_needed()
        page.wait_for_timeout(100)
        if "n149" in shown(page):
            break
    assert [f"n{n:03}" for n in range(150)] == shown(page)


@pytest.mark.long
def test_empty_list_says_how_to_connect(watched: Watched, fresh: Running) -> None:
    """
    The lines name this collector; the diagnosis follows what arrives; the test event makes a row appear.
    """
    page = watched.page
    page.goto(fresh.url)
    expect(page.locator("#connect")).to_contain_text(f"export HOOKLINE_URL={fresh.url}")
    expect(page.locator("#diagnosis")).to_contain_text("never")
    fresh.post_events({"no": "type"})
    expect(page.locator("#diagnosis")).to_contain_text("1 event rejected because missing_type")
    expect(page.locator(".s-lost.bad")).to_contain_text("1")

    page.get_by_role("button", name="Send a test event").click()
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.locator("#rows tr .dot.ok")).to_be_visible()
    expect(page.locator("#rows tr")).to_contain_text("Is anybody there?")
    expect(page.locator("#empty")).to_have_count(0)


@pytest.mark.long
def test_colours_are_chosen_and_stay(watched: Watched, filled: Running) -> None:
    """
    The button goes from the system's colours to light to dark, and a reload keeps them.
    """
    page = watched.page
    page.emulate_media(color_scheme="light")
    page.goto(filled.url)
    light = page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor")
    for _ in range(2):
        page.locator("[data-theme-toggle]").click()
    page.reload()
    assert "dark" == page.evaluate("document.documentElement.dataset.theme")
    assert light != page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor")


def test_copied_sql_is_that_of_the_list(watched: Watched, filled: Running) -> None:
    """
    The button shows the SELECT, with the filters in it, and puts it on the clipboard.
    """
    page = watched.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{filled.url}/?model=gpt-4o&q=it's")
    page.get_by_role("button", name="Copy as SQL").click()
    expect(page.locator("#toast")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "model IN ('gpt-4o')" in copied
    assert "it''s" in copied
