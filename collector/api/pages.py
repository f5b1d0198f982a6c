"""
`/openapi.json`: the routes, for programs. For people the page has `/docs`, made of the same document.

Flow: browser, generators -> **here** -> openapi.
"""

import json

from fastapi import APIRouter, Request
from fastapi.responses import Response

from collector.api.asked import SameSite

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
def openapi_json(request: Request, parts: SameSite) -> Response:
    """The document."""
    headers = {"x-content-type-options": "nosniff"}
    return Response(json.dumps(request.app.openapi()), media_type="application/json", headers=headers)
