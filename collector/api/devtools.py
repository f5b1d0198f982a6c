"""
The collector as the devtools bus of browsers: what TanStack's ClientEventBus connects to, on a port of its own.

Flow: page -> **WebSocket, or POST** -> api.devtools_intake -> validation -> storage.
Nothing is ever sent to a page: TanStack's own bus passes only on what its server says, not what other pages say, and here no
application runs. So what can reach this port can write events, and read nothing. No key: the bus's protocol has none.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from starlette.responses import Response

from collector.api.devtools_intake import DevtoolsIntake
from collector.api.problems import problem_response
from collector.dialects.tanstack_bus import PATH, BusReader
from collector.errors import HooklineError, NotAllowed, NotFound, StoreBusy, TooLarge, TooSlow
from collector.sites import read_host, read_origin

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = structlog.get_logger(__name__)

MOST_PAGES: Final = 100
"""Connected at once, by WebSocket or stream."""
_SSE_COMMENT: Final = b": the events of this bus go to hookline\n\n"
_SSE_EVERY_S: Final = 20.0
_TRY_LATER: Final = 1013


class _Paths:
    """Beside the WebSocket's."""

    SSE: Final = "/__devtools/sse"
    SEND: Final = "/__devtools/send"


class DevtoolsSites:
    """Which pages may write: those of this machine on any port, where dev servers are, and those that were named."""

    def __init__(self, allowed_origins: Iterable[str] = ()) -> None:
        self._origins = {origin for origin in map(read_origin, allowed_origins) if origin}

    def check(self, scope: Scope) -> str | None:
        """The page's origin; None for what is no page. Raises NotAllowed."""
        hosts, origins = (_values(scope, name) for name in (b"host", b"origin"))
        host = read_host(hosts[0]) if len(hosts) == 1 else None
        if host is None or not host.is_loopback:
            # A name of somebody else's that leads here: DNS rebinding.
            raise NotAllowed("the devtools bus is reached as localhost only")
        if not origins:
            return None
        origin = read_origin(origins[0]) if len(origins) == 1 else None
        is_local = origin is not None and origin.scheme in {"http", "https"} and _is_loopback(origin.name)
        if not is_local and origin not in self._origins:
            raise NotAllowed("pages of other sites are refused: add this one to HOOKLINE_DEVTOOLS_ORIGINS to let it write")
        return origins[0]


class DevtoolsBus:
    """The three addresses of a ServerEventBus."""

    def __init__(self, intake: DevtoolsIntake, sites: DevtoolsSites, *, reader: BusReader) -> None:
        self._intake = intake
        self._sites = sites
        # One for all pages: their messages get one order here, that of arrival.
        self._reader = reader
        self._pages = 0
        self._closing: asyncio.Event | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one page. Nothing is raised."""
        try:
            origin = self._sites.check(scope)
            if scope["type"] == "websocket":
                await self._converse(scope, receive, send)
            else:
                await self._answer(scope, receive, send, origin)
        except HooklineError as exc:
            log.info("devtools_refused", path=scope["path"], reason=str(exc))
            # Before a WebSocket is accepted, its close is an answer of 403.
            refuse = _refuse if scope["type"] == "websocket" else problem_response(exc)
            await refuse(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """While the application runs; at the end everything that came is stored."""
        self._closing = asyncio.Event()
        async with self._intake.running():
            yield
        counts = self._reader.counts
        log.info(
            "devtools_stopped",
            received=counts.received,
            other_plugins=counts.other_plugins,
            unreadable=counts.unreadable,
            dropped=self._intake.dropped,
        )

    def close(self) -> None:
        """The server stops: end every stream."""
        if self._closing is not None:
            self._closing.set()

    async def _converse(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != PATH or self._pages >= MOST_PAGES:
            raise NotFound(f"there is nothing at {scope['path']} for one page more")
        self._pages += 1
        try:
            await receive()
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] == "websocket.receive":
                # Waiting here, the socket isn't read: too much is slowed down and not lost.
                await self._take(message.get("text") or message.get("bytes") or "")
        finally:
            self._pages -= 1

    async def _take(self, message: str | bytes) -> None:
        event = self._reader.read(message)
        if event is not None:
            await self._intake.put(event)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, origin: str | None) -> None:
        headers = _readable_by(origin)
        match scope["method"], scope["path"]:
            case "GET", _Paths.SSE:
                await self._stream(receive, send, headers)
            case "POST", _Paths.SEND:
                await self._take(await _body(receive, self._intake.message_max_bytes))
                await Response(status_code=200, headers=headers)(scope, receive, send)
            case "OPTIONS", _Paths.SEND:
                await Response(status_code=204, headers=headers | _PREFLIGHT)(scope, receive, send)
            case _:
                raise NotFound("this is a devtools bus; the collector's page and its routes are on the other port")

    async def _stream(self, receive: Receive, send: Send, headers: dict[str, str]) -> None:
        """A stream on which nothing comes, as long as the page wants it: its bus takes it for a connection."""
        if self._pages >= MOST_PAGES or self._closing is None:
            raise StoreBusy("too many pages are connected")
        kind = {"content-type": "text/event-stream", "cache-control": "no-cache", **headers}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in kind.items()]
        self._pages += 1
        gone = asyncio.create_task(_until_gone(receive))
        closing = asyncio.create_task(self._closing.wait())
        try:
            await send({"type": "http.response.start", "status": 200, "headers": raw})
            done: set[asyncio.Task[Any]] = set()
            while not done:
                await send({"type": "http.response.body", "body": _SSE_COMMENT, "more_body": True})
                done, _ = await asyncio.wait({gone, closing}, timeout=_SSE_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            closing.cancel()
            self._pages -= 1


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(receive: Receive, most_bytes: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise TooSlow("the page left before its message was complete")
        body += message.get("body", b"")
        if len(body) > most_bytes:
            raise TooLarge(f"the message is over {most_bytes} bytes")
        if not message.get("more_body", False):
            return bytes(body)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.close", "code": _TRY_LATER})


_PREFLIGHT: Final = {
    "access-control-allow-methods": "POST",
    "access-control-allow-headers": "content-type",
    "access-control-allow-private-network": "true",
    "access-control-max-age": "600",
}


def _readable_by(origin: str | None) -> dict[str, str]:
    return {"vary": "origin"} | ({"access-control-allow-origin": origin} if origin else {})


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _is_loopback(name: str) -> bool:
    site = read_host(f"[{name}]" if ":" in name else name)
    return site is not None and site.is_loopback
