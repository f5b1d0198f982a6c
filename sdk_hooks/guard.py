"""
Keep our mistakes out of the host.

Flow: every entry from the host -> **guard** -> our code.
Logs at most once a minute and place; raises only where a test asked for it (`raise_for_tests`).
"""

from contextlib import suppress as ignoring
from time import monotonic
from types import TracebackType
from typing import Any

from sdk_hooks.fork_gate import importing

LOG_EVERY_S = 60.0

_logged_at_s: dict[str, float] = {}
_raises = False


def raise_for_tests(enabled: bool) -> None:
    """Let guarded errors through. For test suites only: a hook's mistake must fail its test."""
    global _raises
    _raises = enabled


def log(level: str, message: str, *arguments: Any) -> None:
    """
    One line on the logger `hookline`. `logging` is imported here: most hosts never need it from us.

    A filter or handler of the host's that raises costs the line and nothing else: many who call this have no guard around them.
    """
    with importing():
        import logging

    with ignoring(Exception):
        getattr(logging.getLogger("hookline"), level)(message, *arguments)


def log_seldom(place: str, message: str, *arguments: Any) -> None:
    """A warning, at most once a minute and place."""
    now_s = monotonic()
    if now_s - _logged_at_s.get(place, -LOG_EVERY_S) < LOG_EVERY_S:
        return
    _logged_at_s[place] = now_s
    log("warning", message, *arguments)


class guard:
    """
    `with guard("openai.response"):` an exception of ours ends the block and nothing else.

    KeyboardInterrupt, SystemExit and GeneratorExit pass: they are the host's.
    """

    __slots__ = ("_place",)

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if kind is None:
            return False
        if _raises or not issubclass(kind, Exception):
            return False
        # The type only: a message may quote the host's data.
        log_seldom(self._place, "hookline: %s failed with %s; the call itself is untouched", self._place, kind.__name__)
        return True
