"""
Who sends events during the rounds, and what was acknowledged to them.

Flow: Poster -> collector; host -> **Gate** -> collector. The gate stands between the wrapped client and the collector because the
client may be killed: what the collector has acknowledged is remembered here, outside of both.
"""

import contextlib
import gzip
import http.client
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.end_to_end.load import RESOURCE, Event, batches

AGAIN_S = 0.03
LIMIT_S = 150.0


@dataclass(slots=True)
class Acknowledged:
    """Event ids that a 200 was read for, and what the answers said of them. Used from many threads."""

    event_ids: set[str] = field(default_factory=set[str])
    posts: int = 0
    duplicates: int = 0
    unlike: list[str] = field(default_factory=list[str])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, body: dict[str, Any], answer: dict[str, Any]) -> None:
        rejected = {item["index"] for item in answer["rejected"]}
        ids = [event["eventId"] for index, event in enumerate(body["events"]) if index not in rejected]
        with self.lock:
            self.posts += 1
            self.duplicates += answer["duplicates"]
            self.event_ids.update(ids)
            if rejected or answer["accepted"] + answer["duplicates"] != len(ids):
                self.unlike.append(json.dumps(answer)[:500])


class Poster:
    """Posts calls, some events at a time, each batch until it is acknowledged; a thread of its own."""

    def __init__(self, port: int, acknowledged: Acknowledged, *, name: str, seed: int) -> None:
        self._port = port
        self._acknowledged = acknowledged
        self._name = name
        self._dice = random.Random(seed)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.events_by_type: Counter[str] = Counter()
        self.call_names: set[str] = set()
        self.gave_up: str | None = None

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """No new calls; back when everything that was begun is acknowledged."""
        self._is_over.set()
        self._thread.join(LIMIT_S + 10)
        assert not self._thread.is_alive(), f"{self._name} does not end"
        assert self.gave_up is None, self.gave_up

    def _run(self) -> None:
        number = 0
        while not self._is_over.is_set():
            number += 1
            calls = self._dice.randint(1, 12)
            for events in batches(f"{self._name}-{number}", calls=calls, calls_a_batch=self._dice.randint(1, 4)):
                if not self._post(events):
                    self.gave_up = f"a batch of {self._name} was not acknowledged within {LIMIT_S} s"
                    return
                self.call_names.update(event["requestId"] for event in events)
                time.sleep(self._dice.random() * 0.02)

    def _post(self, events: list[Event]) -> bool:
        body = {"resource": RESOURCE, "events": events}
        encoded = json.dumps(body).encode()
        until_s = time.monotonic() + LIMIT_S
        while time.monotonic() < until_s:
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                status, told = post(self._port, encoded, {"Content-Type": "application/json"})
                if status == 200:
                    self._acknowledged.note(body, json.loads(told))
                    return True
            time.sleep(AGAIN_S)
        return False


def post(port: int, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """One POST on a connection of its own; status and the whole answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=100)
    try:
        connection.request("POST", "/v1/events", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class Gate:
    """Passes POSTs on to the collector and remembers what it acknowledged. Cuts the line where the collector does not answer."""

    def __init__(self, collector_port: int, acknowledged: Acknowledged) -> None:
        self._server = _GateServer(("127.0.0.1", 0), _GateHandler)
        self._server.collector_port = collector_port
        self._server.acknowledged = acknowledged

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _GateServer(ThreadingHTTPServer):
    daemon_threads = True
    collector_port: int
    acknowledged: Acknowledged

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A killed host hangs up: that is what is tried here."""


class _GateHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _GateServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        kept = {name: self.headers[name] for name in ("content-type", "content-encoding") if name in self.headers}
        try:
            status, told = post(self.server.collector_port, body, kept)
        except (OSError, http.client.HTTPException):
            self.close_connection = True
            return
        if status == 200:
            plain = gzip.decompress(body) if "content-encoding" in kept else body
            self.server.acknowledged.note(json.loads(plain), json.loads(told))
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""
