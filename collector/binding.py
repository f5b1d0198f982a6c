"""
Sockets that have their address and do not listen yet.

Flow: settings -> **binding** -> server. Until the collector serves, senders are refused at once and try again, instead of
waiting for it to come up; a taken port is a clear answer before anything else is started.
"""

import socket
from collections.abc import Sequence
from typing import Final

from collector.errors import WrongSettings
from collector.settings import Settings

PORT_ERRORS: Final = frozenset({13, 48, 98})
_NO_SUCH_ADDRESS: Final = frozenset({47, 49, 97, 99})
_LOOPBACK: Final = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


def bind(settings: Settings) -> socket.socket:
    """The collector's own. Raises WrongSettings."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return _bound(family, settings.host, settings.port)
    except OSError as exc:
        name = "HOOKLINE_PORT" if exc.errno in PORT_ERRORS else "HOOKLINE_HOST"
        value = settings.port if name == "HOOKLINE_PORT" else settings.host
        raise WrongSettings(f"{name}: can't listen on {value} ({exc.strerror}). Is a collector running already?") from None


def bind_devtools(port: int) -> Sequence[socket.socket]:
    """The devtools bus's, on each loopback address there is: which one `localhost` means differs. Raises WrongSettings."""
    bound: list[socket.socket] = []
    for family, host in _LOOPBACK:
        try:
            # 0 takes a free port for the first address, and the other one gets the same.
            bound.append(_bound(family, host, bound[0].getsockname()[1] if bound else port))
        except OSError as exc:
            if exc.errno in _NO_SUCH_ADDRESS:
                continue
            _close(bound)
            raise _bus_not_possible(port, exc.strerror) from None
    if not bound:
        raise _bus_not_possible(port, "there is no loopback address")
    return bound


def _close(bound: Sequence[socket.socket]) -> None:
    for listener in bound:
        listener.close()


def _bus_not_possible(port: int, why: str | None) -> WrongSettings:
    return WrongSettings(
        f"HOOKLINE_DEVTOOLS_PORT: can't listen on {port} of loopback ({why}). "
        "Is a dev server's own bus there already? Listen to that with `hookline bridge` instead."
    )


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def address_of(listener: socket.socket) -> str:
    """The URL under which the socket is reached from this machine."""
    host, port = listener.getsockname()[:2]
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
