"""
Say in OpenTelemetry's words what went wrong.

Flow: an event's `error` -> **type and message** -> calls, tools, spans.
"""

import re
from collections.abc import Mapping
from typing import Any

from collector import semconv
from collector.fields import as_json, mapping, name, text
from collector.values import value

_STATUS = re.compile(r"\s*([1-5]\d\d)\b")


@value
class Failure:
    """`error_type` is of few values, fit to group by; the message is for people."""

    error_type: str
    message: str | None


INCOMPLETE = Failure(error_type="incomplete", message=None)
"""A call whose end never came."""


def read_failure(error: object) -> Failure:
    """The failure that an `error` field tells: a string, or an object with name and message."""
    told = mapping(error)
    message = text(told.get("message")) if told else as_json(error)
    return Failure(error_type=_type_of(name(told.get("name")), message), message=message or None)


def failure_of_completed(payload: Mapping[str, Any], finish_reason: str | None) -> Failure | None:
    """Why a `completed` event is a failure all the same: the provider says so in status or finish reason."""
    if payload.get("status") == "failed":
        return _with_fallback(payload.get("error"), "the provider's status is failed")
    if finish_reason == "error":
        return _with_fallback(payload.get("error"), "the finish reason is error")
    return None


def _with_fallback(error: object, message: str) -> Failure:
    return Failure(error_type=semconv.ERROR_OTHER, message=message) if error is None else read_failure(error)


def _type_of(error_name: str | None, message: str | None) -> str:
    # JavaScript's plain Error says nothing; its message often begins with the HTTP status.
    if error_name is not None and error_name != "Error":
        return error_name
    status = _STATUS.match(message or "")
    return status.group(1) if status else semconv.ERROR_OTHER
