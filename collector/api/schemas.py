"""
The shapes of the answers, for the OpenAPI document.

Flow: **these tables** -> openapi -> docs/openapi.json, /docs. Answers are written from rows as they are, not through models;
a test holds real answers to these shapes.
"""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

PROBLEM = "application/problem+json"
_PROBLEMS = {
    304: "Not modified",
    400: "Malformed request",
    401: "No or unknown key",
    403: "Not allowed",
    404: "Not in this project",
    408: "The body came too slowly",
    413: "Too large",
    415: "Another media type is needed",
    429: "Too many",
    503: "Try later",
}
_JSON_TYPES: Mapping[str, Schema] = {
    "text": {"type": "string"},
    "text?": {"type": ["string", "null"]},
    "int": {"type": "integer"},
    "int?": {"type": ["integer", "null"]},
    "number": {"type": "number"},
    "number?": {"type": ["number", "null"]},
    "bool": {"type": "boolean"},
    "bool?": {"type": ["boolean", "null"]},
    "json": {},
}

_EVENT = """
project:text event_id:text type:text timestamp:int received_at:int arrival:int request_id:text? parent_request_id:text?
stream_id:text? message_id:text? client_id:text? thread_id:text? run_id:text? tool_call_id:text? session_id:text? user_id:text?
source:text? provider:text? model:text? tool_names:json message_count:int? has_tools:bool? streaming:bool? duration_ms:number?
sequence:int? trace_id:text? parent_span_id:text? service:text clock:text schema_issues:json reduced:json payload:json
"""
_CALL = """
project:text request_id:text parent_request_id:text? operation:text status:text start_ms:number? end_ms:number?
duration_ms:number? time_to_first_chunk_ms:number? provider:text? model:text? response_model:text? finish_reason:text?
error_type:text? error_message:text? input_tokens:int? output_tokens:int? cache_read_tokens:int? cache_write_tokens:int?
reasoning_tokens:int? usage_source:text? cost_usd:number? cost_source:text? chunk_count:int? tool_count:int? image_count:int?
prompt_preview:text? answer_preview:text? service:text? client_id:text? thread_id:text? run_id:text? session_id:text?
user_id:text? trace_id:text? span_id:text? late:bool? tags:json ribbon:text?
"""
_SPAN = (
    "project:text trace_id:text span_id:text parent_span_id:text? request_id:text kind:text name:text start_ns:int end_ns:int "
    "duration_ms:number? status:text error_type:text? tool_name:text? tool_call_id:text? attributes:json"
)


def _row(columns: str, note: str) -> Schema:
    pairs = [column.split(":") for column in columns.split()]
    properties = {name: _JSON_TYPES[kind] for name, kind in pairs}
    return {"type": "object", "description": note, "properties": properties, "required": list(properties)}


def _page(item: str) -> Schema:
    properties = {"items": {"type": "array", "items": _ref(item)}, "next_cursor": _JSON_TYPES["text?"]}
    return {"type": "object", "properties": properties, "required": ["items", "next_cursor"]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name: str | None = None) -> Schema:
    return {"type": "array", "items": _ref(name) if name else {"type": "object"}}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


SCHEMAS: Mapping[str, Schema] = {
    "Event": _row(_EVENT, "A row of `events`."),
    "Call": _row(_CALL, "A row of `calls`."),
    "Span": _row(_SPAN, "A row of `spans`."),
    "EventPage": _page("Event"),
    "CallPage": _page("Call"),
    "CallWhole": _object(
        call=_ref("Call"),
        spans=_list("Span"),
        tool_calls=_list(),
        token_usage=_list(),
        trace_health=_list(),
        exports=_list(),
        events=_ref("EventPage"),
    ),
    "Trace": _object(trace_id={"type": "string"}, spans=_list("Span"), calls=_list("Call"), events=_list("Event")),
    "Stats": _object(items=_list()),
    "SqlAnswer": _object(
        columns={"type": "array", "items": {"type": "string"}},
        rows={"type": "array", "items": {"type": "array", "items": {}}},
        truncated={"type": "boolean"},
    ),
    "SqlSchema": _object(tables=_list()),
    "Status": _object(project={"type": "string"}, version={"type": "string"}, state={"type": ["object", "null"]}),
    "Keys": _object(items=_list()),
    "Key": _object(key_id={"type": "string"}, key={"type": "string"}),
    "Revoked": _object(revoked={"type": "boolean"}),
    "Done": _object(count={"type": "integer"}),
    "DoneByReason": _object(count={"type": "integer"}, items=_list()),
    "Exports": _object(items=_list(), reasons=_list(), destinations=_list()),
    "Retention": _object(items=_list(), bytes={"type": "object"}),
    "Forgotten": {"type": "object", "description": "Counts by table: `would_remove`, or `removed`; and `exported_spans`."},
    "Vacuumed": _object(bytes_before={"type": "integer"}, bytes_after={"type": "integer"}),
    "Problem": {
        "type": "object",
        "description": "RFC 9457: what happened, to what, what to do.",
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
        },
        "required": ["title", "status"],
    },
}


def answers(name: str | None, *more: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` of a route whose 200 is the schema `name`; `more` are further statuses it may give."""
    ok: dict[str, Any] = {"description": "Successful Response"}
    if name:
        ok["content"] = {"application/json": {"schema": _ref(name)}}
    problems = {status: problem(status) for status in sorted({400, 401, 403, 503, *more})}
    return {200: ok, **problems}


def problem(status: int) -> dict[str, Any]:
    """One problem answer."""
    if status == 304:
        return {"description": _PROBLEMS[status]}
    return {"description": _PROBLEMS.get(status, "Problem"), "content": {PROBLEM: {"schema": _ref("Problem")}}}
