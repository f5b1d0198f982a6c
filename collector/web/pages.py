"""
How every page is answered: who asks, which headers, what an error looks like.

Flow: browser -> **PageRoute, Viewing** -> a page's function -> **render** -> HTML.
A page that needs a key leads to /login; a fragment that needs one is 401, and its script goes there.
"""

import json
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute

from collector.api.asked import Asked, reading
from collector.api.problems import problem_response
from collector.errors import HooklineError, NotAuthenticated
from collector.web.strip import top_strip
from collector.web.templating import environment

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not `no-referrer`: with it a browser sends `Origin: null` with the forms of this page, and those would be refused.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}

Viewing = Annotated[Asked, Depends(reading)]
"""Who looks at a page, with the scope `read`."""


class PageRoute(APIRoute):
    """A route whose errors are pages too, and which leads to /login where a key is needed."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_or_explain(request: Request) -> Response:
            try:
                return await handle(request)
            except NotAuthenticated as exc:
                return problem_response(exc) if is_fragment(request) else _to_login(request)
            except (HooklineError, RequestValidationError) as exc:
                return _explain(request, exc)

        return handle_or_explain


def is_fragment(request: Request) -> bool:
    """Whether a script asks for a part of a page."""
    return request.query_params.get("fragment") == "1" or "hx-fragment" in request.headers


def render(template: str, asked: Asked | None = None, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A template as an answer. With `asked` it may be a whole page: the top strip shows whose project it is."""
    if asked is not None:
        values["strip"] = top_strip(asked)
    text = environment().get_template(template).render(asked=asked, **values)
    # A lone surrogate can't be sent; nothing stored has one, but an address may.
    return HTMLResponse(text.encode("utf-8", "replace"), status_code=status, headers=HEADERS)


def render_fragment(template: str, *, headers: dict[str, str] | None = None, **values: Any) -> HTMLResponse:
    """A part of a page."""
    answer = render(template, **values)
    answer.headers.update(headers or {})
    return answer


def _to_login(request: Request) -> Response:
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/login?next={quote(target, safe='')}", status_code=303, headers=HEADERS)


def _explain(request: Request, exc: Exception) -> Response:
    """The problem, as a page for people; a fragment's script gets the problem itself."""
    problem = problem_response(exc)
    if is_fragment(request):
        return problem
    return render("shell/error.html", status=problem.status_code, problem=json.loads(bytes(problem.body)))
