"""
Run a collector under uvicorn: in the foreground for `hookline serve`, in a thread for the demo and for tests.

Flow: command -> **bind, run, stop in time** -> app. Binds before anything else is started, so a taken port is a clear answer;
stops in order: no new requests, streams end, running requests finish, then the application's lifespan commits what is queued.
"""

import contextlib
import ipaddress
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from types import FrameType
from typing import Self

import structlog
import uvicorn

from collector.app import Collector, build_collector
from collector.binding import PORT_ERRORS, address_of, bind, bind_devtools
from collector.connections import Bounds, bounded_protocol, make_room
from collector.dialects.tanstack_bus import FRAME_MAX_BYTES
from collector.errors import HooklineError, StoreUnavailable, WrongSettings
from collector.front import Front
from collector.memory import bound_malloc, keep_what_the_start_made
from collector.settings import Settings
from collector.stopping import GRACE_S

log = structlog.get_logger(__name__)

START_LIMIT_S = 30.0
TURN_S = 0.0005
"""
How long a thread keeps the interpreter while others wait for it. By default ten times as long: requests and commits would wait
for assembly at each of their steps, so that a busy collector answers three times as late and takes no less CPU.
"""


def is_loopback(host: str) -> bool:
    """Whether nobody outside this machine can reach it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_key(settings: Settings, *, has_keys: bool) -> None:
    """Raises WrongSettings where everybody on the network could read everything."""
    if not is_loopback(settings.host) and not settings.api_key and not has_keys:
        raise WrongSettings(
            f"HOOKLINE_HOST: {settings.host} is reachable from outside and no key is set. "
            "Set HOOKLINE_API_KEY, or make a key with `hookline keys create`, or bind 127.0.0.1."
        )


def serve(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. Raises WrongSettings, SchemaError, StoreError before it serves."""
    bound_malloc()
    sys.setswitchinterval(TURN_S)
    with _opened(settings) as (collector, listeners):
        url = address_of(listeners[0])
        warn_of_plain_http(settings)

        def ready() -> None:
            keep_what_the_start_made()
            on_ready(url)

        _Server(collector, settings, ready).run_to_end(listeners)


class ServerThread:
    """A collector that runs beside the caller; `with` ends it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._server: _Server | None = None
        self._thread = threading.Thread(target=self._serve, name="hookline-server", daemon=True)
        self.url = ""
        self.devtools_port: int | None = None
        self.collector: Collector | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(START_LIMIT_S) or self._error is not None:
            raise self._error or StoreUnavailable("the collector did not start in time")
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop as a SIGTERM would."""
        if self._server is not None:
            self._server.should_exit = True
        self._thread.join(self._settings.stop_timeout_s + GRACE_S)

    def _serve(self) -> None:
        try:
            with _opened(self._settings) as (collector, listeners):
                self.collector, self.url = collector, address_of(listeners[0])
                self.devtools_port = listeners[1].getsockname()[1] if len(listeners) > 1 else None
                self._server = _Server(collector, self._settings, self._ready.set)
                self._server.run_to_end(listeners)
        except (HooklineError, OSError) as exc:
            self._error = exc
        finally:
            self._ready.set()


def warn_of_plain_http(settings: Settings) -> None:
    """One line where prompts and keys might cross a network readably."""
    if not is_loopback(settings.host) and not settings.behind_tls:
        log.warning(
            "plain_http", host=settings.host, cure="put a TLS proxy in front, then set HOOKLINE_BEHIND_TLS=true (docs/access.md)"
        )


def _bounds(settings: Settings) -> Bounds:
    make_room(settings.max_connections)
    return Bounds(
        connections=settings.max_connections,
        body_bytes=max(settings.max_expanded_bytes, settings.max_body_bytes),
        timeout_s=settings.request_timeout_s,
    )


@contextlib.contextmanager
def _opened(settings: Settings) -> Generator[tuple[Collector, Sequence[socket.socket]]]:
    """A collector and its sockets, the one of its page first, then those of the devtools bus."""
    with contextlib.ExitStack() as held:
        listeners = [held.enter_context(bind(settings))]
        if settings.devtools_port is not None:
            listeners += map(held.enter_context, bind_devtools(settings.devtools_port))
            settings = settings.model_copy(update={"devtools_port": listeners[1].getsockname()[1]})
        collector = build_collector(settings)
        try:
            require_key(settings, has_keys=collector.store.has_keys())
        except BaseException:
            collector.store.close()
            raise
        yield collector, listeners


class _Server(uvicorn.Server):
    """uvicorn, ending the live streams first and leaving the exit code to us."""

    def __init__(self, collector: Collector, settings: Settings, on_ready: Callable[[], None]) -> None:
        has_bus = collector.devtools is not None
        super().__init__(
            uvicorn.Config(
                collector.app,  # pyright: ignore[reportArgumentType] - ours is spelt with plain mappings
                http=bounded_protocol(_bounds(settings), collector.app.take if isinstance(collector.app, Front) else None),
                ws="websockets-sansio" if has_bus else "none",
                # More than an event may have: that one is rejected, where a page that is cut off would not come back.
                ws_max_size=FRAME_MAX_BYTES,
                # Pages are on this machine: to compress costs more than to send.
                ws_per_message_deflate=False,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=collector.stopping.requests_s,  # pyright: ignore[reportArgumentType] - slept, not counted
                timeout_keep_alive=75,
            )
        )
        self._collector = collector
        self._on_ready = on_ready

    def run_to_end(self, listeners: Sequence[socket.socket]) -> None:
        """Serve until told to stop. Raises StoreUnavailable where the application doesn't start."""
        try:
            self.run([*listeners])
        except SystemExit:
            # uvicorn's way to say that the lifespan failed; it has logged why.
            raise StoreUnavailable("the collector could not start; the log says why") from None
        except OSError as exc:
            if exc.errno not in PORT_ERRORS:
                raise
            # Another one had bound the port, too, and began to listen first.
            raise WrongSettings(f"HOOKLINE_PORT: can't listen ({exc.strerror}). Is a collector running already?") from None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._collector.stopping.begin()
        self._collector.hub.close()
        if self._collector.devtools is not None:
            self._collector.devtools.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        # uvicorn raises the signal again when it is done; a collector that stopped as asked ends with 0.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.should_exit:
            # Asked twice: nothing is waited for. What was acknowledged is committed, the rest was never promised.
            os._exit(128 + number)
        self._collector.stopping.watch()
        self.should_exit = True
