"""
GET /v1/events: rows of the event table, newest first.

Flow: HTTP -> query parameters -> **here** -> storage (Reader).
"""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from collector.api.asked import Reading, page_answer
from collector.api.schemas import answers
from collector.query.parameters import EventQuery

router = APIRouter(prefix="/v1", tags=["read"])


@router.get("/events", responses=answers("EventPage"), summary="Events, newest first")
def list_events(asked: Reading, query: Annotated[EventQuery, Query()]) -> Response:
    """Each event as a row with its payload. Repeat a parameter for or; put `!` in front of a value for not."""
    page = asked.parts.store.events(query.to_filter(asked.project))
    return page_answer(page.items, page.next_cursor)
