"""
A real Chromium for the page's tests, one a module, and a collector for each module that wants one.

Not one a session: Playwright keeps an event loop running in the test's thread, and asyncio tests of the same worker need it.
"""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.watching import LIMIT_MS, Watched, watched_page
from tests.fakes.required import missing
from tests.fakes.running import Running, running_collector

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Names of other sites that lead to this machine, as an attacker's DNS can.
    "--host-resolver-rules=MAP *.example 127.0.0.1",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """
    Chromium as the system has it; without one the tests are skipped, or fail where everything is required.
    """
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        missing("no Chromium: apt-get install chromium")
    expect.set_options(timeout=LIMIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """
    A collector of the module's own, without a key.
    """
    with running_collector(f"sqlite:///{tmp_path_factory.mktemp('page') / 'a.db'}") as running:
        yield running


@pytest.fixture
def fresh(sqlite_url: str) -> Iterator[Running]:
    """
    A collector that has seen nothing.
    """
    with running_collector(sqlite_url) as running:
        yield running


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """
    A page at 1440 pixels; errors of scripts, violations of the policy and dialogs fail the test.
    """
    with watched_page(browser, width=1440) as watched:
        yield watched


@pytest.fixture
def narrow(browser: Browser) -> Iterator[Watched]:
    """
    The same at 390 pixels.
    """
    with watched_page(browser, width=390) as watched:
        yield watched
