"""
POST /v1/sql: a SELECT of the user's own. GET /v1/sql/schema: what there is to select from.

Flow: HTTP -> **here** -> query.sql -> storage (SqlReader). The answer is JSON, CSV or a line of JSON a row, by `Accept`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from collector.api.asked import Asked, identified, json_answer, to_json
from collector.api.schemas import answers
from collector.api.table_text import as_csv
from collector.errors import UnsupportedMedia
from collector.query.sql import DEFAULT_ROWS, MAX_ROWS, describe, run_sql
from collector.storage.sql_types import SqlAnswer

router = APIRouter(prefix="/v1/sql", tags=["read"])


def asking(request: Request) -> Asked:
    """Who asks, with the scope `sql`. Raises NotAuthenticated, NotAllowed, UnsupportedMedia."""
    asked = identified(request)
    asked.identity.require("sql")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method == "POST" and kind != "application/json":
        # The media types of forms are sent across sites without asking first.
        raise UnsupportedMedia("send the statement as application/json")
    return asked


Asking = Annotated[Asked, Depends(asking)]


class Statement(BaseModel):
    """What to run."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    sql: Annotated[
        str, Field(description="One SELECT.", examples=["SELECT request_id, duration_ms FROM calls WHERE status = :status"])
    ]
    params: Annotated[
        dict[str, Any] | list[Any] | None,
        Field(
            description="Values of `:name` in the statement; those of a list are `:1`, `:2`, …", examples=[{"status": "error"}]
        ),
    ] = None
    limit: Annotated[int, Field(ge=1, le=MAX_ROWS, strict=True, description="Rows at most.")] = DEFAULT_ROWS


@router.post("", responses=answers("SqlAnswer", 413, 415, 429), summary="Run a SELECT")
def post_sql(asked: Asking, statement: Annotated[Statement, Body()], request: Request) -> Response:
    """Rows of this project. `truncated` where more than `limit` rows or 16 MiB would have come."""
    answer = run_sql(
        asked.parts.store,
        asked.project,
        sql=statement.sql,
        params=statement.params,
        limit=statement.limit,
        timeout_s=asked.parts.sql_timeout_s,
    )
    return _WRITERS[_wanted(request.headers.get("accept", ""))](answer)


@router.get("/schema", responses=answers("SqlSchema"), summary="What can be selected from")
def get_schema(asked: Asking) -> Response:
    """The tables and views, with their columns and what these hold."""
    return json_answer({"tables": [asdict(table) for table in describe(asked.parts.store)]})


def _as_json(answer: SqlAnswer) -> Response:
    return json_answer({"columns": answer.columns, "rows": answer.rows, "truncated": answer.truncated})


def _as_csv(answer: SqlAnswer) -> Response:
    return _table(as_csv(answer.columns, answer.rows), "text/csv; charset=utf-8; header=present", answer)


def _as_lines(answer: SqlAnswer) -> Response:
    names = _distinct(answer.columns)
    lines = b"".join(to_json(dict(zip(names, row, strict=True))) + b"\n" for row in answer.rows)
    return _table(lines, "application/x-ndjson", answer)


def _table(content: bytes, media_type: str, answer: SqlAnswer) -> Response:
    # Neither form has a place for it.
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff", "x-truncated": str(answer.truncated).lower()}
    return Response(content, media_type=media_type, headers=headers)


def _distinct(names: Sequence[str]) -> list[str]:
    """Names for members of an object: a second `n` becomes `n_2`."""
    made: list[str] = []
    for name in names:
        candidate, number = name, 1
        while candidate in made:
            number += 1
            candidate = f"{name}_{number}"
        made.append(candidate)
    return made


_WRITERS: Mapping[str, Callable[[SqlAnswer], Response]] = {
    "application/json": _as_json,
    "text/csv": _as_csv,
    "application/x-ndjson": _as_lines,
}


def _wanted(accept: str) -> str:
    """The first of ours that `Accept` names; JSON where it names none."""
    named = (part.partition(";")[0].strip().lower() for part in accept.split(","))
    return next((kind for kind in named if kind in _WRITERS), "application/json")
