"""
The short way of small POSTs of events: who goes it, that it ends in the same answers, and who has to go the long one.
"""

import asyncio
import gc
import json
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import httpx2
import pytest
import uvicorn
from uvicorn.server import ServerState

from collector.api.access import Access
from collector.api.ingest import IngestApp
from collector.connections import Bounds, bounded_protocol
from collector.errors import StoreBusy, StoreUnavailable
from collector.events import Receipt
from collector.validation import Limits
from tests.fakes.memory_writer import MemoryKeys, MemoryWriter
from tests.fakes.posts import NOW_MS, event

USUAL = [(b"host", b"127.0.0.1:4319"), (b"content-type", b"application/json")]
Told = tuple[int, dict[bytes, bytes], Any]


class Way:
    """An IngestApp that has seen the usual sender once, by the long way."""

    def __init__(self, **options: Any) -> None:
        self.writer = MemoryWriter()
        self.committed: list[int] = []
        self.refused: list[str] = []
        self.answers: list[Told] = []
        self.app = IngestApp(
            self.writer,
            Access(MemoryKeys(), host="127.0.0.1"),
            lambda: NOW_MS,
            on_commit=lambda batch: self.committed.append(len(batch.events)),
            on_refused=lambda error: self.refused.append(type(error).__name__),
            **options,
        )

    async def learn(self) -> "Way":
        """The first request is looked at more closely."""
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app), base_url="http://127.0.0.1:4319") as client:
            answer = await client.post("/v1/events", content=b"[]", headers={"content-type": "application/json"})
        assert 200 == answer.status_code
        return self

    def take(self, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> bool:
        return self.app.take(headers or USUAL, body, self._answered)

    def _answered(self, status: int, headers: Any, body: bytes) -> None:
        self.answers.append((status, dict(headers), json.loads(body)))

    async def told(self) -> Told:
        """The answer, which comes with another round of the loop."""
        while not self.answers:
            await asyncio.sleep(0)
        return self.answers.pop()


async def test_usual_request_is_stored_and_answered() -> None:
    """
    With what became of its events, also when they were there; listeners hear of it; nothing stays held in memory.
    """
    way = await Way().learn()
    for accepted in (1, 0):
        assert way.take(json.dumps([event()]).encode())
        status, headers, told = await way.told()
        assert (200, {"accepted": accepted, "duplicates": 1 - accepted, "rejected": []}) == (status, told)
        assert b"application/json" == headers[b"content-type"]
    assert ([1, 1], 1) == (way.committed, len(way.writer.rows))
    assert 0 == way.app._inflight.held_bytes  # pyright: ignore[reportPrivateUsage]


async def test_what_was_answered_is_let_go_at_once() -> None:
    """
    Rows that only the garbage collector finds would be megabytes under load, and its time.
    """
    way = await Way().learn()
    pending: list[Future[Receipt]] = [Future()]
    way.writer.append = lambda batch: pending[0]  # type: ignore[method-assign]
    is_held = weakref.ref(pending[0])
    gc.disable()
    try:
        assert way.take(json.dumps([event()]).encode())
        pending[0].set_result(Receipt(accepted=1, duplicates=0))
        await way.told()
        # The round of the loop that answered has to end.
        await asyncio.sleep(0)
        pending.clear()
        assert is_held() is None
    finally:
        gc.enable()


async def test_sender_who_was_not_seen_goes_the_long_way() -> None:
    """
    Only there is looked from where a request comes.
    """
    assert not Way().take(json.dumps([event()]).encode())


@pytest.mark.parametrize(
    ("more", "body"),
    [
        ([(b"idempotency-key", b"k")], [event()]),
        ([(b"content-encoding", b"gzip")], [event()]),
        ([(b"origin", b"http://127.0.0.1:4319")], [event()]),
        ([(b"host", b"evil.example")], [event()]),
        ([(b"authorization", b"Bearer wrong")], [event()]),
        ([], []),
        ([], [event(), {"no": "type"}]),
        ([], "no events"),
        ([], [event(text="x" * 200_000)]),
        ([], [event(text="x" * 2_000)]),
    ],
)
async def test_unusual_request_goes_the_long_way(more: list[tuple[bytes, bytes]], body: Any) -> None:
    """
    Whatever has to be looked at, unpacked, refused or told in words; nothing of it is stored yet, or held.
    """
    way = await Way(limits=Limits(expanded_bytes=1_500)).learn()
    assert not way.take(json.dumps(body).encode(), [*USUAL, *more])
    assert ({}, []) == (way.writer.rows, way.answers)
    assert 0 == way.app._inflight.held_bytes  # pyright: ignore[reportPrivateUsage]


async def test_full_queue_is_told_the_long_way() -> None:
    """
    A 503 with its Retry-After is made there.
    """
    way = await Way().learn()
    way.writer.failing = StoreBusy("full")
    assert not way.take(json.dumps([event()]).encode())


@pytest.mark.parametrize(("failure", "status", "heard"), [(StoreUnavailable("disk full"), 503, 1), (ValueError("a bug"), 500, 0)])
async def test_failed_commit_is_a_problem(failure: Exception, status: int, heard: int) -> None:
    """
    As on the long way, counted as there; no commit is told.
    """
    way = await Way().learn()
    way.writer.failing_commit = failure
    assert way.take(json.dumps([event()]).encode())
    found, headers, told = await way.told()
    assert (status, b"application/problem+json") == (found, headers[b"content-type"])
    assert (status, [], heard) == (told["status"], way.committed, len(way.refused))
    assert 0 == way.app._inflight.held_bytes  # pyright: ignore[reportPrivateUsage]


async def test_failing_listener_does_not_change_the_answer() -> None:
    """
    The events are stored; the sender must hear so.
    """
    way = await Way().learn()
    way.app._on_commit = lambda batch: 1 / 0  # type: ignore[assignment]
    assert way.take(json.dumps([event()]).encode())
    assert 200 == (await way.told())[0]


class Wire(asyncio.Transport):
    """The other end of a connection."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.sent += bytes(data)

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    abort = close

    def pause_reading(self) -> None:
        """Nothing is read by itself here."""

    resume_reading = pause_reading


class Line:
    """A connection on the server's side; `takes` says who goes the short way, `answer` ends the first that waits there."""

    def __init__(self, takes: Callable[[bytes], bool] = lambda body: True) -> None:
        self.short: list[bytes] = []
        self.long: list[bytes] = []
        self._waiting: list[Any] = []
        self._takes = takes
        config = uvicorn.Config(
            self._app, http=bounded_protocol(Bounds(), self._take), interface="asgi3", proxy_headers=False, log_config=None
        )  # type: ignore[arg-type]
        config.load()
        self.wire, self.state = Wire(), ServerState()
        self.protocol = config.http_protocol_class(config=config, server_state=self.state, app_state={})  # type: ignore[call-arg]
        self.protocol.connection_made(self.wire)

    def _take(self, scope: Any, body: bytes, answer: Any) -> bool:
        if self._takes(body):
            self.short.append(body)
            self._waiting.append(answer)
            return True
        return False

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.long.append(body)
        await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    def say(self, *data: bytes) -> None:
        for piece in data:
            self.protocol.data_received(piece)

    def answer(self) -> None:
        self._waiting.pop(0)(200, [(b"content-length", b"2")], b"ok")

    async def rounds(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    def statuses(self) -> list[bytes]:
        return [line.split(b" ")[1] for line in self.wire.sent.split(b"\r\n") if b"HTTP/1.1" in line]

    def end(self) -> None:
        self.protocol.connection_lost(None)


def post(body: bytes, *lines: bytes, path: bytes = b"/v1/events", version: bytes = b"1.1", method: bytes = b"POST") -> bytes:
    head = [method + b" " + path + b" HTTP/" + version, b"host: a", b"content-length: %d" % len(body), *lines]
    return b"\r\n".join([*head, b"", body])


async def test_requests_in_a_row_go_the_short_way_and_leave_the_connection_open() -> None:
    """
    One write an answer, one after the other.
    """
    line = Line()
    for body in (b"one", b"two"):
        line.say(post(body))
        line.answer()
    assert ([b"one", b"two"], [], False) == (line.short, line.long, line.wire.is_closed)
    assert b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" * 2 == line.wire.sent
    assert 2 == line.state.total_requests
    line.end()


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    """
    Who comes while another is at work waits behind it, on the long way.
    """
    line = Line()
    line.say(post(b"one") + post(b"two") + post(b"three"))
    await line.rounds()
    assert ([b"one"], [], b"") == (line.short, line.long, line.wire.sent)
    line.answer()
    await line.rounds()
    assert ([b"two", b"three"], [b"200", b"202", b"202"]) == (line.long, line.statuses())
    line.say(post(b"four"))
    line.answer()
    assert ([b"one", b"four"], b"200") == (line.short, line.statuses()[-1])
    line.end()


@pytest.mark.parametrize(
    "data",
    [
        [post(b"body")[:-2], b"dy"],
        [post(b"body", b"expect: 100-continue")],
        [post(b"body", b"connection: close")],
        [post(b"body", version=b"1.0")],
        [post(b"body", path=b"/v1/events?x=1")],
        [post(b"body", path=b"/v1/calls")],
        [post(b"body", method=b"PUT")],
    ],
)
async def test_what_asks_for_more_goes_the_long_way(data: list[bytes]) -> None:
    """
    A body in pieces, too: pieces are counted and waited for there.
    """
    line = Line()
    line.say(*data)
    await line.rounds()
    assert ([], [b"body"]) == (line.short, line.long)
    assert b"202" == line.statuses()[-1]
    line.end()


async def test_request_that_is_not_taken_goes_the_long_way_whole() -> None:
    """
    And the next one may be taken again.
    """
    line = Line(takes=lambda body: body == b"yes")
    line.say(post(b"no"))
    await line.rounds()
    line.say(post(b"yes"))
    line.answer()
    assert ([b"no"], [b"yes"], [b"202", b"200"]) == (line.long, line.short, line.statuses())
    line.end()


async def test_stop_waits_for_the_answer_and_ends_the_connection_with_it() -> None:
    """
    The answer says so.
    """
    line = Line()
    line.say(post(b"one"))
    line.protocol.shutdown()  # type: ignore[attr-defined]
    assert not line.wire.is_closed
    line.answer()
    assert line.wire.is_closed
    assert b"connection: close\r\n" in line.wire.sent
    line.end()


async def test_answer_for_somebody_who_left_goes_nowhere() -> None:
    """
    What was sent is stored all the same.
    """
    line = Line()
    line.say(post(b"one"))
    line.end()
    line.answer()
    assert b"" == line.wire.sent


async def test_one_that_lands_badly_does_not_keep_the_others_up() -> None:
    """
    All of a commit are woken together.
    """
    way = await Way().learn()
    futures: list[Future[Receipt]] = [Future() for _ in range(3)]
    heard: list[int] = []
    landing = way.app._landing_here()  # pyright: ignore[reportPrivateUsage]
    for number, future in enumerate(futures):
        landing.then(future, lambda _, number=number: 1 / 0 if number == 1 else heard.append(number))
    for future in futures:
        future.set_result(Receipt(accepted=1, duplicates=0))
    while len(heard) < 2:
        await asyncio.sleep(0)
    assert [0, 2] == heard
