"""
What an operator asks of a running collector: assemble again, make and revoke keys.

Flow: `hookline reassemble`, `keys` -> **here** -> storage -> pipeline.
The commands come this way because an SQLite file belongs to the server's process. All of it needs the scope `admin`:
whoever has that is the operator, as in the no-key mode everybody on this machine is.
"""

from typing import Annotated, ClassVar

from fastapi import APIRouter, Body
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from collector.api.asked import Administering, json_answer
from collector.api.schemas import answers
from collector.fields import bounded
from collector.query.keys import KeyWish, key_as_row, make_key
from collector.query.parameters import clean_text

router = APIRouter(prefix="/v1/admin", tags=["operate"])


@router.post("/reassemble", responses=answers("Done"), summary="Assemble calls again from their events")
def reassemble(asked: Administering, request_id: Annotated[str | None, Body(embed=True)] = None) -> Response:
    """One call, or all of them. They keep their ids and are not exported again."""
    count = asked.parts.store.mark_all_dirty(
        project=None, request_id=bounded(_text(request_id) or "") or None, now_ms=asked.parts.now_ms()
    )
    asked.parts.wake_pipeline()
    return json_answer({"count": count})


@router.get("/keys", responses=answers("Keys"), summary="Keys, without the keys themselves")
def list_keys(asked: Administering) -> Response:
    """Of all projects, revoked ones too."""
    return json_answer({"items": [key_as_row(key) for key in asked.parts.store.list_keys()]})


class KeyBody(BaseModel):
    """The key that is wanted."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    project: str = "default"
    name: str = ""
    scopes: Annotated[list[str] | None, Field(description="Of ingest, read, sql, admin; all that are possible by default.")] = (
        None
    )
    expires: Annotated[str | None, Field(description="`90d`, `12h`, `30m` from now, or a moment.", max_length=40)] = None
    origins: Annotated[
        list[str] | None, Field(description="Makes it a public key, which may only send, from pages of these origins.")
    ] = None
    events_per_s: Annotated[float | None, Field(description="A rate of its own.")] = None
    bytes_per_s: Annotated[float | None, Field(description="A rate of its own.")] = None


@router.post("/keys", responses=answers("Key"), summary="Make a key")
def create_key(asked: Administering, body: Annotated[KeyBody | None, Body()] = None) -> Response:
    """The answer is the only place where the key is told."""
    given = {name: value for name, value in (body or KeyBody()).model_dump().items() if value is not None}
    made = make_key(asked.parts.store, KeyWish(**given), now_ms=asked.parts.now_ms())
    asked.parts.access.forget_keys()
    return json_answer(made)


@router.post("/keys/revoke", responses=answers("Revoked"), summary="Make a key useless")
def revoke_key(asked: Administering, key_id: Annotated[str, Body(embed=True)]) -> Response:
    """`revoked` is false where there is no such key."""
    is_revoked = asked.parts.store.revoke_key(clean_text("key_id", key_id) or "", now_ms=asked.parts.now_ms())
    asked.parts.access.forget_keys()
    return json_answer({"revoked": is_revoked})


def _text(value: str | None) -> str | None:
    return clean_text("body", value)
