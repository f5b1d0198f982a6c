"""
Routes about the collector itself: is it alive, is it ready, what does it count.

Flow: probes, Prometheus, `hookline doctor` -> **here**. `/healthz` and `/readyz` tell nothing and need no key, because a probe
comes with any Host header.
"""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from collector.api.asked import LookingAfter, json_answer, parts_of
from collector.api.outbox import MOST_REASONS
from collector.api.problems import problem_response
from collector.api.schemas import answers, problem
from collector.errors import StoreError, StoreUnavailable
from collector.storage.failures import reason_of
from collector.storage.protocols import EventFilter

router = APIRouter(tags=["operate"])

COMMIT_AGE_LIMIT_S = 15.0
"""A commit takes milliseconds. Something that has waited so long is stuck, whatever the process looks like."""


@router.get("/healthz", summary="The process runs", response_class=Response)
def healthz() -> Response:
    """200 as long as the process answers."""
    return Response("ok\n", media_type="text/plain")


@router.get("/readyz", summary="Events can be stored", response_class=Response, responses={503: problem(503)})
def readyz(request: Request) -> Response:
    """200 when the database answers and commits go through, else 503 with the reason."""
    store = parts_of(request).store
    age_s, because = store.last_commit_age_s(), store.failing_because()
    if because is not None:
        return _not_ready(f"commits fail since {age_s:.0f} s: {because}")
    if age_s > COMMIT_AGE_LIMIT_S:
        return _not_ready(f"no commit for {age_s:.0f} s although something waits: the database or its disk hangs")
    try:
        store.has_keys()
    except StoreError as exc:
        return _not_ready(f"the database can't be read: {reason_of(exc.__cause__ or exc)}")
    return Response("ready\n", media_type="text/plain")


def _not_ready(reason: str) -> Response:
    return problem_response(StoreUnavailable(reason), more={"detail": reason, "reason": reason})


@router.get("/metrics", summary="Counters and gauges for Prometheus", response_class=Response, responses=answers(None))
def metrics(asked: LookingAfter) -> Response:
    """Prometheus' text format. Who may not operate the collector gets the calls of the own project."""
    told = asked.parts.metrics.render(project=None if asked.is_operator else asked.project)
    return Response(told, media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/v1/status", summary="What `hookline doctor` looks at", responses=answers("Status"))
def status(asked: LookingAfter) -> Response:
    """Version, project, newest event; with every scope of the default project also the state of the whole collector."""
    parts = asked.parts
    may_read = "read" in asked.identity.scopes
    newest = parts.store.events(EventFilter(project=asked.project, limit=1)).items if may_read else ()
    told: dict[str, Any] = {
        "version": parts.about["version"],
        "project": asked.project,
        "scopes": sorted(asked.identity.scopes),
        "now_ms": parts.now_ms(),
        "last_event_received_ms": newest[0]["received_at"] if newest else None,
        "rejected": parts.metrics.rejected_by_code(),
        "queued_events": parts.store.queued_events(),
        "commit_age_s": parts.store.last_commit_age_s(),
        "followers": parts.hub.followers(),
        "state": None,
    }
    if asked.is_operator:
        told |= parts.about
        told["destinations"] = parts.destinations()
        try:
            told["state"] = parts.gauges.state()
            told["export_reasons"] = parts.store.export_reasons(limit=MOST_REASONS)
        except StoreError as exc:
            told["database_error"] = str(exc)
    return json_answer(told)
