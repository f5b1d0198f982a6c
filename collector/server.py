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
import threading
from collections.abc import Callable, Generator
from types import FrameType
from typing import Self

import structlog
import uvicorn

from collector.app import Collector, build_collector
from collector.connections import Bounds, bounded_protocol, make_room
from collector.errors import HooklineError, StoreUnavailable, WrongSettings
from collector.memory import bound_malloc, keep_what_the_start_made
from collector.settings import Settings
from collector.stopping import GRACE_S

log = structlog.get_logger(__name__)

START_LIMIT_S = 30.0


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


def bind(settings: Settings) -> socket.socket:
    """
    A socket that has its address and does not listen yet. Raises WrongSettings.

    Until the collector serves, senders are refused at once and try again, instead of waiting for it to come up.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((settings.host, settings.port))
    except OSError as exc:
        listener.close()
        raise _taken(settings, exc) from None
    return listener


def _taken(settings: Settings, exc: OSError) -> WrongSettings:
    name = "HOOKLINE_PORT" if exc.errno in _PORT_ERRORS else "HOOKLINE_HOST"
    value = settings.port if name == "HOOKLINE_PORT" else settings.host
    return WrongSettings(f"{name}: can't listen on {value} ({exc.strerror}). Is a collector running already?")


_PORT_ERRORS = frozenset({13, 48, 98})


def address_of(listener: socket.socket) -> str:
    """The URL under which the socket is reached from this machine."""
    host, port = listener.getsockname()[:2]
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def serve(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. Raises WrongSettings, SchemaError, StoreError before it serves."""
    bound_malloc()
    with _opened(settings) as (collector, listener):
        url = address_of(listener)
        warn_of_plain_http(settings)

        def ready() -> None:
            keep_what_the_start_made()
            on_ready(url)

        _Server(collector, _bounds(settings), ready).run_to_end(listener)


class ServerThread:
    """A collector that runs beside the caller; `with` ends it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._server: _Server | None = None
        self._thread = threading.Thread(target=self._serve, name="hookline-server", daemon=True)
        self.url = ""
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
            with _opened(self._settings) as (collector, listener):
                self.collector, self.url = collector, address_of(listener)
                self._server = _Server(collector, _bounds(self._settings), self._ready.set)
                self._server.run_to_end(listener)
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
def _opened(settings: Settings) -> Generator[tuple[Collector, socket.socket]]:
    with bind(settings) as listener:
        collector = build_collector(settings)
        try:
            require_key(settings, has_keys=collector.store.has_keys())
        except BaseException:
            collector.store.close()
            raise
        yield collector, listener


class _Server(uvicorn.Server):
    """uvicorn, ending the live streams first and leaving the exit code to us."""

    def __init__(self, collector: Collector, bounds: Bounds, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                collector.app,  # pyright: ignore[reportArgumentType] - ours is spelt with plain mappings
                http=bounded_protocol(bounds),
                ws="none",
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

    def run_to_end(self, listener: socket.socket) -> None:
        """Serve until told to stop. Raises StoreUnavailable where the application doesn't start."""
        try:
            self.run([listener])
        except SystemExit:
            # uvicorn's way to say that the lifespan failed; it has logged why.
            raise StoreUnavailable("the collector could not start; the log says why") from None
        except OSError as exc:
            if exc.errno not in _PORT_ERRORS:
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
