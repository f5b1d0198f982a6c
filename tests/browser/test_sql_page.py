"""
The SQL view in a real browser: run, share, reload, download, and be told where a statement is wrong.
"""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.watching import Watched, watched_page
from tests.fakes.running import Running, chat_call, running_collector

KEY = "key-of-the-sql-view"
HOSTILE = "<img src=x onerror='window.hurt=1'>"
MANY = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450) SELECT i FROM n"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """
    A collector with three calls, one of them by a hostile model.
    """
    with running_collector(f"sqlite:///{tmp_path_factory.mktemp('sql') / 'a.db'}") as running:
        for n in range(3):
            running.post_events(*chat_call(f"r{n}", at_ms=1_764_000_000_000 + n * 60_000, model=HOSTILE if n == 2 else "gpt-4o"))
        running.wait_for_calls("r0", "r1", "r2")
        yield running


def test_statement_runs_is_shared_and_reloaded(watched: Watched, asked: Running):
    """
    Ctrl-enter runs; the address holds the statement, so a reload or a colleague sees the same; times make a chart.
    """
    page = watched.page
    page.goto(f"{asked.url}/sql")
    expect(page.locator("#statement")).to_be_focused()
    statement = "SELECT start_ms, duration_ms, model, request_id\nFROM calls ORDER BY start_ms"
    page.locator("#statement").fill(statement)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#result tbody tr")).to_have_count(3)
    expect(page.locator("#result tbody tr").nth(2)).to_contain_text(HOSTILE)
    expect(page.locator("#chart svg .series")).to_have_count(1)
    assert [statement] == parse_qs(urlsplit(page.url).query)["q"]

    page.reload()
    expect(page.locator("#result tbody tr")).to_have_count(3)
    assert statement == page.locator("#statement").input_value()
    page.locator(".menu summary", has_text="History").click()
    expect(page.locator("#history button")).to_have_count(1)
    page.keyboard.press("Escape")
    page.locator("#result a").first.click()
    expect(page.locator(".call")).to_have_attribute("data-call", "r0")


@pytest.mark.long
def test_mistake_is_shown_in_its_place(watched: Watched, asked: Running):
    """
    The database's words, the line with a mark in it, and the word selected in the editor; then a good one runs again.
    """
    page = watched.page
    page.goto(f"{asked.url}/sql")
    page.locator("#statement").fill("SELECT 1\nFROM nowhere")
    page.locator("#run").click()
    expect(page.locator("#problem")).to_contain_text("no such table: nowhere")
    expect(page.locator("#problem mark")).to_have_text("nowhere")
    box = "document.activeElement"
    page.wait_for_function(f"() => {box}.value?.slice({box}.selectionStart, {box}.selectionEnd) === 'nowhere'")
    page.locator("#statement").fill("DELETE FROM calls")
    page.locator("#run").click()
    expect(page.locator("#problem")).to_be_visible()
    page.locator("#statement").fill("SELECT 1 AS one")
    page.locator("#run").click()
    expect(page.locator("#result td")).to_have_text("1")
    expect(page.locator("#problem")).to_be_hidden()


def test_long_result_comes_in_windows_and_as_csv(watched: Watched, asked: Running):
    """
    200 rows, more on demand; the file has all of them.
    """
    page = watched.page
    page.goto(f"{asked.url}/sql")
    page.locator("#statement").fill(MANY)
    page.locator("#run").click()
    expect(page.locator("#result tbody tr")).to_have_count(200)
    page.locator("#more").click()
    page.locator("#more").click()
    expect(page.locator("#result tbody tr")).to_have_count(450)
    expect(page.locator("#more")).to_be_hidden()
    with page.expect_download() as download:
        page.locator("#csv").click()
    lines = download.value.path().read_text().split()
    assert ["i", "1", "450"] == [lines[0], lines[1], lines[-1]]


@pytest.mark.long
def test_tables_and_examples_are_at_hand(watched: Watched, asked: Running):
    """
    A table unfolds to its columns, a column goes into the statement, an example runs.
    """
    page = watched.page
    page.goto(f"{asked.url}/sql")
    page.locator(".table summary", has_text="tool_calls").click()
    page.locator("[data-look='tool_calls']").click()
    expect(page.locator("#result th")).to_contain_text(["project"])
    page.locator("#statement").fill("SELECT ")
    page.locator(".table[open] .column", has_text="tool_name").click()
    assert "SELECT tool_name" == page.locator("#statement").input_value()
    page.locator(".menu summary", has_text="Examples").click()
    page.locator(".menu button", has_text="each model cost").click()
    expect(page.locator("#result tbody tr")).to_have_count(2)


def test_login_is_enough_and_a_lacking_scope_is_explained(browser: Browser, sqlite_url: str):
    """
    The cookie of the login runs statements; with a key without the scope the view says what is missing.
    """
    with running_collector(sqlite_url, api_key=KEY) as running:
        asked = {"project": "default", "name": "reader", "scopes": ["read"]}
        reader = running.ask("POST", "/v1/admin/keys", body=asked, headers={"authorization": f"Bearer {KEY}"}).json["key"]
        for key, expected in ((KEY, "#result td"), (reader, ".notice h2")):
            with watched_page(browser, width=390) as watched:
                page = watched.page
                page.goto(f"{running.url}/sql?q=SELECT+1")
                page.locator("input[type=password], input[name=key]").first.fill(key)
                page.keyboard.press("Enter")
                expect(page.locator(expected).first).to_be_visible()
                assert page.url.endswith("/sql?q=SELECT+1")
