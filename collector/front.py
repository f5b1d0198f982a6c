"""
What a request meets before FastAPI: the way in for events beside it, what is not done here, and a bound on bodies.

Flow: server -> **Front** -> api.ingest | FastAPI; on the port of the devtools bus, that and nothing else.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from collector.api.access import Access
from collector.api.ingest import Answer, IngestApp
from collector.api.problems import problem_response
from collector.errors import HooklineError, TooLarge

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_MOST_BODY_BYTES: Final = 1024 * 1024
_TOO_MUCH: Final = TooLarge(f"the body is over {_MOST_BODY_BYTES} bytes, which no route but POST /v1/events takes")

OPERATING: Final = frozenset({"/healthz", "/readyz", "/metrics", "/v1/status"})
"""What every collector answers, whatever its roles."""
# Worth a retry: a sender that asked the wrong one keeps its events until somebody mends its address.
_NOT_TAKEN_HERE: Final = HTTPException(
    503, "this collector takes no events in (HOOKLINE_ROLES has no ingest): send them to one that does", {"retry-after": "30"}
)
_NOT_READ_HERE: Final = HTTPException(
    404, "nothing is read at this collector (HOOKLINE_ROLES has no web): ask one that is for it"
)


class Front:
    """Sends what is for the way in past FastAPI, which would cost half of the single-event rate."""

    def __init__(
        self,
        ingest: ASGIApp | None,
        reading: ASGIApp,
        access: Access,
        *,
        is_read_here: bool,
        devtools: ASGIApp | None = None,
        devtools_port: int | None = None,
    ) -> None:
        self._ingest = ingest
        self._take = ingest.take if isinstance(ingest, IngestApp) else None
        self._reading = reading
        self._access = access
        self._is_read_here = is_read_here
        self._devtools = devtools
        self._devtools_port = devtools_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._devtools is not None and scope["type"] != "lifespan" and scope["server"][1] == self._devtools_port:
            return await self._devtools(scope, receive, send)
        if scope["type"] == "websocket":
            # There is none but the bus's. Before it is accepted, a close is an answer of 403.
            return await send({"type": "websocket.close"})
        if scope["type"] == "http":
            if scope["path"] == "/v1/events" and scope["method"] in {"POST", "OPTIONS"}:
                return await (self._ingest or problem_response(_NOT_TAKEN_HERE))(scope, receive, send)
            if not self._is_read_here and scope["path"] not in OPERATING:
                return await problem_response(_NOT_READ_HERE)(scope, receive, send)
            if _tells_of_too_much(scope):
                return await problem_response(_TOO_MUCH)(scope, receive, send)
            receive = _capped(receive)
            send = self._readable_by_allowed_origins(scope, send)
            if scope["method"] == "OPTIONS":
                return await self._preflight(scope)(scope, receive, send)
        return await self._reading(scope, receive, send)

    def take(self, scope: Scope, body: bytes, answer: Answer) -> bool:
        """A POST /v1/events that is all there, without ASGI around it; False: it has to come by `__call__`."""
        is_bus = self._devtools is not None and scope["server"][1] == self._devtools_port
        return self._take is not None and not is_bus and self._take(scope["headers"], body, answer)

    def _preflight(self, scope: Scope) -> Response:
        """What a page of an allowed origin may ask of the reading routes."""
        try:
            self._access.check_site(scope)
        except HooklineError as exc:
            return problem_response(exc)
        headers = {
            "access-control-allow-methods": "GET",
            "access-control-allow-headers": "authorization, last-event-id",
            "access-control-max-age": "600",
        }
        return Response(status_code=204, headers=headers)

    def _readable_by_allowed_origins(self, scope: Scope, send: Send) -> Send:
        more = self._access.cross_origin_headers(scope)

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *more]
            await send(message)

        return send_with_headers if more else send


def _tells_of_too_much(scope: Scope) -> bool:
    told = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return told.isdigit() and (len(told) > 15 or int(told) > _MOST_BODY_BYTES)


def _capped(receive: Receive) -> Receive:
    """Stops a body that says nothing of its size: FastAPI reads all of it, before it asks for a key."""
    received = 0

    async def receive_some() -> MutableMapping[str, Any]:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > _MOST_BODY_BYTES:
            raise _TOO_MUCH
        return message

    return receive_some
