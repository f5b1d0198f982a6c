"""
Catch in memory what the client would post: the real recorder, emitter and delivery, with a transport that keeps the batches.
"""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sdk_hooks import uninstrument
from sdk_hooks.config import Config
from sdk_hooks.guard import raise_for_tests
from sdk_hooks.runtime import Runtime, use
from sdk_hooks.transport import Delivered

Event = dict[str, Any]


class Capture:
    """The events that were posted."""

    def __init__(self, **settings: Any) -> None:
        self.batches: list[Any] = []
        config = Config({})
        config.update(settings)
        self.runtime = Runtime(config, connect=self._connect, starts_thread=False)

    def _connect(self, url: str, api_key: str | None) -> "Capture":
        return self

    def post(self, body: bytes, *, is_gzip: bool, timeout_s: float) -> Delivered:
        self.batches.append(json.loads(gzip.decompress(body) if is_gzip else body))
        return Delivered({})

    def close(self) -> None:
        """Nothing to close."""

    def abandon(self) -> None: ...

    def events(self) -> list[Event]:
        """Everything recorded so far."""
        assert self.runtime.emitter.flush(5.0)
        return [event for batch in self.batches for event in batch["events"]]

    def of_call(self, request_id: str) -> list[Event]:
        return [event for event in self.events() if event["requestId"] == request_id]

    def started(self) -> list[Event]:
        return [event for event in self.events() if event["type"].endswith(":request:started")]

    def terminals(self) -> list[Event]:
        ends = (":request:completed", ":request:error", ":request:aborted")
        return [event for event in self.events() if event["type"].endswith(ends)]

    def only_terminal(self) -> Event:
        """The terminal event of the only call; fails where the call has none, or there are several."""
        started, terminals = self.started(), self.terminals()
        assert 1 == len(started), [event["type"] for event in self.events()]
        assert 1 == len(terminals), [event["type"] for event in self.events()]
        assert started[0]["requestId"] == terminals[0]["requestId"]
        return terminals[0]


@contextmanager
def capturing(**settings: Any) -> Iterator[Capture]:
    """Record into memory; a mistake of ours raises into the test instead of into a log."""
    capture = Capture(**settings)
    before = use(capture.runtime)
    raise_for_tests(True)
    try:
        yield capture
    finally:
        uninstrument()
        raise_for_tests(False)
        use(before)
