"""
A collector at the other end of a transport that takes no time: there, away, or picky, at a test's word.
"""

import gzip
import json
from typing import Any

from sdk_hooks.transport import Answer, Delivered, Denied, Refused, RetryLater


class FarCollector:
    """Is its own `connect`: every process of a test that is given it sends to it."""

    def __init__(self) -> None:
        self.is_away = False
        self.status: int | None = None
        self.max_events: int | None = None
        self.accepted: list[dict[str, Any]] = []
        self.posts: list[int] = []
        self.keys: list[str | None] = []

    def connect(self, url: str, api_key: str | None) -> "_Way":
        return _Way(self, api_key)

    def take(self, body: bytes, api_key: str | None) -> Answer:
        events = json.loads(body)["events"]
        self.posts.append(len(events))
        self.keys.append(api_key)
        if self.is_away:
            return RetryLater(None, "ConnectionRefusedError")
        if self.max_events is not None and len(events) > self.max_events:
            return Refused(413)
        if self.status is not None:
            return Denied(self.status) if self.status in (401, 403) else Refused(self.status)
        self.accepted += events
        return Delivered({})

    def sequences(self) -> list[int]:
        return [event["sequence"] for event in self.accepted]


class _Way:
    def __init__(self, collector: FarCollector, api_key: str | None) -> None:
        self._collector = collector
        self._api_key = api_key

    def post(self, body: bytes, *, is_gzip: bool, timeout_s: float) -> Answer:
        return self._collector.take(gzip.decompress(body) if is_gzip else body, self._api_key)

    def close(self) -> None: ...

    def abandon(self) -> None: ...
