"""
`/docs`: a page without JavaScript about every route, made from the OpenAPI document.

Flow: browser -> **here**. It loads nothing from anywhere and works offline.
"""

import base64
import hashlib
import json
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from collector.api.asked import SameSite

router = APIRouter(include_in_schema=False)

STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 13px/1.5 ui-monospace, monospace; }
pre { padding: .8rem 1rem; border: 1px solid var(--line); border-radius: .4rem; overflow-x: auto; }
section { border-top: 1px solid var(--line); padding: .4rem 0 .8rem; }
h2 { font-size: 1rem; margin: .6rem 0; } h2 code { font-size: 14px; }
table { border-collapse: collapse; } td { padding: .1rem 1rem .1rem 0; vertical-align: top; }
.verb { font-weight: 700; }
""".strip()


@router.get("/docs", response_class=HTMLResponse)
def docs(request: Request, parts: SameSite) -> Response:
    """The routes, from the OpenAPI document."""
    made: dict[str, Any] = request.app.openapi()
    sections = [
        _section(verb, path, operation) for path, verbs in sorted(made["paths"].items()) for verb, operation in verbs.items()
    ]
    head = f"<h1>hookline {escape(made['info']['version'])}</h1><p><a href='/openapi.json'><code>/openapi.json</code></a></p>"
    return _html("hookline: routes", head + "".join(sections))


@router.get("/openapi.json")
def openapi_json(request: Request, parts: SameSite) -> Response:
    """The document itself."""
    return Response(json.dumps(request.app.openapi()), media_type="application/json")


def _section(verb: str, path: str, operation: dict[str, Any]) -> str:
    rows = "".join(_parameter(parameter) for parameter in operation.get("parameters", ()))
    statuses = ", ".join(str(status) for status in operation.get("responses", {}))
    return (
        f"<section><h2><code><span class='verb'>{verb.upper()}</span> {escape(path)}</code> "
        f"{escape(operation.get('summary', ''))}</h2>"
        f"<p>{escape(operation.get('description', ''))}</p><table>{rows}</table><p>Answers: {escape(statuses)}</p></section>"
    )


def _parameter(parameter: dict[str, Any]) -> str:
    schema = parameter.get("schema", {})
    text = parameter.get("description") or schema.get("description") or ""
    return f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{escape(parameter['in'])}</td><td>{escape(text)}</td></tr>"


def _html(title: str, body: str) -> Response:
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    page = (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{body}</body></html>"
    )
    headers = {"content-security-policy": policy, "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
    return HTMLResponse(page, headers=headers)
