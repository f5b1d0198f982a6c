"""
A collector that is a list, and a runtime that delivers to it when it is told to: no thread, no socket.

    with recording() as events:
        ...                        # record something
        events.flush()
        assert ... == events.types
"""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sdk_hooks import guard
from sdk_hooks.config import Config
from sdk_hooks.runtime import Runtime, use
from sdk_hooks.transport import Answer, Delivered


class Collected:
    """Events that were delivered, in order; `answers` are given first, then everything is taken."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.resources: list[dict[str, Any]] = []
        self.batches: list[int] = []
        self.answers: list[Answer] = []
        self.runtime: Runtime | None = None

    def __call__(self, url: str, api_key: str | None) -> "Collected":
        return self

    def post(self, body: bytes, *, is_gzip: bool, timeout_s: float) -> Answer:
        batch = json.loads(gzip.decompress(body) if is_gzip else body)
        self.batches.append(len(batch["events"]))
        if self.answers:
            answer = self.answers.pop(0)
            if not isinstance(answer, Delivered):
                return answer
        else:
            answer = Delivered({})
        self.resources.append(batch["resource"])
        self.events.extend(batch["events"])
        return answer

    def abandon(self) -> None:
        """Nothing is open."""

    def close(self) -> None:
        """Nothing is open."""

    def flush(self) -> bool:
        assert self.runtime is not None
        return self.runtime.emitter.flush(5.0)

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def of(self, type_: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == type_]


@contextmanager
def recording(environment: dict[str, str] | None = None, *, raises: bool = True, **settings: Any) -> Iterator[Collected]:
    """
    Everything that is recorded inside goes to the list. `raises`: a guarded mistake fails the test.
    """
    collected = Collected()
    config = Config(environment or {})
    config.update(settings)
    collected.runtime = Runtime(config, connect=collected, starts_thread=False)
    before = use(collected.runtime)
    guard.raise_for_tests(raises)
    try:
        yield collected
    finally:
        guard.raise_for_tests(False)
        use(before)
