"""
Messages between two processes over a socket pair.

Flow: worker_process <-> **Line** <-> collector.worker. A length (8 bytes, big-endian), then so many bytes.
"""

import socket
from struct import Struct

_LENGTH = Struct(">Q")


class LineCut(Exception):
    """The other side is gone, or said nothing for too long."""


class Line:
    """One end. Used by one thread at a time."""

    def __init__(self, end: socket.socket, *, limit_s: float | None) -> None:
        """`limit_s`: how long to wait for the other side at any one step; None for ever."""
        self._end = end
        end.settimeout(limit_s)

    def send(self, message: bytes) -> None:
        """Raises LineCut."""
        try:
            self._end.sendall(_LENGTH.pack(len(message)))
            self._end.sendall(message)
        except OSError as exc:
            raise LineCut(type(exc).__name__) from exc

    def receive(self) -> bytearray:
        """The next message. Raises LineCut."""
        (length,) = _LENGTH.unpack(self._receive(_LENGTH.size))
        return self._receive(length)

    def is_readable(self) -> bool:
        """Whether something was said, or the other side is gone. Does not wait."""
        limit_s = self._end.gettimeout()
        try:
            self._end.setblocking(False)
            self._end.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self._end.settimeout(limit_s)
        return True

    def close(self) -> None:
        self._end.close()

    def _receive(self, length: int) -> bytearray:
        taken = bytearray(length)
        rest = memoryview(taken)
        while rest:
            try:
                got = self._end.recv_into(rest)
            except OSError as exc:
                raise LineCut(type(exc).__name__) from exc
            if not got:
                raise LineCut("closed")
            rest = rest[got:]
        return taken
