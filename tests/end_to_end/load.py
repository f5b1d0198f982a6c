"""
Calls as our Python hook would send them, made by hand so that a test knows every event that it posted.
"""

import contextlib
import threading
import time
import urllib.error
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.end_to_end.processes import CollectorProcess

Event = dict[str, Any]
RESOURCE = {"service.name": "load", "telemetry.sdk.name": "hookline-py", "telemetry.sdk.version": "0"}


def call_events(name: str, *, at_ms: float, sequence: int = 1, **extra: Any) -> list[Event]:
    """One streamed chat call of three events; its completed event says 80.5 ms."""
    base: Event = {
        "requestId": name,
        "streamId": f"{name}-s",
        "provider": "openai",
        "model": "gpt-4o",
        "source": "server",
        **extra,
    }
    parts: list[Mapping[str, Any]] = [
        {"type": "text:request:started", "messageCount": 1, "hasTools": False, "streaming": True, "timestamp": at_ms},
        {"type": "text:chunk:content", "messageId": "m", "timestamp": at_ms + 40, "chunks": _CHUNKS},
        {
            "type": "text:request:completed",
            "content": "Hello there",
            "finishReason": "stop",
            "streaming": True,
            "messageCount": 1,
            "hasTools": False,
            "duration": 80.5,
            "timestamp": at_ms + 80.5,
            "usage": {"promptTokens": 7, "completionTokens": 2, "totalTokens": 9},
        },
    ]
    return [{**base, **part, "eventId": f"{name}-{sequence + n}", "sequence": sequence + n} for n, part in enumerate(parts)]


_CHUNKS = [{"offsetMs": 0, "delta": "Hello "}, {"offsetMs": 12.5, "delta": "there"}]


def batches(prefix: str, *, calls: int, calls_a_batch: int) -> Iterator[list[Event]]:
    """`calls` calls, a few to a POST; the last event of each batch's last call waits for the next batch."""
    now_ms = time.time() * 1000
    carried: list[Event] = []
    for first in range(0, calls, calls_a_batch):
        events = carried
        for number in range(first, min(calls, first + calls_a_batch)):
            events = events + call_events(f"{prefix}-{number}", at_ms=now_ms + number)
        carried = events[-1:]
        yield events[:-1]
    yield carried


@dataclass(kw_only=True)
class Poster:
    """Posts batches until each is acknowledged, as a client that retries does; remembers what was acknowledged."""

    collector: CollectorProcess
    batches: Sequence[list[Event]]
    acknowledged: list[Event] = field(default_factory=list[Event])
    posts: int = 0
    gave_up: str | None = None

    def run(self, *, limit_s: float = 60.0) -> None:
        deadline = time.monotonic() + limit_s
        for batch in self.batches:
            if not self._post(batch, deadline):
                self.gave_up = f"a batch was not acknowledged within {limit_s} s"
                return

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        return thread

    def _post(self, batch: list[Event], deadline: float) -> bool:
        while time.monotonic() < deadline:
            self.posts += 1
            with contextlib.suppress(urllib.error.URLError, OSError):
                answer = self.collector.post({"resource": RESOURCE, "events": batch})
                assert answer["accepted"] + answer["duplicates"] == len(batch), answer
                self.acknowledged.extend(batch)
                return True
            time.sleep(0.05)
        return False
