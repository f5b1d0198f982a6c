"""
Takes what the benchmarks of the client deliver, in a process of its own, and counts the calls whose record is whole.

    python -m benchmarks.client_receiver        (prints its port; ends with its standard input)

Flow: hooks -> emitter -> **receiver** -> client_overhead (fails unless every timed call was whole).
A hook that recorded nothing would be the fastest. Other paths than ours are answered, too: there peers deliver.
"""

import gzip
import json
import os
import sys
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.client_said import ANSWER, ASKED, CHUNKS, FEW_CHUNKS, TOTAL_TOKENS, WORDS

Event = dict[str, Any]
COUNTS = (1, FEW_CHUNKS, CHUNKS)
TEXTS = frozenset((ANSWER, *("".join(WORDS[:count]) for count in COUNTS)))


class Seen:
    """What arrived. `whole` counts calls with the messages, the text, its pieces and the usage."""

    def __init__(self) -> None:
        self.started = 0
        self.whole = 0
        self.other_posts = 0
        self._said: dict[str, list[str]] = {}
        self._known: set[str] = set()

    def add(self, event: Event) -> None:
        match event["type"]:
            case "text:request:started":
                if any(ASKED in json.dumps(message) for message in event["messages"]):
                    self._known.add(event["requestId"])
                    self.started += 1
            case "text:chunk:content":
                self._said.setdefault(event["requestId"], []).extend(chunk["delta"] for chunk in event["chunks"])
            case "text:request:completed":
                self.whole += self._is_whole(event)

    def _is_whole(self, event: Event) -> bool:
        request_id, text = event["requestId"], event["content"]
        pieces = self._said.pop(request_id, [])
        has_pieces = "".join(pieces) == text and len(pieces) in COUNTS if event["streaming"] else not pieces
        has_usage = event.get("usage", {}).get("totalTokens") == TOTAL_TOKENS
        is_known = request_id in self._known
        self._known.discard(request_id)
        return is_known and text in TEXTS and has_pieces and has_usage


class Receiver(BaseHTTPRequestHandler):
    """POST takes, GET tells."""

    protocol_version = "HTTP/1.1"
    seen = Seen()
    lock = threading.Lock()

    def do_POST(self) -> None:
        body = self._body()
        if not self.path.endswith("/v1/events"):
            self.seen.other_posts += 1
            self._reply({})
            return
        events = json.loads(body)["events"]
        with self.lock:
            for event in events:
                self.seen.add(event)
        self._reply({"accepted": len(events), "duplicates": 0, "rejected": []})

    def do_GET(self) -> None:
        seen = self.seen
        self._reply({"started": seen.started, "whole": seen.whole, "other_posts": seen.other_posts})

    do_PATCH = do_POST

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        match self.headers.get("content-encoding"):
            case "gzip":
                return gzip.decompress(body)
            case "deflate":
                return zlib.decompress(body)
        return body

    def _reply(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class names it so
        """Silent."""


def give_way() -> None:
    """At once: a process that is only nicer may keep its processor for three milliseconds more, and a host waits behind it."""
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(19)


def main() -> None:
    # A collector is on another machine: this one must not take the processor from a thread that holds the host's interpreter.
    give_way()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
