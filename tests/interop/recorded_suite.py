"""
A pytest plugin: every SDK is recorded while somebody else's test suite runs. `check_sdk_suites` loads it.

All of the client runs, hooks, recorder and emitter, and what it would send goes nowhere. The last lines say how much that was,
and how often something of ours failed behind its guard.
"""

import gzip
import json
import logging
from typing import Any

from sdk_hooks import flush, instrument, losses
from sdk_hooks.config import Config
from sdk_hooks.runtime import Runtime, use
from sdk_hooks.transport import Delivered

_seen: dict[str, int] = {"events": 0, "calls": 0, "failures of ours": 0}


class Nowhere:
    """Takes every batch."""

    def __init__(self, url: str, api_key: str | None) -> None: ...

    def post(self, body: bytes, *, is_gzip: bool, timeout_s: float) -> Delivered:
        events = json.loads(gzip.decompress(body) if is_gzip else body)["events"]
        _seen["events"] += len(events)
        _seen["calls"] += sum(event["type"].endswith(":request:started") for event in events)
        return Delivered({})

    def close(self) -> None:
        """Nothing to close."""

    def abandon(self) -> None: ...


class _Failures(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _seen["failures of ours"] += 1


def pytest_configure(config: Any) -> None:
    """
    Before any test is imported, as a host would do it.
    """
    logging.getLogger("hookline").addHandler(_Failures(logging.WARNING))
    use(Runtime(Config({"HOOKLINE_SPOOL_MAX_BYTES": "0"}), connect=Nowhere))
    instrument()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """
    What a run without it does not say.
    """
    flush(10.0)
    terminalreporter.write_line(f"hookline recorded: {json.dumps(_seen | losses())}")
