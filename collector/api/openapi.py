"""
The OpenAPI document: what FastAPI knows of its routes, and POST /v1/events, which is served beside FastAPI.

Flow: ROUTERS, schemas -> **one document** -> /openapi.json, /docs, docs/openapi.json (generated, committed, diffed).
"""

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from collector.api.schemas import PROBLEM, SCHEMAS, problem

_EVENT_IN: dict[str, Any] = {
    "type": "object",
    "description": "One event. Only `type` is required; unknown types and fields are kept.",
    "properties": {
        "type": {"type": "string", "examples": ["text:request:completed"]},
        "eventId": {"type": "string"},
        "requestId": {"type": "string"},
        "timestamp": {"type": ["number", "string"], "description": "Unix milliseconds; ISO 8601 is read too."},
    },
    "required": ["type"],
    "additionalProperties": True,
}
_RECEIPT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "accepted": {"type": "integer"},
        "duplicates": {"type": "integer"},
        "store": {"type": "string", "description": "What references to messages are good for; for senders that ask"},
        "rejected": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"index": {"type": "integer"}, "code": {"type": "string"}, "detail": {"type": "string"}},
                "required": ["index", "code", "detail"],
            },
        },
    },
    "required": ["accepted", "duplicates", "rejected"],
}


def document(app: FastAPI) -> dict[str, Any]:
    """The whole document."""
    made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = made.setdefault("components", {})
    components.setdefault("schemas", {}).update({**SCHEMAS, "EventIn": _EVENT_IN, "Receipt": _RECEIPT})
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    made["security"] = [{"key": []}, {}]
    made["paths"]["/v1/events"] = {"post": _ingest(), **made["paths"].get("/v1/events", {})}
    for operations in made["paths"].values():
        for operation in operations.values():
            # FastAPI documents its own 422; here a wrong parameter is 400.
            _drop_validation_answer(operation)
    return made


def _drop_validation_answer(operation: dict[str, Any]) -> None:
    answer = operation.get("responses", {}).get("422", {})
    if "HTTPValidationError" in json.dumps(answer):
        del operation["responses"]["422"]


def _ingest() -> dict[str, Any]:
    events = {"type": "array", "items": {"$ref": "#/components/schemas/EventIn"}}
    batch = {
        "type": "object",
        "properties": {"resource": {"type": "object", "description": "OpenTelemetry resource attributes."}, "events": events},
        "required": ["events"],
    }
    receipt = {"application/json": {"schema": {"$ref": "#/components/schemas/Receipt"}}}
    refusals = {str(status): problem(status) for status in (400, 401, 403, 408, 413, 415, 429, 503)}
    return {
        "tags": ["write"],
        "summary": "Store events",
        "description": "Answers after commit and sync. Good events of a mixed batch are kept. gzip and zstd are read.",
        "operationId": "post_events",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string"},
                "description": "Makes a repeated POST of events without ids count once.",
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"anyOf": [events, batch, {"$ref": "#/components/schemas/EventIn"}]}},
                "application/x-ndjson": {"schema": {"type": "string", "description": "One event a line."}},
            },
        },
        "responses": {
            "200": {"description": "Committed", "content": receipt},
            "422": {"description": "Every event was rejected", "content": {PROBLEM: receipt["application/json"]}},
            **refusals,
        },
    }
