"""
A collector that can be everything a collector can be: fine, slow, busy, picky, gone.

    with Receiver() as receiver:
        receiver.script(503, Answer(429, retry_after="1"), "cut")     # what the next POSTs get; then 200
        receiver.always(Answer(200, after=is_time))                  # silence until the Event is set
        configure(url=receiver.url)
        receiver.wait_for(3)
"""

import gzip
import json
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from types import TracebackType
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One POST that came in, whatever the answer was."""

    path: str
    headers: dict[str, str]
    raw_bytes: int
    events: list[dict[str, Any]]
    resource: dict[str, Any]
    at_s: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    retry_after: str | None = None
    rejected: tuple[dict[str, Any], ...] = ()
    after: Event | None = None
    """Nothing is said until somebody sets it, or the `with` ends."""


SILENCE_MAX_S = 60.0
Step = int | Answer | Literal["cut"]


class Receiver:
    """Listens on loopback until the `with` ends."""

    def __init__(self, *, max_events: int | None = None) -> None:
        self.posts: list[Post] = []
        self.accepted: list[dict[str, Any]] = []
        self.begun = 0
        self.max_events = max_events
        self._steps: list[Step] = []
        self._always: Step | None = None
        self._news = Condition()
        self._silent: list[Event] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver.take(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._news:
            for held in self._silent:
                held.set()
        self._server.shutdown()
        self._server.server_close()

    def script(self, *steps: Step) -> None:
        with self._news:
            self._steps += steps

    def always(self, step: Step | None) -> None:
        with self._news:
            self._always = step

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        raw = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        body = gzip.decompress(raw) if handler.headers.get("Content-Encoding") == "gzip" else raw
        batch = json.loads(body)
        post = Post(
            path=handler.path,
            headers={name.lower(): value for name, value in handler.headers.items()},
            raw_bytes=len(raw),
            events=batch["events"],
            resource=batch["resource"],
        )
        with self._news:
            step = self._steps.pop(0) if self._steps else self._always or 200
            self.begun += 1
            self._news.notify_all()
            if isinstance(step, Answer) and step.after is not None:
                self._silent.append(step.after)
        if step == "cut":
            self._note(post, False)
            handler.close_connection = True
            handler.connection.close()
            return
        answer = step if isinstance(step, Answer) else Answer(step)
        if self.max_events is not None and len(post.events) > self.max_events:
            answer = Answer(413)
        if answer.after is not None:
            answer.after.wait(SILENCE_MAX_S)
        # As the real one: kept first, then answered.
        self._note(post, answer.status == 200)
        self._reply(handler, answer, post)

    def _reply(self, handler: BaseHTTPRequestHandler, answer: Answer, post: Post) -> None:
        count = len(post.events) - len(answer.rejected)
        text = json.dumps({"accepted": count, "duplicates": 0, "rejected": list(answer.rejected)}).encode()
        try:
            handler.send_response(answer.status)
            if answer.retry_after is not None:
                handler.send_header("Retry-After", answer.retry_after)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(text)))
            handler.end_headers()
            handler.wfile.write(text)
        except OSError:
            handler.close_connection = True

    def _note(self, post: Post, is_accepted: bool) -> None:
        with self._news:
            self.posts.append(post)
            if is_accepted:
                self.accepted += post.events
            self._news.notify_all()

    def wait_for(self, count: int, timeout_s: float = 20.0) -> list[dict[str, Any]]:
        """At least so many accepted events."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.accepted) >= count, timeout_s), f"{len(self.accepted)} of {count} came"
            return list(self.accepted)

    def wait_until_begun(self, count: int, timeout_s: float = 20.0) -> None:
        """At least so many POSTs were read, whether or not they are answered yet."""
        with self._news:
            assert self._news.wait_for(lambda: self.begun >= count, timeout_s), f"{self.begun} of {count} came"

    def wait_for_posts(self, count: int, timeout_s: float = 20.0) -> list[Post]:
        with self._news:
            assert self._news.wait_for(lambda: len(self.posts) >= count, timeout_s), f"{len(self.posts)} of {count} came"
            return list(self.posts)
