"""
`GET /sql`: an editor for SELECTs over the project's tables, with its result as a table and a chart.

Flow: address -> **the page** ; its script -> POST /v1/sql -> the result. The page runs nothing itself; `?q=` is the statement.
"""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from collector.query.sql import MAX_SQL_CHARACTERS, describe
from collector.web.pages import PageRoute, Viewing, render
from collector.web.sql_examples import EXAMPLES, FIRST

router = APIRouter(include_in_schema=False, route_class=PageRoute)


class SqlPageQuery(BaseModel):
    """What the page begins with."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[str | None, Query(max_length=MAX_SQL_CHARACTERS)] = None
    sql: Annotated[str | None, Query(max_length=MAX_SQL_CHARACTERS)] = None
    """The same, as other pages link here."""


@router.get("/sql")
def sql_page(asked: Viewing, query: Annotated[SqlPageQuery, Query()]) -> Response:
    """The page. A statement in the address runs when the page opens: it can only read, and not for long."""
    given = query.q or query.sql
    return render(
        "sql/page.html",
        asked,
        statement=given or FIRST,
        is_given=bool(given),
        may_ask="sql" in asked.identity.scopes,
        tables=describe(asked.parts.store),
        examples=EXAMPLES,
        timeout_s=asked.parts.sql_timeout_s,
        view="sql",
    )
