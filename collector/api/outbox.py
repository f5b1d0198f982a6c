"""
What waits to be sent and what is dead, and what an operator does about it.

Flow: `hookline export`, `hookline doctor` -> **here** -> storage -> pipeline. All of it needs the scope `admin`.
"""

from typing import Annotated, ClassVar

from fastapi import APIRouter, Body
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from collector.api.asked import Administering, json_answer
from collector.api.schemas import answers
from collector.exporters import encoder_of
from collector.fields import bounded
from collector.query.parameters import clean_text
from collector.query.times import parse_time
from collector.storage.outbox import DeadSpans, Resend

router = APIRouter(prefix="/v1/admin", tags=["operate"])

MOST_REASONS = 50


class DeadBody(BaseModel):
    """Which dead spans; all of them by default."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    destination: Annotated[str | None, Field(max_length=64)] = None
    reason: Annotated[str | None, Field(description="A part of the reason, in any case.", max_length=200)] = None
    since: Annotated[str | None, Field(description="That died since: Unix milliseconds or RFC 3339.", max_length=40)] = None

    def meant(self) -> DeadSpans:
        """As the store takes it. Raises BadRequest."""
        return DeadSpans(
            destination=clean_text("destination", self.destination),
            reason=clean_text("reason", self.reason),
            since_ms=parse_time("since", self.since) if self.since else None,
        )


@router.get("/exports", responses=answers("Exports"), summary="What waits to be sent, and what is dead and why")
def exports(asked: Administering) -> Response:
    """`items` by destination and state, `reasons` of dead spans, `destinations` as this process knows them."""
    parts = asked.parts
    return json_answer(
        {
            "items": parts.store.state()["exports"],
            "reasons": parts.store.export_reasons(limit=MOST_REASONS),
            "destinations": parts.destinations(),
        }
    )


@router.post("/retry-dead", responses=answers("DoneByReason"), summary="Send spans again that were given up")
def retry_dead(asked: Administering, body: Annotated[DeadBody | None, Body()] = None) -> Response:
    """Also ends the rest of destinations that are failing: who asks for this says that the cause is gone."""
    which = (body or DeadBody()).meant()
    items = asked.parts.store.retry_dead_exports(which, now_ms=asked.parts.now_ms())
    asked.parts.send_now()
    return json_answer({"count": sum(item["count"] for item in items), "items": items})


class ResendBody(BaseModel):
    """Which calls' spans go once more, and where to."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    destination: Annotated[str, Field(max_length=64)]
    since: Annotated[str, Field(description="Calls that started from then on: Unix milliseconds or RFC 3339.", max_length=40)]
    until: Annotated[str | None, Field(description="And before then.", max_length=40)] = None
    project: Annotated[str, Field(max_length=128)] = "default"

    def meant(self) -> Resend:
        """As the store takes it. Raises BadRequest."""
        return Resend(
            project=bounded(clean_text("project", self.project) or "default"),
            destination=self.destination,
            since_ms=parse_time("since", self.since),
            until_ms=parse_time("until", self.until) if self.until else None,
        )


@router.post("/send-again", responses=answers("Done"), summary="Send spans once more, on purpose")
def send_again(asked: Administering, body: Annotated[ResendBody, Body()]) -> Response:
    """Backends may show doubles. What waits already goes once, as it would have."""
    encode = encoder_of(body.destination)
    count = asked.parts.store.queue_again(body.meant(), encode, now_ms=asked.parts.now_ms())
    asked.parts.send_now()
    return json_answer({"count": count})


@router.post("/drop-exports", responses=answers("Done"), summary="Give up for good what waits for a destination")
def drop_exports(asked: Administering, destination: Annotated[str, Body(embed=True, max_length=64)]) -> Response:
    """Waiting and dead spans; calls and spans stay in SQL."""
    count = asked.parts.store.drop_exports(destination=bounded(destination), now_ms=asked.parts.now_ms())
    return json_answer({"count": count})
