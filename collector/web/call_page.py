"""
`GET /calls/{request_id}`: one call, whole, in tabs that are addresses; also as a fragment for the list's side pane.

Flow: address -> CallQuery -> storage (Reader), a few queries a tab -> **a view of the tab** -> HTML.
Answers stay small: lists come in windows, long payloads are cut and one click away from the whole (`?event=`).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from collector.api.asked import Asked, json_answer, to_json
from collector.errors import NotFound
from collector.fields import bounded
from collector.query.chunks import read_pieces, read_times
from collector.query.parameters import clean_text
from collector.storage.call_statements import statements_of_call
from collector.storage.protocols import Row
from collector.web.call_conversation import MOST_EVENT_CHARS, find_media, pretty, read_conversation
from collector.web.call_waterfall import draw_waterfall
from collector.web.call_words import explain_health, measure_pace
from collector.web.pages import HEADERS, PageRoute, Viewing, is_fragment, render, render_fragment

router = APIRouter(include_in_schema=False, route_class=PageRoute)

Tab = Literal["conversation", "chunks", "tools", "events", "media", "timing", "raw", "sql"]
TABS: Mapping[Tab, str] = {
    "conversation": "Conversation",
    "chunks": "Chunks",
    "tools": "Tools",
    "events": "Events",
    "media": "Media",
    "timing": "Timing & health",
    "raw": "Raw",
    "sql": "SQL",
}
MOST_SPANS = 10_000
CHUNKS_A_WINDOW = 200
CHUNKS_A_PLAY = 500
EVENTS_A_WINDOW = 50
HEAD_CHARS = 6_000
"""Of a payload in a list of events."""
RUN_EVENTS = 100
"""What the client of a call's run said, beside the call's own events."""
RAW_EVENTS = 40
MOST_RAW_CHARS = 150_000


class CallQuery(BaseModel):
    """What a call's page can be asked for."""

    model_config = ConfigDict(extra="forbid")

    tab: Tab = "conversation"
    fragment: str | None = None
    window: Annotated[str | None, Query(max_length=600)] = None
    cursor: Annotated[str | None, Query(max_length=512)] = None
    message: Annotated[int | None, Query(ge=0)] = None
    bar: Annotated[int | None, Query(ge=0)] = None
    event: Annotated[int | None, Query(ge=0, lt=2**63)] = None
    play: Annotated[str | None, Query(max_length=600)] = None


def call_url(request_id: str, **parameters: object) -> str:
    """The address of a call's page."""
    given = {name: value for name, value in parameters.items() if value is not None}
    path = f"/calls/{quote(request_id, safe='/')}"
    return f"{path}?{urlencode(given)}" if given else path


@router.get("/calls/{request_id:path}")
def call_page(asked: Viewing, request_id: str, query: Annotated[CallQuery, Query()], request: Request) -> Response:
    """The page, its fragment, a window of pieces to play, or one event whole."""
    request_id = bounded(clean_text("request_id", request_id) or "")
    if query.event is not None:
        return _whole_event(asked, request_id, query.event)
    call = asked.parts.store.call(asked.project, request_id)
    if call is None:
        raise NotFound("no call with this request id in this project: look for it in the list")
    if query.play is not None:
        return _play(asked, request_id, query.play)
    values: dict[str, Any] = {
        "call": call,
        "tab": query.tab,
        "tabs": TABS,
        "view": "calls",
        "url": partial(call_url, request_id),
        "call_url": call_url,
        "waterfall": _waterfall(asked, call, query),
        **_VIEWS[query.tab](asked, call, query),
    }
    return render_fragment("call/call.html", **values) if is_fragment(request) else render("call/page.html", asked, **values)


def _waterfall(asked: Asked, call: Row, query: CallQuery) -> dict[str, Any]:
    """The trace in outline, and the calls next to this one."""
    if not call["trace_id"]:
        return {"drawn": None, "parent": call["parent_request_id"], "children": [], "neighbours": (None, None)}
    outline = asked.parts.store.trace_outline(asked.project, call["trace_id"], limit=MOST_SPANS)
    request_id = call["request_id"]
    drawn = draw_waterfall(outline, request_id, first=query.bar, now_ms=asked.parts.now_ms(), limit=MOST_SPANS)
    children = [one for one in outline["calls"] if one["parent_request_id"] == request_id]
    order = [one["request_id"] for one in outline["calls"]]
    place = order.index(request_id) if request_id in order else None
    before = order[place - 1] if place else None
    after = order[place + 1] if place is not None and place + 1 < len(order) else None
    is_parent_known = call["parent_request_id"] in order
    return {
        "drawn": drawn,
        "parent": call["parent_request_id"],
        "is_parent_known": is_parent_known,
        "children": children[:20],
        "more_children": max(0, len(children) - 20),
        "neighbours": (before, after),
    }


def _conversation(asked: Asked, call: Row, query: CallQuery) -> dict[str, Any]:
    store, project, request_id = asked.parts.store, asked.project, call["request_id"]
    said = read_conversation(store, project, request_id, first=query.message)
    return {"said": said, "tool_calls": _tool_calls(asked, request_id)[:50]}


def _chunks(asked: Asked, call: Row, query: CallQuery) -> dict[str, Any]:
    window = read_pieces(
        asked.parts.store, asked.project, call["request_id"], window=clean_text("window", query.window), limit=CHUNKS_A_WINDOW
    )
    return {"pieces": window.pieces, "next_window": window.next_window, "start_ms": _start_ms(call, window.pieces)}


def _start_ms(call: Row, pieces: Any) -> float:
    return call["start_ms"] if call["start_ms"] is not None else pieces[0].at_ms if pieces else 0.0


def _tools(asked: Asked, call: Row, query: CallQuery) -> dict[str, Any]:
    tools = _tool_calls(asked, call["request_id"])
    return {"tool_calls": tools[:200], "more": max(0, len(tools) - 200), "pretty": pretty}


def _tool_calls(asked: Asked, request_id: str) -> Sequence[Row]:
    return asked.parts.store.call_details(asked.project, request_id, only=("tool_calls",))["tool_calls"]


def _events(asked: Asked, call: Row, query: CallQuery) -> dict[str, Any]:
    page = asked.parts.store.call_event_heads(
        asked.project,
        call["request_id"],
        limit=EVENTS_A_WINDOW,
        cursor=clean_text("cursor", query.cursor),
        max_chars=HEAD_CHARS,
    )
    start_ms = call["start_ms"] if call["start_ms"] is not None else page.items[0]["at_ms"] if page.items else 0.0
    return {
        "events": page.items,
        "run_events": _run_events(asked, call) if query.cursor is None else (),
        "most_run_events": RUN_EVENTS,
        "next_cursor": page.next_cursor,
        "start_ms": start_ms,
        "pretty": pretty,
        "head_chars": HEAD_CHARS,
    }


def _run_events(asked: Asked, call: Row) -> Sequence[Row]:
    if call["run_id"] is None:
        return ()
    return asked.parts.store.run_event_heads(asked.project, call["run_id"], limit=RUN_EVENTS, max_chars=HEAD_CHARS)


def _media(asked: Asked, call: Row, query: CallQuery) -> dict[str, Any]:
    story = asked.parts.store.call_story(asked.project, call["request_id"], limit=1000, max_chars=MOST_EVENT_CHARS)
    return {"media": find_media(story)[:200]}


def _timing(asked: Asked, call: Row, query: CallQuery) -> dict[str, Any]:
    store, project, request_id = asked.parts.store, asked.project, call["request_id"]
    details = store.call_details(project, request_id, only=("trace_health", "exports", "token_usage"))
    pace = measure_pace(read_times(store, project, request_id), call["start_ms"], call["end_ms"])
    findings = explain_health(details["trace_health"])
    return {"pace": pace, "findings": findings, "exports": details["exports"][:50], "usage": details["token_usage"][:50]}


def _raw(asked: Asked, call: Row, query: CallQuery) -> dict[str, Any]:
    store, project, request_id = asked.parts.store, asked.project, call["request_id"]
    details = {name: list(rows[:50]) for name, rows in store.call_details(project, request_id).items()}
    page = store.call_event_heads(project, request_id, limit=RAW_EVENTS, cursor=None, max_chars=HEAD_CHARS)
    events = [{**head, "payload": _as_value(head)} for head in page.items]
    whole = {"call": call, **details, "events": events}
    shown = json.dumps(json.loads(to_json(whole)), ensure_ascii=False, indent=2)
    is_cut = len(shown) > MOST_RAW_CHARS or page.next_cursor is not None
    return {"raw": shown[:MOST_RAW_CHARS], "is_cut": is_cut, "api": f"/v1/calls/{quote(request_id, safe='/')}"}


def _as_value(head: Row) -> Any:
    """A payload's JSON, or its beginning where it was cut."""
    return json.loads(head["payload"]) if head["payload_chars"] <= HEAD_CHARS else head["payload"] + "…"


def _sql(asked: Asked, call: Row, query: CallQuery) -> dict[str, Any]:
    return {"statements": statements_of_call(call["request_id"], call["trace_id"])}


_VIEWS: Mapping[Tab, Callable[[Asked, Row, CallQuery], dict[str, Any]]] = {
    "conversation": _conversation,
    "chunks": _chunks,
    "tools": _tools,
    "events": _events,
    "media": _media,
    "timing": _timing,
    "raw": _raw,
    "sql": _sql,
}


def _play(asked: Asked, request_id: str, window: str) -> Response:
    """Pieces with their times, for playing."""
    taken = read_pieces(
        asked.parts.store, asked.project, request_id, window=clean_text("play", window.strip("-")), limit=CHUNKS_A_PLAY
    )
    pieces = [(piece.at_ms, piece.kind, piece.delta[:10_000]) for piece in taken.pieces]
    answer = json_answer({"pieces": pieces, "next": taken.next_window})
    answer.headers.update(HEADERS)
    return answer


def _is_of_call(asked: Asked, request_id: str, event: Row) -> bool:
    if event["request_id"] is None:
        call = asked.parts.store.call(asked.project, request_id)
        return call is not None and call["run_id"] is not None and call["run_id"] == event["run_id"]
    # A part of a stream, an image for instance, has its events there.
    return event["request_id"] == request_id or request_id.startswith(f"{event['request_id']}/")


def _whole_event(asked: Asked, request_id: str, arrival: int) -> Response:
    """One event with its whole payload, as JSON."""
    event = asked.parts.store.event(asked.project, arrival)
    if event is None or not _is_of_call(asked, request_id, event):
        raise NotFound("no such event in this call")
    text = json.dumps(json.loads(to_json(event)), ensure_ascii=False, indent=2)
    return Response(text.encode("utf-8", "replace"), media_type="application/json", headers=HEADERS)
