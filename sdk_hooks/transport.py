"""
One POST to the collector, and what its answer means.

Flow: emitter -> **transport** -> collector.
`http.client` is imported with the first POST. Never raises, never shows a key, and logs one thing: that a way is not private.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sdk_hooks.guard import log
from sdk_hooks.version import VERSION

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse

ANSWER_MAX_BYTES = 1024 * 1024
STORE_NAME_MAX = 64
UNKNOWN_REF = "unknown_ref"
RETRY_STATUSES = frozenset({408, 425, 429})
REFUSED_STATUSES = frozenset({400, 413, 415, 422})
"""What says something about the batch. Everything else between says something about the way, and can be mended."""


class Delivered(NamedTuple):
    """The collector has it on disk. `rejected` counts single events that it did not take, by code."""

    rejected: dict[str, int]
    unknown: tuple[int, ...] = ()
    """Places of the events that refer to what it does not have."""
    store: str | None = None
    """What it calls its store, where it was asked and knows of references."""


class RetryLater(NamedTuple):
    """Not now: unreachable, busy, or limited. `after_s` is what the collector asked for."""

    after_s: float | None
    why: str


class Refused(NamedTuple):
    """Never, as it is: the same POST would be refused again."""

    status: int


class Denied(NamedTuple):
    """Not this way: a wrong key, a wrong address, a login page. The batch is fine; somebody must mend a setting."""

    status: int


Answer = Delivered | RetryLater | Refused | Denied


class Transport(Protocol):
    """Delivers one encoded batch. MUST NOT raise; MUST return within about `timeout_s`."""

    def post(self, body: bytes, *, is_gzip: bool, timeout_s: float) -> Answer: ...

    def close(self) -> None: ...

    def abandon(self) -> None:
        """In a forked child: the connection is the parent's. MUST NOT wait for a lock that a thread of the parent had."""
        ...


class HttpTransport:
    """A kept-alive connection to one collector. For one thread at a time; a forked child makes its own."""

    def __init__(self, url: str, api_key: str | None) -> None:
        from urllib.parse import urlsplit

        parts = urlsplit(url)
        self._is_https = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port
        self._path = f"{parts.path.rstrip('/')}/v1/events"
        self._api_key = api_key
        self._connection: HTTPConnection | None = None
        if not self._is_https and not is_loopback(self._host):
            log(
                "warning",
                "hookline: events and the key go to %s over plain http, readable for whoever is on the way; "
                "set HOOKLINE_URL to an https address (a proxy in front of the collector speaks TLS)",
                self._host,
            )

    def post(self, body: bytes, *, is_gzip: bool, timeout_s: float) -> Answer:
        from http.client import HTTPException

        is_reused = self._connection is not None
        try:
            return self._post(body, is_gzip, timeout_s)
        except TimeoutError:
            self.close()
            return RetryLater(None, "timeout")
        except (OSError, HTTPException, ValueError) as error:
            self.close()
            why = type(error).__name__
        if not is_reused:
            return RetryLater(None, why)
        # A server may close an idle connection at any time; event ids make a second try harmless.
        return self.post(body, is_gzip=is_gzip, timeout_s=timeout_s)

    def _post(self, body: bytes, is_gzip: bool, timeout_s: float) -> Answer:
        connection = self._connected(timeout_s)
        headers = {"Content-Type": "application/json", "User-Agent": f"hookline-py/{VERSION}"}
        if is_gzip:
            headers["Content-Encoding"] = "gzip"
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        connection.request("POST", self._path, body, headers)
        with connection.getresponse() as response:
            answer = response.read(ANSWER_MAX_BYTES)
            if response.read(1) or response.will_close:
                self.close()
            return read_answer(response, answer)

    def _connected(self, timeout_s: float) -> HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection

        if self._connection is None:
            # HTTPSConnection verifies certificate and host name by default.
            kind = HTTPSConnection if self._is_https else HTTPConnection
            self._connection = kind(self._host, self._port, timeout=timeout_s)
        elif self._connection.sock is not None:  # pyright: ignore[reportUnnecessaryComparison] (None after the server closed)
            self._connection.sock.settimeout(timeout_s)
        return self._connection

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def abandon(self) -> None:
        """Give our handle of the socket back, and touch nothing else of the connection: the runtime keeps it alive."""
        connection = self._connection
        if connection is not None and connection.sock is not None:  # pyright: ignore[reportUnnecessaryComparison]
            import os

            os.close(connection.sock.detach())


def is_near(url: str) -> bool:
    """Whether the collector is on this machine."""
    from urllib.parse import urlsplit

    return is_loopback(urlsplit(url).hostname or "")


def is_loopback(host: str) -> bool:
    """Whether it can only be this machine. Of names by their spelling: nobody is asked."""
    return host in ("localhost", "::1") or host.endswith(".localhost") or _is_127(host)


def _is_127(host: str) -> bool:
    # Not `127.example.com`, which begins like one.
    parts = host.split(".")
    return parts[0] == "127" and len(parts) == 4 and all(part.isdigit() for part in parts)


def read_answer(response: HTTPResponse, body: bytes) -> Answer:
    """What status and body mean. 422 is delivered too: each of its events was judged singly."""
    status = response.status
    if status == 422 or 200 <= status < 300:
        receipt = read_receipt(body)
        return Refused(status) if status == 422 and not receipt.rejected else receipt
    if status in RETRY_STATUSES or status >= 500:
        return RetryLater(read_retry_after(response.getheader("Retry-After")), str(status))
    return Refused(status) if status in REFUSED_STATUSES else Denied(status)


def read_receipt(body: bytes) -> Delivered:
    """What an answer says: rejected events, counted by code; which of them can go again; the store."""
    import json

    try:
        found: Any = json.loads(body)
        codes = [str(item["code"]) for item in found["rejected"]]
        unknown = tuple(int(item["index"]) for item in found["rejected"] if item["code"] == UNKNOWN_REF)
        store: Any = found.get("store")
    except (ValueError, KeyError, TypeError, AttributeError):
        return Delivered({})
    is_name = isinstance(store, str) and len(store) <= STORE_NAME_MAX and store.isalnum() and store.isascii()
    return Delivered({code: codes.count(code) for code in set(codes)}, unknown, store if is_name else None)


def read_retry_after(text: str | None) -> float | None:
    """Seconds, or an HTTP date."""
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    from email.utils import parsedate_to_datetime
    from time import time

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, TypeError):
        return None
