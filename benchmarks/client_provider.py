"""
Answers an SDK's real client over HTTP, in a process of its own, with what was made before.

    python -m benchmarks.client_provider        (prints its port; ends with its standard input)

Flow: client_overhead (starts it) -> client_clients -> **provider**.
A stream comes frame by frame, each in a piece of its own, as fast as the client takes them.
"""

import asyncio
import sys

from benchmarks.client_clients import FRAMES, JSON, SSE, answer_to


class Provider(asyncio.Protocol):
    """One connection of a client, kept open from call to call."""

    def __init__(self) -> None:
        self._asked = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._asked += data
        head, found, body = self._asked.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self._asked = b""
        whole, is_stream = answer_to(head.split(b" ", 2)[1].decode(), body)
        if is_stream:
            self._transport.write(_head(SSE, "transfer-encoding: chunked"))
            self._pieces = [*whole.split(FRAMES)[:-1]]
            self._next(0)
        else:
            self._transport.write(_head(JSON, f"content-length: {len(whole)}") + whole)

    def _next(self, number: int) -> None:
        """The piece of that number, and then the one behind it."""
        if number == len(self._pieces):
            self._transport.write(b"0\r\n\r\n")
            return
        piece = self._pieces[number] + FRAMES
        self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        asyncio.get_running_loop().call_soon(self._next, number + 1)


def _length(head: bytes) -> int:
    lines = [line.split(b":") for line in head.lower().split(b"\r\n")]
    return next((int(value[0]) for name, *value in lines if name == b"content-length"), 0)


def _head(said: dict[str, str], length: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: {said['content-type']}\r\n{length}\r\n\r\n".encode()


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Provider, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
