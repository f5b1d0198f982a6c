"""
`hookline bridge`: listen on the devtools bus of a running Vite server, and send on what TanStack AI says there.

Flow: options -> **bridge** -> cli.bus_client (WebSocket) -> cli.bus_delivery -> POST /v1/events.
The bus has no past: what was said before the bridge listened is not known here.
"""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit, urlunsplit

import typer

from collector.cli.config import load_command_config
from collector.cli.humanise import count
from collector.cli.output import AsJson, print_json
from collector.dialects.tanstack_bus import DEFAULT_PORT, PATH, BusReader, new_prefix
from collector.errors import WrongSettings

if TYPE_CHECKING:
    from collector.cli.bus_client import BusClient
    from collector.cli.bus_delivery import BusDelivery

DEFAULT_BUS: Final = f"ws://localhost:{DEFAULT_PORT}{PATH}"
_PROGRESS_EVERY_S: Final = 0.5
_CLEAR_LINE: Final = "\r\x1b[K"


def bridge(
    bus: Annotated[str, typer.Argument(help="The bus of the dev server; a host and port are enough.")] = DEFAULT_BUS,
    to: Annotated[str | None, typer.Option(help="The collector. [HOOKLINE_URL, http://127.0.0.1:4319]")] = None,
    key: Annotated[str | None, typer.Option(help="Its key; the environment is the safer place. [HOOKLINE_API_KEY]")] = None,
    service: Annotated[str | None, typer.Option(help="The application's name. [OTEL_SERVICE_NAME]")] = None,
    stop_timeout_s: Annotated[float, typer.Option(min=0, help="How long Ctrl-C waits for what is not sent yet.")] = 5.0,
    as_json: AsJson = False,
) -> None:
    """Send on what TanStack AI says on a Vite dev server's devtools bus, until Ctrl-C."""
    # Megabytes that no other command needs, `serve` least of all.
    from collector.cli.bus_client import BusClient
    from collector.cli.bus_delivery import BusDelivery

    config = load_command_config(address=to, api_key=key, service=service)
    screen = _Screen(is_live=sys.stderr.isatty() and not as_json)
    reader = BusReader(new_prefix(time.time_ns() // 1_000_000))
    delivery = BusDelivery(config, say=screen.say)
    client = BusClient(bus_address(bus), on_message=lambda message: _pass_on(reader, delivery, message), say=screen.say)
    screen.say(f"sending to {config.address}; Ctrl-C ends it")
    delivery.start()
    try:
        asyncio.run(_listen(client, lambda: screen.show(reader, delivery)))
    finally:
        delivery.stop(stop_timeout_s)
    totals = _totals(reader, delivery)
    if as_json:
        print_json(totals)
    else:
        screen.say(_summary(totals))
    if totals["left"] or totals["dropped"]:
        raise typer.Exit(1)


def bus_address(text: str) -> str:
    """The address as it has to be, to the letter. Raises WrongSettings."""
    address = text if "://" in text else f"ws://{text}"
    wrong = WrongSettings(f"{text!r} is not the address of a devtools bus: give something like {DEFAULT_BUS}")
    try:
        parts = urlsplit(address)
        is_good = parts.scheme in {"ws", "wss"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise wrong from None
    if not is_good:
        raise wrong
    return urlunsplit(parts._replace(path=PATH)) if parts.path in {"", "/"} else address


def _pass_on(reader: BusReader, delivery: "BusDelivery", message: str | bytes) -> None:
    event = reader.read(message)
    if event is not None:
        delivery.offer(event)


async def _listen(client: "BusClient", show: Callable[[], None]) -> None:
    """Until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    listening = asyncio.create_task(client.run())
    try:
        while not stopped.is_set() and not listening.done():
            show()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _PROGRESS_EVERY_S)
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening


def _totals(reader: BusReader, delivery: "BusDelivery") -> dict[str, int]:
    counts = reader.counts
    return {
        "received": counts.received,
        "posted": delivery.posted,
        "dropped": delivery.dropped,
        "left": delivery.left,
        "other_plugins": counts.other_plugins,
        "unreadable": counts.unreadable,
    }


def _summary(totals: dict[str, int]) -> str:
    told = f"{count(totals['received'])} received, {count(totals['posted'])} posted, {count(totals['dropped'])} dropped"
    return told + (f", {count(totals['left'])} could not be sent any more" if totals["left"] else "")


class _Screen:
    """Lines on standard error, and on a terminal one that changes below them."""

    def __init__(self, *, is_live: bool) -> None:
        self._is_live = is_live

    def say(self, line: str) -> None:
        sys.stderr.write(f"{_CLEAR_LINE if self._is_live else ''}{line}\n")
        sys.stderr.flush()

    def show(self, reader: BusReader, delivery: "BusDelivery") -> None:
        if self._is_live:
            sys.stderr.write(f"{_CLEAR_LINE}{_summary(_totals(reader, delivery) | {'left': 0})}, {count(delivery.left)} waiting")
            sys.stderr.flush()
