"""
Listen on a devtools bus, for as long as it takes.

Flow: ServerEventBus -> **BusClient** -> whoever wants its messages. It says once that the bus is away and once that it is back.
Never slow: the bus keeps for a slow client, without a bound, in the dev server's memory.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI, WebSocketException

from collector.dialects.tanstack_bus import FRAME_MAX_BYTES, PATH

_OPEN_TIMEOUT_S: Final = 10.0
_CLOSE_TIMEOUT_S: Final = 1.0
_BACKOFF_FIRST_S: Final = 0.2
_BACKOFF_MAX_S: Final = 5.0


class BusClient:
    """`run` ends by cancellation only."""

    def __init__(self, address: str, *, on_message: Callable[[str | bytes], None], say: Callable[[str], None]) -> None:
        self._address = address
        self._on_message = on_message
        self._say = say
        self._is_away: bool | None = None
        self._failures = 0

    async def run(self) -> None:
        """Listen, and come back whenever the bus goes."""
        while True:
            try:
                await self._listen()
                self._note_away("it closed the connection")
            except (OSError, TimeoutError, WebSocketException) as exc:
                self._note_away(_why(exc))
            await asyncio.sleep(min(_BACKOFF_MAX_S, _BACKOFF_FIRST_S * 2 ** min(self._failures, 10)))
            self._failures += 1

    async def _listen(self) -> None:
        opening = connect(
            self._address,
            max_size=FRAME_MAX_BYTES,
            max_queue=None,
            open_timeout=_OPEN_TIMEOUT_S,
            close_timeout=_CLOSE_TIMEOUT_S,
            # The bus is on this machine, or near; a proxy for the internet is not for it.
            proxy=None,
        )
        async with opening as bus:
            self._note_here()
            try:
                async for message in bus:
                    self._on_message(message)
            except ConnectionClosed as exc:
                self._note_away(_why(exc))

    def _note_here(self) -> None:
        self._say(f"listening on {self._address}" if self._is_away is None else f"the bus is back: listening on {self._address}")
        self._is_away, self._failures = False, 0

    def _note_away(self, why: str) -> None:
        if self._is_away is not True:
            self._say(f"no devtools bus at {self._address} ({why}); waiting for it")
        self._is_away = True


def _why(exc: BaseException) -> str:
    match exc:
        case InvalidStatus():
            return f"the answer was {exc.response.status_code}; is this the bus, and its path {PATH}?"
        case InvalidURI() | InvalidHandshake():
            return "what answers there is no WebSocket"
        case ConnectionClosed(rcvd=received) if received is not None and received.code == 1001:
            return "it went away"
        case ConnectionClosed(sent=sent) if sent is not None and sent.code == 1009:
            return f"it sent a message of more than {FRAME_MAX_BYTES // 1024**2} MiB"
        case ConnectionClosed():
            return "the connection broke"
        case TimeoutError():
            return "no answer in time"
        case OSError(errno=int()):
            return exc.strerror or type(exc).__name__
        case _:
            return type(exc).__name__
