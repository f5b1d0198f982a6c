"""
Connections with bounds: how many, how large the head of a request, how long it may take to come, how long an answer lies unread.

Flow: socket -> **BoundedProtocol** (uvicorn's, with limits that it has not) -> app. Whoever holds a connection open pays for it
with little of ours, and not for ever. What a body may hold is counted in `api.bodies`.
A POST of events that is all there at once may go a short way past ASGI: see `ShortCycle`.
"""

import asyncio
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import structlog
from starlette.exceptions import HTTPException
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from collector.api.problems import problem_response

log = structlog.get_logger(__name__)

_GRACE: Final = 1.25
_GRACE_S: Final = 1.0
"""Times the time that a request may take, and a second. The application's own limit comes first, since its answer says more."""
_FRAMING_BYTES: Final = 1024 * 1024
"""For chunk sizes and trailers beside a body. As much is taken of one that is refused: its sender shall get to the answer."""
_FILES_BESIDE: Final = 100
_SHORT_PATH: Final = b"/v1/events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What one process gives to connections."""

    connections: int = 1000
    head_bytes: int = 32 * 1024
    """Of request line and headers together."""
    body_bytes: int = 64 * 1024 * 1024
    timeout_s: float = 60.0


Headers = Sequence[tuple[bytes, bytes]]
Take = Callable[[MutableMapping[str, Any], bytes, Callable[[int, Headers, bytes], None]], bool]
"""Takes a whole request (scope, body) and answers it later (status, headers, body), or says False and does nothing."""


class _Unheard:
    """In the place of an event that nobody waits for."""

    def set(self) -> None:
        """Nobody hears."""


_NOBODY: Final = _Unheard()


class ShortCycle:
    """
    A request on its short way, with what uvicorn looks at in a cycle of its own.

    No task, no queue for pieces of a body, one write: these would cost more than the rest of a small request.
    """

    __slots__ = ("_protocol", "disconnected", "keep_alive", "response_complete")

    def __init__(self, protocol: "BoundedProtocol") -> None:
        self._protocol = protocol
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False

    @property
    def message_event(self) -> _Unheard:
        """uvicorn wakes whoever waits for more of the request."""
        return _NOBODY

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send the whole answer, and let the next request go on."""
        self.response_complete = True
        transport = self._protocol.transport
        if self.disconnected or transport.is_closing():
            return
        lines = [STATUS_LINE[status], *(b"%b: %b\r\n" % header for header in headers)]
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        transport.write(b"".join([*lines, b"\r\n", body]))
        if not self.keep_alive:
            transport.close()
        self._protocol.on_response_complete()


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `bounds` are set by `bounded_protocol`."""

    bounds = Bounds()

    take: Take | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._is_reading_head = True
        self._is_refused = False
        self._received_bytes = 0
        self._at_hand_bytes = 0
        """No head that ends in the data at hand is longer: most need no counting."""
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._running: RequestResponseCycle | ShortCycle | None = None
        self._at_once: bytes | None = None
        """What has come of the body of a request that may go the short way."""
        super().connection_made(transport)
        if len(self.connections) > self.bounds.connections:
            self._refuse(503, "too many connections are open: send this again in a moment", {"retry-after": "1"})
        else:
            self._deadline = self.loop.call_later(self.bounds.timeout_s, self._end_slow_request)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_deadline()
        self._end_unread()
        # Of requests in a row uvicorn stops the last one only: the one that runs would write to a closed connection, and so would
        # those that wait behind it.
        if self._running is not None:
            self._running.disconnected = True
        self.pipeline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._received_bytes += len(data)
        self._at_hand_bytes = self._received_bytes
        super().data_received(data)
        if self._at_once is not None:
            self._go_the_long_way()
        if self._is_reading_head:
            if self._received_bytes > self.bounds.head_bytes:
                self._refuse_head()
            # Nothing came of a request that is complete.
            elif not self._received_bytes:
                return
        elif self._received_bytes > self.bounds.body_bytes + _FRAMING_BYTES:
            self._abort("request_too_long")
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.bounds.timeout_s * _GRACE + _GRACE_S, self._end_slow_request)

    def on_headers_complete(self) -> None:
        if self._at_hand_bytes > self.bounds.head_bytes and self._head_bytes() > self.bounds.head_bytes:
            self._refuse_head()
            return
        self._is_reading_head = False
        self._received_bytes = 0
        self._end_deadline()
        if self.url == _SHORT_PATH and self._may_go_the_short_way():
            self._at_once = b""
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._at_once is not None:
            self._at_once += body
        elif not self._is_refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._is_refused:
            return
        self._is_reading_head = True
        self._received_bytes = 0
        self._end_deadline()
        if self._at_once is not None:
            if self._is_taken(self._at_once):
                return
            self._go_the_long_way()
        super().on_message_complete()

    def _may_go_the_short_way(self) -> bool:
        """Whether nothing about this request asks for more than its headers and its body."""
        parser: Any = self.parser
        cycle: Any = self.cycle
        is_plain = not self.expect_100_continue and parser.get_method() == b"POST" and not parser.should_upgrade()
        is_to_last = parser.get_http_version() == "1.1" and parser.should_keep_alive()
        is_free = (cycle is None or cycle.response_complete) and not self.flow.write_paused
        return self.take is not None and is_plain and is_to_last and is_free

    def _is_taken(self, body: bytes) -> bool:
        """Whether the request goes the short way, which it does only if all of it came in one piece."""
        cycle, scope = ShortCycle(self), cast("MutableMapping[str, Any]", self.scope)
        if self.take is None or not self.take(scope, body, cycle.answer):
            return False
        # uvicorn asks its cycle whether the connection is busy, and tells it when it must end.
        self.cycle = cast("RequestResponseCycle", cycle)
        self._at_once, self._running = None, cycle
        return True

    def _go_the_long_way(self) -> None:
        body, self._at_once = self._at_once, None
        super().on_headers_complete()
        if body:
            super().on_body(body)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self.bounds.timeout_s, self._abort, "answer_not_read")

    def resume_writing(self) -> None:
        self._end_unread()
        super().resume_writing()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _end_unread(self) -> None:
        unread, self._unread = self._unread, None
        if unread is not None:
            unread.cancel()

    def _end_deadline(self) -> None:
        deadline, self._deadline = self._deadline, None
        if deadline is not None:
            deadline.cancel()

    def _end_slow_request(self) -> None:
        self._deadline = None
        if self._is_reading_head and self._received_bytes:
            self._refuse(408, f"the request's headers were not complete after {self.bounds.timeout_s:.0f} s: send them at once")
        elif self._is_reading_head:
            self.transport.close()
        else:
            self._abort("request_too_slow")

    def _refuse_head(self) -> None:
        self._refuse(431, f"request line and headers are over {self.bounds.head_bytes} bytes: send fewer or shorter ones")

    def _refuse(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        """An answer without a request, the last one on this connection."""
        if self._is_refused:
            return
        self._is_refused = True
        answer = problem_response(HTTPException(status, detail, {"connection": "close", **(headers or {})}))
        lines = [f"HTTP/1.1 {status} {_PHRASES[status]}".encode(), *(b": ".join(header) for header in answer.raw_headers)]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(answer.body)]))
        self.transport.close()

    def _abort(self, why: str) -> None:
        log.info("connection_cut", why=why)
        self._is_refused = True
        self.transport.abort()


_PHRASES: Final = {408: "Request Timeout", 431: "Request Header Fields Too Large", 503: "Service Unavailable"}


def bounded_protocol(bounds: Bounds, take: Take | None = None) -> type[BoundedProtocol]:
    """The protocol with these bounds and this short way for events, for uvicorn, which makes one for each connection."""
    return type("BoundedHttp", (BoundedProtocol,), {"bounds": bounds, "take": None if take is None else staticmethod(take)})


def make_room(connections: int) -> None:
    """Let this process have as many files open as its connections need, as far as the system allows."""
    try:
        import resource
    except ImportError:
        # Windows has no such limit.
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _FILES_BESIDE
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    most: Any = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < wanted:
        log.warning("few_open_files", limit=most, wanted=wanted, cure="raise `ulimit -n`, or lower HOOKLINE_MAX_CONNECTIONS")
