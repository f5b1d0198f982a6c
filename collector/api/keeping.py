"""
What is kept, asked of a running collector: rules of retention, forgetting, giving space back.

Flow: `hookline retention`, `forget`, `db vacuum` -> **here** -> keeping -> storage.
As with the other administrative routes, the commands come this way where an SQLite file belongs to the server's process.
"""

import time
from typing import Annotated, ClassVar

import anyio.to_thread
from fastapi import APIRouter, Body
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from collector.api.asked import Administering, json_answer
from collector.api.schemas import answers
from collector.errors import BadRequest
from collector.keeping.forgetting import forget, planned
from collector.query.parameters import clean_text
from collector.storage.keeper import RetentionRule, Subject, SubjectField

router = APIRouter(prefix="/v1/admin", tags=["operate"])


class RuleBody(BaseModel):
    """A project's rule. Without either limit it is removed; 0 is no limit."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    project: str
    days: Annotated[int | None, Field(ge=0, le=100_000)] = None
    max_bytes: Annotated[int | None, Field(ge=0, lt=2**62)] = None


class ForgetBody(BaseModel):
    """Whom or what to forget."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    project: str = "default"
    field: SubjectField
    value: Annotated[str, Field(min_length=1)]
    dry_run: Annotated[bool, Field(description="Only count.")] = True
    vacuum: Annotated[bool, Field(description="Write the SQLite file anew afterwards; commits wait meanwhile.")] = True


@router.get("/retention", responses=answers("Retention"), summary="Rules of retention, and what projects hold")
def list_rules(asked: Administering) -> Response:
    """Of all projects. Bytes are counted only where a limit needs them."""
    store = asked.parts.store
    rules = [{"project": rule.project, "days": rule.days, "max_bytes": rule.max_bytes} for rule in store.retention_rules()]
    return json_answer({"items": rules, "bytes": store.sizes()})


@router.post("/retention", responses=answers("Done"), summary="Set a project's own limits")
def set_rule(asked: Administering, body: Annotated[RuleBody, Body()]) -> Response:
    """They count from the next pass on, within minutes."""
    project = _text("project", body.project)
    asked.parts.store.set_retention(RetentionRule(project=project, days=body.days, max_bytes=body.max_bytes))
    return json_answer({"count": 1})


@router.post("/forget", responses=answers("Forgotten"), summary="Forget a person, a session, a client or a call")
async def forget_subject(asked: Administering, body: Annotated[ForgetBody, Body()]) -> Response:
    """Everything of theirs that is stored. `dry_run`, the default, only counts."""
    store = asked.parts.store
    subject = Subject(project=_text("project", body.project), field=body.field, value=_text("value", body.value))
    with_vacuum = body.vacuum and asked.parts.about.get("engine") == "sqlite"
    if body.dry_run:
        return json_answer(planned(await anyio.to_thread.run_sync(lambda: store.plan_forget(subject))))
    done = await anyio.to_thread.run_sync(
        lambda: forget(store, subject, clock=asked.parts.clock, wait=time.sleep, with_vacuum=with_vacuum)
    )
    asked.parts.hub.wake((subject.project,))
    return json_answer(done.as_row())


@router.post("/vacuum", responses=answers("Vacuumed"), summary="Give space back")
async def vacuum(asked: Administering) -> Response:
    """SQLite: the file is written anew, commits wait meanwhile. PostgreSQL: VACUUM, beside everything else."""
    before, after = await anyio.to_thread.run_sync(asked.parts.store.vacuum)
    return json_answer({"bytes_before": before, "bytes_after": after})


def _text(name: str, value: str) -> str:
    text = clean_text(name, value)
    if not text:
        raise BadRequest(f"{name}: it is empty")
    return text
