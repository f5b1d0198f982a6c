"""
`GET /`: the list of calls; `/rows`: more of it, or those that changed; `/strip`: the top strip anew.

Flow: address -> ListQuery -> storage (Reader), one query a page -> rows -> **HTML**.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from collector.query.filter_text import KEYS
from collector.storage.as_sql import calls_as_sql
from collector.storage.protocols import Row
from collector.web.empty import diagnose
from collector.web.list_query import ListQuery, address
from collector.web.pages import HEADERS, PageRoute, Viewing, render, render_fragment
from collector.web.rows import call_rows

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_SQL_ROWS = 100
STATUSES = ("running", "ok", "error", "aborted", "incomplete")


@router.get("/")
def list_page(asked: Viewing, query: Annotated[ListQuery, Query()], request: Request) -> Response:
    """The page."""
    if query.filter is not None:
        return RedirectResponse(query.typed(), status_code=303, headers=HEADERS)
    now_ms = asked.parts.now_ms()
    wanted = query.in_project(asked.project, now_ms=now_ms)
    found = asked.parts.store.calls(wanted)
    return render(
        "list/page.html",
        asked,
        query=query,
        rows=call_rows(found.items),
        next_cursor=found.next_cursor,
        older=address([*query.pairs(), ("cursor", found.next_cursor or "")]),
        here=address(query.pairs()),
        rows_address=address(query.pairs(), "/rows"),
        sql=calls_as_sql(replace(wanted, limit=_SQL_ROWS, cursor=None)),
        suggestions=_suggestions(found.items),
        empty=diagnose(asked, request) if not found.items and not query.pairs() and not query.cursor else None,
        now_ms=now_ms,
    )


@router.get("/rows")
def rows(asked: Viewing, query: Annotated[ListQuery, Query()]) -> Response:
    """Rows alone: the next page, or with `request_id` those of these calls that fit the filter."""
    found = asked.parts.store.calls(query.in_project(asked.project, now_ms=asked.parts.now_ms()))
    headers = {"hookline-next-cursor": found.next_cursor} if found.next_cursor else {}
    return render_fragment("list/rows.html", headers=headers, rows=call_rows(found.items))


@router.get("/strip")
def strip(asked: Viewing) -> Response:
    """The top strip."""
    return render("shell/strip.html", asked)


@router.get("/diagnosis")
def diagnosis(asked: Viewing, request: Request) -> Response:
    """Why nothing arrives, anew."""
    return render("list/diagnosis.html", asked, empty=diagnose(asked, request))


def _suggestions(calls: Sequence[Row]) -> list[str]:
    """What the filter bar offers: every key, and the values of the rows that are shown."""
    values = dict.fromkeys(f"status:{status}" for status in STATUSES)
    for call in calls:
        for key, name in KEYS.items():
            if key not in ("tool", "operation", "slower", "status") and call[name]:
                values[f"{key}:{_quoted(str(call[name]))}"] = None
    return list(values)[:60]


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value
