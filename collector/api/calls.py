"""
The reading routes about calls: the list, one call whole, its trace, the numbers.

Flow: HTTP -> query parameters -> **here** -> query -> storage (Reader).
"""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from collector.api.asked import Reading, json_answer, page_answer
from collector.api.schemas import answers
from collector.query.parameters import CallQuery, Cursor, StatsQuery
from collector.query.reads import read_call, read_trace

router = APIRouter(prefix="/v1", tags=["read"])


@router.get("/calls", responses=answers("CallPage"), summary="Calls, newest first")
def list_calls(asked: Reading, query: Annotated[CallQuery, Query()]) -> Response:
    """One row a call, without bodies. Repeat a parameter for or; put `!` in front of a value for not."""
    page = asked.parts.store.calls(query.to_filter(asked.project))
    return page_answer(page.items, page.next_cursor)


# `:path`: a request id may hold a slash, as that of an image inside a Responses stream does.
@router.get("/calls/{request_id:path}", responses=answers("CallWhole", 404), summary="One call, whole")
def get_call(asked: Reading, request_id: str, cursor: Annotated[Cursor, Query()] = None) -> Response:
    """The call's row, its spans, tools, usage, health and exports, and its first 1,000 events with a cursor for more."""
    return json_answer(read_call(asked.parts.store, asked.project, request_id, cursor=cursor))


@router.get("/traces/{trace_id}", responses=answers("Trace", 404), summary="One trace")
def get_trace(asked: Reading, trace_id: str) -> Response:
    """The trace's spans and calls, and the events of its runs that belong to no call."""
    return json_answer(read_trace(asked.parts.store, asked.project, trace_id))


@router.get("/stats", responses=answers("Stats"), summary="Counts, errors, tokens, cost, percentiles")
def get_stats(asked: Reading, query: Annotated[StatsQuery, Query()]) -> Response:
    """Over a time range, in all or per value of `by`."""
    bounds = query.bounds()
    rows = asked.parts.store.stats(asked.project, since_ms=bounds["since_ms"], until_ms=bounds["until_ms"], by=query.group())
    return json_answer({"items": rows})
