"""
A browser page under watch: what must not happen on any page of ours fails the test that made it happen.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page

# Messages of the network, not of our scripts: tests that stop a collector or ask for a wrong thing cause them.
HARMLESS = ("Failed to load resource", "net::ERR_")
LIMIT_MS = 60_000


@dataclass(kw_only=True)
class Watched:
    """A page, and what went wrong on it."""

    page: Page
    problems: list[str] = field(default_factory=list[str])
    requests: list[str] = field(default_factory=list[str])

    def on_console(self, message: ConsoleMessage) -> None:
        is_bad = message.type == "error" or "Content Security Policy" in message.text
        if is_bad and not any(harmless in message.text for harmless in HARMLESS):
            self.problems.append(f"console: {message.text}")

    def on_dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()


@contextmanager
def watched_page(browser: Browser, *, width: int, height: int = 900) -> Generator[Watched]:
    """A page in a context of its own; at the end nothing may have gone wrong."""
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    context.set_default_timeout(LIMIT_MS)
    page = context.new_page()
    watched = Watched(page=page)
    page.on("console", watched.on_console)
    page.on("dialog", watched.on_dialog)
    page.on("pageerror", lambda error: watched.problems.append(f"script: {error}"))
    page.on("request", lambda request: watched.requests.append(request.url))
    try:
        yield watched
        assert [] == watched.problems
    finally:
        context.close()
