"""
`/login` and `/logout`: in by key, where one is configured.

Flow: form -> access (is the key known?) -> sessions -> **an HttpOnly cookie** that every reading route takes for the key.
A browser says in `Origin` where its form stands, and that must be this site; a program says no origin.
The key itself is never kept or sent back.
"""

from typing import Annotated, Final
from urllib.parse import parse_qs

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from collector.api.asked import SameSite
from collector.api.sessions import LIFE_S, cookie_name
from collector.errors import BadRequest, NotAllowed, NotAuthenticated, TooLarge
from collector.sites import read_host
from collector.web.pages import HEADERS, PageRoute, render

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_MOST_BYTES: Final = 8192
_WRONG: Final = "This key is not known, has expired, was revoked, or may not read."
Next = Annotated[str, Query(alias="next", max_length=4000)]


@router.get("/login")
def login_page(request: Request, parts: SameSite, target: Next = "/") -> Response:
    """The form; who needs none is led on."""
    try:
        parts.access.identify(request.scope["headers"])
    except NotAuthenticated:
        return render("shell/login.html", next=_local(target), wrong=None)
    return _see(_local(target))


@router.post("/login")
async def log_in(request: Request, parts: SameSite) -> Response:
    """Check the key; a cookie for a known one."""
    form = await _form(request)
    target = _local(form.get("next", "/"))
    address = request.client.host if request.client else ""
    parts.patience.require(address)
    digest = await anyio.to_thread.run_sync(parts.access.digest_of_known, form.get("key", "").strip())
    if digest is None:
        parts.patience.note_failure(address)
        return render("shell/login.html", status=401, next=target, wrong=_WRONG)
    answer = _see(target)
    answer.set_cookie(
        _cookie(request),
        await anyio.to_thread.run_sync(parts.sessions.open, digest),
        max_age=int(LIFE_S),
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.headers.get("origin", "").startswith("https:"),
    )
    return answer


@router.post("/logout")
async def log_out(request: Request, parts: SameSite) -> Response:
    """End the session."""
    await _form(request)
    await anyio.to_thread.run_sync(parts.sessions.close, request.headers.get("cookie", ""))
    answer = _see("/login")
    answer.delete_cookie(_cookie(request), path="/", httponly=True, samesite="strict")
    return answer


async def _form(request: Request) -> dict[str, str]:
    """A small form of this site's own. Raises NotAllowed, TooLarge, BadRequest."""
    if "origin" not in request.headers and request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        # The site check lets programs in, which send no Origin; this is a browser from which something took it away.
        raise NotAllowed("this form is for browsers that say where it stands: programs send `Authorization: Bearer <key>`")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise TooLarge("a key is not that long")
    try:
        fields = parse_qs(body.decode("utf-8"), max_num_fields=10, keep_blank_values=True)
    except ValueError:
        raise BadRequest("this is not a form") from None
    return {name: values[0] for name, values in fields.items()}


def _cookie(request: Request) -> str:
    site = read_host(request.headers.get("host", ""))
    return cookie_name(site.port if site else None)


def _local(target: str) -> str:
    """A page of ours to go to: browsers take `//host` and `/\\host` for another site."""
    is_ours = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable() and "\\" not in target
    return target if is_ours and not target.startswith("/login") else "/"


def _see(target: str) -> RedirectResponse:
    return RedirectResponse(target, status_code=303, headers=HEADERS)
