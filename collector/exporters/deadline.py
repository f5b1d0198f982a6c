"""
One time limit for a whole HTTP request: name, connection, handshake, sending, and every byte of the answer's head.

Flow: exporters.otlp_http -> **DeadlineAdapter** -> sockets.
The timeout of an HTTP library is one for each wait; a backend that sends a byte now and then is waited for without end.
"""

import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Deadline:
    """Shuts the connection in use when its time is over. For one request at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends_s: float | None = None
        self._held: socket.socket | None = None

    @property
    def is_over(self) -> bool:
        return self._ends_s is not None and time.monotonic() >= self._ends_s

    @contextmanager
    def within(self, limit_s: float) -> Generator[None]:
        """What happens inside on a connection has so long."""
        self._ends_s = time.monotonic() + limit_s
        watch = threading.Timer(limit_s, self._shut)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()
            self._ends_s = None

    def hold(self, connected: socket.socket) -> None:
        """Watch over a new connection. Raises TimeoutError where it came too late: nothing may be sent on it any more."""
        self.release()
        with self._lock:
            if self.is_over:
                connected.close()
                raise TimeoutError("connected too late")
            # A descriptor of our own: TLS takes the other one over.
            self._held = connected.dup()

    def release(self) -> None:
        """The connection is closed, or the next one is to be watched."""
        with self._lock:
            if self._held is not None:
                self._held.close()
                self._held = None

    def _shut(self) -> None:
        with self._lock, suppress(OSError):
            if self.is_over and self._held is not None:
                self._held.shutdown(socket.SHUT_RDWR)


class DeadlineAdapter(HTTPAdapter):
    """`requests` over connections that a deadline watches."""

    def __init__(self, deadline: Deadline) -> None:
        self._pools = _pools(deadline)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType]
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        manager: Any = super().proxy_manager_for(proxy, **proxy_kwargs)  # pyright: ignore[reportUnknownMemberType]
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = self._pools
        return manager


def _pools(deadline: Deadline) -> dict[str, type[HTTPConnectionPool]]:
    class Connection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            connected = super()._new_conn()
            deadline.hold(connected)
            return connected

        def close(self) -> None:
            super().close()
            deadline.release()

    class SecureConnection(Connection, HTTPSConnection):
        """The same, with TLS."""

    class Pool(HTTPConnectionPool):
        ConnectionCls: Any = Connection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls: Any = SecureConnection

    return {"http": Pool, "https": SecurePool}
