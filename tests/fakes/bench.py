"""
A pipeline on a real store, fed as the way in feeds it, with a clock that a test moves.
"""

import json
from collections.abc import Sequence
from typing import Any

from collector.pipeline.pipeline import Pipeline
from collector.storage.protocols import Row, Store
from collector.validation import read_batch
from tests.fakes.clock import FakeClock

SETTLE_MS = 1000
IDLE_TIMEOUT_MS = 60_000
OWN = {"service.name": "shop", "telemetry.sdk.name": "hookline-py"}
FOREIGN = {"service.name": "web"}
SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


class Bench:
    """`feed` is a POST, `run` lets the pipeline work until nothing is due."""

    def __init__(self, store: Store, exporters: Sequence[Any], *, queue: Any = None, **more: Any) -> None:
        self.clock = FakeClock()
        self.store = store
        options: dict[str, Any] = {"settle_ms": SETTLE_MS, "idle_timeout_ms": IDLE_TIMEOUT_MS, "roll": lambda: 1.0, **more}
        self.pipeline = Pipeline(queue or store, exporters, clock=self.clock, **options)
        self._sequence = 0

    def feed(self, *events: dict[str, Any], resource: dict[str, Any] = OWN) -> None:
        """One POST, committed."""
        body = json.dumps({"resource": resource, "events": list(events)}).encode()
        read = read_batch(body, media="json", project="default", received_ms=self.clock.now_ms())
        assert not read.rejected
        self.store.append(read.batch).result(timeout=100)

    def run(self) -> int:
        """How much was done."""
        done = 0
        while worked := self.pipeline.run_once():
            done += worked
            assert done < 10_000, "the pipeline works in a circle"
        return done

    def run_after(self, ms: float) -> int:
        """Let time pass, then run."""
        self.clock.advance(ms)
        return self.run()

    def exports(self, request_id: str) -> list[Row]:
        return list(self.store.call_details("default", request_id)["exports"])

    def status(self, request_id: str) -> str:
        call = self.store.call("default", request_id)
        assert call is not None
        return str(call["status"])

    def started(self, request_id: str, **more: Any) -> dict[str, Any]:
        return self._event(request_id, "text:request:started", messageCount=1, hasTools=False, streaming=True, **more)

    def chunk(self, request_id: str, **more: Any) -> dict[str, Any]:
        return self._event(request_id, "text:chunk:content", messageId="m", delta="Hello", **more)

    def tool(self, request_id: str, **more: Any) -> dict[str, Any]:
        fields = {"toolCallId": "t1", "toolName": "look_up", "result": "42", "duration": 5, "messageId": "m"}
        return self._event(request_id, "tools:call:completed", **fields, **more)

    def feedback(self, request_id: str) -> dict[str, Any]:
        return self._event(request_id, "feedback", score=1)

    def completed(self, request_id: str, **more: Any) -> dict[str, Any]:
        fields = {"content": "Hello", "finishReason": "stop", "messageCount": 1, "hasTools": False, "streaming": True}
        return self._event(request_id, "text:request:completed", **({"duration": 80.5} | fields | more))

    def whole(self, request_id: str, **more: Any) -> tuple[dict[str, Any], ...]:
        """A call from start to end."""
        return self.started(request_id, **more), self.completed(request_id, **more)

    def _event(self, request_id: str, event_type: str, **fields: Any) -> dict[str, Any]:
        self._sequence += 1
        base = {
            "requestId": request_id,
            "streamId": "s",
            "provider": "openai",
            "model": f"model-of-{request_id}",
            "source": "server",
        }
        place = {"timestamp": self.clock.now_ms(), "eventId": f"bench-{self._sequence}", "sequence": self._sequence}
        return {"type": event_type, **base, **place, **fields}
