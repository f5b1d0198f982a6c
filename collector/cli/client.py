"""
Ask a running collector.

Flow: commands -> **HTTP, by the standard library** -> the collector's routes. Its problems become our errors again.
"""

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, Request, build_opener

from collector.cli.config import load_command_config
from collector.errors import (
    BadRequest,
    HooklineError,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    ServerUnreachable,
    StoreUnavailable,
)

TIMEOUT_S = 30.0

Query = Mapping[str, str | int | float | Sequence[str] | None]

_ERRORS: Mapping[int, type[HooklineError]] = {
    403: NotAllowed,
    404: NotFound,
    503: StoreUnavailable,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSentEvent:
    """One message of a stream."""

    event: str
    id: str
    data: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorClient:
    """A collector at an address."""

    address: str
    api_key: str | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """HOOKLINE_URL and HOOKLINE_API_KEY. Raises WrongSettings."""
        config = load_command_config()
        return cls(address=config.address, api_key=config.api_key)

    def get(self, path: str, query: Query | None = None) -> Any:
        """The decoded answer. Raises ServerUnreachable, RequestError, StoreUnavailable."""
        with self._open("GET", path, query or {}) as answer:
            return json.load(answer)

    def get_text(self, path: str) -> str:
        """The answer as it is."""
        with self._open("GET", path, {}) as answer:
            return str(answer.read().decode())

    def post(self, path: str, body: Mapping[str, Any], *, timeout_s: float = TIMEOUT_S) -> Any:
        """POST JSON; the decoded answer."""
        with self._open("POST", path, {}, body=json.dumps(body).encode(), timeout_s=timeout_s) as answer:
            return json.load(answer)

    def post_for_text(self, path: str, body: Mapping[str, Any], *, accept: str) -> tuple[str, Mapping[str, str]]:
        """POST JSON; the answer in the form that `accept` names, and its headers."""
        with self._open("POST", path, {}, body=json.dumps(body).encode(), headers={"Accept": accept}) as answer:
            return answer.read().decode(), {name.lower(): value for name, value in answer.headers.items()}

    def delete(self, path: str) -> Any:
        """DELETE; the decoded answer."""
        with self._open("DELETE", path, {}) as answer:
            return json.load(answer)

    def follow(self, path: str, *, last_event_id: str | None, on_open: Callable[[], None]) -> Iterator[ServerSentEvent]:
        """Messages of a stream until it ends; calls `on_open` once it is there. Raises ServerUnreachable when it breaks."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_event_id} if last_event_id else {})
        with self._open("GET", path, {}, headers=headers) as answer:
            on_open()
            try:
                yield from _messages(answer)
            except OSError as exc:
                raise ServerUnreachable(f"the stream from {self.address} broke ({exc})") from None

    @contextmanager
    def _open(
        self,
        method: str,
        path: str,
        query: Query,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Generator[Any]:
        request = Request(self.address + path + _encoded(query), data=body, method=method, headers=dict(headers or {}))  # noqa: S310
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if self.api_key:
            request.add_header("Authorization", f"Bearer {self.api_key}")
        try:
            # The collector is near; a proxy for the internet is not for it.
            answer = build_opener(ProxyHandler({})).open(request, timeout=timeout_s)
        except HTTPError as exc:
            raise self._refused(exc) from None
        except OSError as exc:
            reason = getattr(exc, "reason", exc)
            raise ServerUnreachable(
                f"no collector answers at {self.address} ({reason}). Start one with `hookline serve`, or set HOOKLINE_URL."
            ) from None
        with answer:
            yield answer

    def _refused(self, exc: HTTPError) -> HooklineError:
        if exc.code == 401:
            exc.close()
            # The answer speaks of a header, which nobody types here.
            what = "does not know the key in HOOKLINE_API_KEY" if self.api_key else "wants a key"
            return NotAuthenticated(f"the collector at {self.address} {what}: set HOOKLINE_API_KEY to one of its keys")
        return _ERRORS.get(exc.code, BadRequest)(_detail(exc))


def path_of(*parts: str) -> str:
    """A path with its parts encoded."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


def _encoded(query: Query) -> str:
    given = {name: value for name, value in query.items() if value not in (None, "", (), [])}
    return "?" + urlencode(given, doseq=True) if given else ""


def _detail(exc: HTTPError) -> str:
    with exc:
        try:
            problem = json.load(exc)
            return str(problem.get("detail") or problem.get("title"))
        except (ValueError, AttributeError, OSError):
            return f"the answer was {exc.code} {exc.reason}; is this a hookline collector?"


def _messages(lines: Any) -> Iterator[ServerSentEvent]:
    event, identity, data = "message", "", ""
    for raw in lines:
        name, _, value = raw.decode("utf-8").rstrip("\r\n").partition(": ")
        if name == "event":
            event = value
        elif name == "id":
            identity = value
        elif name == "data":
            data += value
        elif not name and not value and data:
            yield ServerSentEvent(event=event, id=identity, data=json.loads(data))
            event, data = "message", ""
