"""
`/docs`: every route, for people; made from the OpenAPI document, open to whoever reaches the collector.

Flow: openapi -> **entries** -> docs/page.html.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from collector.api.asked import SameSite
from collector.web.pages import PageRoute, render

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A route with one of its methods."""

    verb: str
    path: str
    summary: str
    description: str
    parameters: tuple[tuple[str, str, str], ...]
    """Name, where it stands, what it means."""
    answers: str


@router.get("/docs")
def docs_page(request: Request, parts: SameSite) -> Response:
    """The page."""
    document: Mapping[str, Any] = request.app.openapi()
    entries = [
        _entry(verb, path, operation) for path, verbs in sorted(document["paths"].items()) for verb, operation in verbs.items()
    ]
    return render("docs/page.html", entries=entries, version=document["info"]["version"])


def _entry(verb: str, path: str, operation: Mapping[str, Any]) -> Entry:
    return Entry(
        verb=verb.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        parameters=tuple(_parameter(one) for one in operation.get("parameters", ())),
        answers=", ".join(map(str, operation.get("responses", {}))),
    )


def _parameter(parameter: Mapping[str, Any]) -> tuple[str, str, str]:
    text = parameter.get("description") or parameter.get("schema", {}).get("description") or ""
    return parameter["name"], parameter["in"], text
