"""
Who asks, and what the routes work with.

Flow: request -> **access, then the parts of the collector** -> route -> query.
Every reading route depends on `reading`; so no route can forget the key, the scope or the project.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Depends, Request
from fastapi.responses import Response

from collector.api.access import Access, Identity
from collector.api.sessions import Patience, Sessions
from collector.clock import Clock
from collector.errors import NotAllowed, UnsupportedMedia
from collector.metrics import Metrics
from collector.query.live import LiveHub
from collector.storage.protocols import Row, Store
from collector.store_metrics import StoreGauges


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What routes are given of the collector."""

    store: Store
    access: Access
    sessions: Sessions
    patience: Patience
    hub: LiveHub
    metrics: Metrics
    gauges: StoreGauges
    clock: Clock
    wake_pipeline: Callable[[], None]
    destinations: Callable[[], Sequence[Row]]
    """How it stands with each place that spans go to, as this process knows it."""
    send_now: Callable[[], None]
    """Let destinations that are failing be tried again at once."""
    sql_timeout_s: float
    """How long a user's own statement may run."""
    about: Mapping[str, Any]
    """What `/v1/status` tells of the settings: no secrets."""

    def now_ms(self) -> int:
        """Unix milliseconds, by the clock that all collectors of a database share."""
        return self.clock.now_ms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request whose key is known."""

    identity: Identity
    parts: Parts

    @property
    def project(self) -> str:
        return self.identity.project

    @property
    def is_by_cookie(self) -> bool:
        """Whether somebody asks who logged in on the page."""
        return self.identity.is_by_cookie

    @property
    def is_operator(self) -> bool:
        """Whether the key may administer the collector, as HOOKLINE_API_KEY may."""
        return "admin" in self.identity.scopes


def parts_of(request: Request) -> Parts:
    """The parts, from the application that serves this request."""
    parts: Parts = request.app.state.parts
    return parts


def same_site(request: Request) -> Parts:
    """For pages that show nothing of a project: Host and Origin must fit. Raises NotAllowed."""
    parts = parts_of(request)
    parts.access.check_site(request.scope)
    return parts


def identified(request: Request) -> Asked:
    """Who asks. Raises NotAuthenticated, NotAllowed."""
    parts = same_site(request)
    return Asked(identity=parts.access.identify(request.scope["headers"]), parts=parts)


def reading(request: Request) -> Asked:
    """Who asks, with the scope `read`. Raises NotAuthenticated, NotAllowed."""
    asked = identified(request)
    asked.identity.require("read")
    return asked


def looking_after(request: Request) -> Asked:
    """Who asks, with the scope `read`, or `admin`, which tells less of the project. Raises NotAuthenticated, NotAllowed."""
    asked = identified(request)
    if not asked.is_operator:
        asked.identity.require("read")
    return asked


def administering(request: Request) -> Asked:
    """Who asks, with the scope `admin`. Raises NotAuthenticated, NotAllowed, UnsupportedMedia."""
    asked = identified(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method != "GET" and kind != "application/json":
        # The media types of forms are sent across sites without asking first.
        raise UnsupportedMedia("send the body as application/json")
    if not asked.is_operator:
        raise NotAllowed("this needs a key with the scope `admin`, such as HOOKLINE_API_KEY")
    return asked


SameSite = Annotated[Parts, Depends(same_site)]
Reading = Annotated[Asked, Depends(reading)]
LookingAfter = Annotated[Asked, Depends(looking_after)]
Administering = Annotated[Asked, Depends(administering)]


def json_answer(value: Any, *, status: int = 200) -> Response:
    """`value` as JSON. Not FastAPI's encoder: it walks every row in Python."""
    return Response(to_json(value), status_code=status, media_type="application/json", headers={"cache-control": "no-store"})


def to_json(value: Any) -> bytes:
    """Compact JSON. A lone surrogate, which UTF-8 has not, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain).encode("utf-8", "replace")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value))
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return list(value)


def page_answer(items: Sequence[Mapping[str, Any]], next_cursor: str | None) -> Response:
    """A page of a list."""
    return json_answer({"items": items, "next_cursor": next_cursor})
