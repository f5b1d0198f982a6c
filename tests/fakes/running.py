"""
A whole collector inside the test's process: real uvicorn on a free port, real store, real pipeline.
"""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from collector.server import ServerThread
from collector.settings import Settings

RESOURCE = {"service.name": "shop", "telemetry.sdk.name": "hookline-py"}
AT_MS = 1_764_000_000_000


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Running:
    """A collector that answers at `url`."""

    url: str
    server: ServerThread

    def ask(self, method: str, path: str, *, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """One request on a connection of its own."""
        data = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"content-type": "application/json"}
        return self.send(method, path, data, {**kind, **(headers or {})})

    def send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """One request with a body as it is."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=100)
        try:
            connection.request(method, path, body=body, headers=dict(headers))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(status=answer.status, headers=found, body=answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        """GET; header names with `_` for `-`."""
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post_events(self, *events: Any, key: str | None = None) -> Answer:
        """POST events of our own hook."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return self.ask("POST", "/v1/events", body={"resource": RESOURCE, "events": events}, headers=headers)

    def wait_for_calls(self, *request_ids: str) -> dict[str, Any]:
        """The calls by request id, once all of these are settled."""

        def look() -> dict[str, Any] | None:
            calls = {call["request_id"]: call for call in self.get("/v1/calls?limit=1000").json["items"]}
            return calls if all(name in calls and calls[name]["status"] != "running" for name in request_ids) else None

        return eventually(look)


def eventually(look: Callable[[], Any], *, limit_s: float = 30.0) -> Any:
    """The first true answer of `look`."""
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {limit_s} s")


@contextmanager
def running_collector(database_url: str, **settings: Any) -> Iterator[Running]:
    """A collector over a database, stopped as by SIGTERM at the end."""
    values = {"port": 0, "database_url": database_url, "settle_ms": 0, **settings}
    with ServerThread(Settings(**values)) as server:
        yield Running(url=server.url, server=server)


def chat_call(name: str, *, at_ms: int = AT_MS, model: str = "gpt-4o", **extra: Any) -> list[dict[str, Any]]:
    """A finished chat call: started, a chunk, completed; 80 ms."""
    base = {"requestId": name, "streamId": f"{name}-s", "provider": "openai", "model": model, **extra}
    usage = {"promptTokens": 7, "completionTokens": 2, "totalTokens": 9}
    return [
        {**base, "type": "text:request:started", "eventId": f"{name}-1", "sequence": 1, "timestamp": at_ms, "messageCount": 1},
        {**base, "type": "text:chunk:content", "eventId": f"{name}-2", "sequence": 2, "timestamp": at_ms + 40, "messageId": "m"}
        | {"delta": f"Hello from {name}"},
        {**base, "type": "text:request:completed", "eventId": f"{name}-3", "sequence": 3, "timestamp": at_ms + 80, "duration": 80}
        | {"content": f"Hello from {name}", "finishReason": "stop", "usage": usage},
    ]
