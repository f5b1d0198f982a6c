"""
Makes docs/openapi.json: the interface of the collector for programs, as `GET /openapi.json` gives it.

Built from the table of routes alone; no store and no server are needed.
"""

import json

from fastapi import FastAPI

from collector.api.openapi import document
from collector.api.routers import ROUTERS
from collector.version import installed_version


def openapi_document() -> str:
    """The document as indented JSON."""
    app = FastAPI(
        title="hookline", version=installed_version(), description="Every event of your LLM SDKs as a row, every call as a span."
    )
    for router in ROUTERS:
        app.include_router(router)
    return json.dumps(document(app), indent=1, ensure_ascii=False) + "\n"
