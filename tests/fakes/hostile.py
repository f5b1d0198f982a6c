"""
A backend that keeps to no protocol: every connection is given to a function that does with it what it likes.

    with HostileServer(answers(b"HTTP/1.1 200 OK\\r\\n\\r\\n" + b"x" * 10_000_000)) as server:
        … server.port …
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

Act = Callable[["Conversation"], None]


class Conversation:
    """One connection, seen from the backend."""

    def __init__(self, connection: socket.socket, is_over: threading.Event) -> None:
        self._connection = connection
        self.is_over = is_over

    def read_some(self, count: int = 1) -> bytes:
        """The first bytes that come, at most so many."""
        return self._connection.recv(count)

    def read_request(self) -> bytes:
        """A whole HTTP request; its body."""
        got = b""
        while b"\r\n\r\n" not in got:
            got += self._more()
        head, _, body = got.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        while len(body) < int(lengths[0].partition(b":")[2]):
            body += self._more()
        return body

    def send(self, content: bytes) -> None:
        self._connection.sendall(content)

    def wait(self, seconds: float) -> bool:
        """Let time pass; whether the test is over meanwhile."""
        return self.is_over.wait(seconds)

    def reset(self) -> None:
        """Cut the connection the hard way, with what was not read yet."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def _more(self) -> bytes:
        got = self._connection.recv(65536)
        if not got:
            raise ConnectionError("the sender hung up")
        return got


class HostileServer:
    """Listens on loopback until the `with` ends. `act` may be changed meanwhile; `connections` counts them."""

    def __init__(self, act: Act) -> None:
        self.act = act
        self.connections = 0
        self._is_over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> "HostileServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._is_over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(10)
            self.act(Conversation(connection, self._is_over))


def answers(raw: bytes) -> Act:
    """Read a request, answer these bytes, hang up."""

    def act(talk: Conversation) -> None:
        talk.read_request()
        talk.send(raw)

    return act


def answers_slowly(raw: bytes, *, every_s: float = 0.03) -> Act:
    """Read a request and answer byte by byte; each wait is short, all of them together are not."""

    def act(talk: Conversation) -> None:
        talk.read_request()
        for at in range(len(raw)):
            talk.send(raw[at : at + 1])
            if talk.wait(every_s):
                return

    return act


def answers_and_holds(raw: bytes) -> Act:
    """Read a request, answer these bytes, and keep the connection without another word."""

    def act(talk: Conversation) -> None:
        talk.read_request()
        talk.send(raw)
        talk.wait(10)

    return act


def answers_without_end(head: bytes, piece: bytes) -> Act:
    """Read a request, and repeat a piece until the sender hangs up."""

    def act(talk: Conversation) -> None:
        talk.read_request()
        talk.send(head)
        while not talk.is_over.is_set():
            talk.send(piece)

    return act


def greets(raw: bytes) -> Act:
    """Say something before anything was asked, and hold the connection."""

    def act(talk: Conversation) -> None:
        talk.send(raw)
        talk.wait(10)

    return act


def hangs_up(talk: Conversation) -> None:
    """Accept, and close at once."""


def cuts_the_request(talk: Conversation) -> None:
    """Read its beginning and reset the connection."""
    talk.read_some(100)
    talk.reset()


def stays_silent(talk: Conversation) -> None:
    """Take everything and say nothing."""
    talk.wait(10)
