"""
Errors as RFC 9457 problems. The only place that knows status codes.

Flow: any error of a request -> **problem_response** -> HTTP.
The message of an error of ours is the detail; of others nothing is told, since it may hold what the sender sent.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from collector.errors import (
    BadRequest,
    HooklineError,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    NothingAccepted,
    RateLimited,
    SqlRefused,
    StoreBusy,
    StoreUnavailable,
    TooLarge,
    TooSlow,
    UnsupportedMedia,
)

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    detail: str | None = None
    """In place of the error's own message, which may come from a database driver."""
    headers: Mapping[str, str] | None = None


_ANSWERS: Final[Mapping[type[HooklineError], _Answer]] = {
    BadRequest: _Answer(status=400),
    NotAuthenticated: _Answer(status=401, headers={"www-authenticate": "Bearer"}),
    NotAllowed: _Answer(status=403),
    NotFound: _Answer(status=404),
    TooSlow: _Answer(status=408, headers={"connection": "close"}),
    TooLarge: _Answer(status=413),
    UnsupportedMedia: _Answer(status=415, headers={"accept-encoding": "gzip, zstd"}),
    NothingAccepted: _Answer(status=422),
    RateLimited: _Answer(status=429),
    StoreBusy: _Answer(
        status=503,
        detail="too many events wait to be written: send this request again after the time in Retry-After",
        headers={"retry-after": "1"},
    ),
    StoreUnavailable: _Answer(
        status=503,
        detail="the database can't take this right now: send this request again after the time in Retry-After; /readyz says why",
        headers={"retry-after": "5"},
    ),
}
_UNEXPECTED: Final = _Answer(status=500, detail="the collector failed on this request; its log says why: report it if it lasts")


def problem_response(exc: BaseException, *, more: Mapping[str, Any] | None = None) -> Response:
    """The answer to a failed request; `more` are members beside those of RFC 9457."""
    answer = _answer_to(exc)
    phrase = HTTPStatus(answer.status).phrase
    detail = str(exc) if answer.detail is None else answer.detail
    place = {"position": exc.position} if isinstance(exc, SqlRefused) and exc.position else {}
    content = {"type": "about:blank", "title": phrase, "status": answer.status, "detail": detail, **place, **(more or {})}
    headers = {"cache-control": "no-store", **(answer.headers or {})}
    if isinstance(exc, RateLimited):
        headers["retry-after"] = str(max(1, math.ceil(exc.after_s)))
    return Response(json.dumps(content), status_code=answer.status, headers=headers, media_type=MEDIA_TYPE)


def method_not_allowed(*allowed: str) -> Response:
    """405, naming what is allowed."""
    methods = ", ".join(allowed)
    return problem_response(HTTPException(405, f"this address takes {methods}", {"allow": methods}))


def _answer_to(exc: BaseException) -> _Answer:
    for kind, answer in _ANSWERS.items():
        if isinstance(exc, kind):
            return answer
    if isinstance(exc, RequestValidationError):
        return _Answer(status=400, detail=_named_parameters(exc))
    if isinstance(exc, HTTPException):
        return _Answer(status=_known_status(exc.status_code), detail=exc.detail, headers=exc.headers)
    return _UNEXPECTED


def _known_status(code: int) -> int:
    return code if code in {status.value for status in HTTPStatus} else 500


def _named_parameters(exc: RequestValidationError) -> str:
    """Which parameters are wrong and why, without their values."""
    wrong = [f"`{'.'.join(str(part) for part in error['loc'][1:]) or error['loc'][0]}`: {error['msg']}" for error in exc.errors()]
    return f"{'; '.join(wrong)}: see /docs for what this address takes"
