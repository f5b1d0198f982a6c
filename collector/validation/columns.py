"""
An event's fields -> the columns of its row. A field of the wrong type is NULL there and named in `schema_issues`.

Flow: dialects -> **columns** -> storage. The payload keeps what was sent either way.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from collector.fields import LONGEST_TEXT_BYTES, bounded
from collector.validation.decoding import encode

Issues = dict[str, str]
"""Field name -> what is wrong with it."""

SHORT: Final = LONGEST_TEXT_BYTES // 4
"""Characters that fit whatever they are: UTF-8 has four bytes at most."""
NO_PARENT: Final[tuple[str | None, str | None]] = (None, None)
TEXTS: Final = (
    "requestId",
    "parentRequestId",
    "streamId",
    "messageId",
    "clientId",
    "threadId",
    "runId",
    "toolCallId",
    "sessionId",
    "userId",
    "source",
    "provider",
    "model",
)
"""The fields of the first columns, in their order."""
MAX_INT32: Final = 2**31 - 1
MAX_INT64: Final = 2**63 - 1
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


class Columns(NamedTuple):
    """The middle of an `EventRow`, in its order."""

    request_id: str | None
    parent_request_id: str | None
    stream_id: str | None
    message_id: str | None
    client_id: str | None
    thread_id: str | None
    run_id: str | None
    tool_call_id: str | None
    session_id: str | None
    user_id: str | None
    source: str | None
    provider: str | None
    model: str | None
    tool_names: str | None
    message_count: int | None
    has_tools: bool | None
    streaming: bool | None
    duration_ms: float | None
    sequence: int | None
    trace_id: str | None
    parent_span_id: str | None


def read_columns(event: Mapping[str, Any], type_name: str, issues: Issues) -> Columns:
    """The columns; what doesn't fit is added to `issues`."""
    get = event.get
    texts: list[str | None] = []
    for name in TEXTS:
        value = get(name)
        # Nearly all are absent or short: no call for those, at 13 a row.
        texts.append(value if value is None or (type(value) is str and 0 < len(value) <= SHORT) else _text(name, value, issues))
    tool_names, count, sequence, traceparent = get("toolNames"), get("messageCount"), get("sequence"), get("traceparent")
    return Columns._make(
        (
            *texts,
            None if tool_names is None else _tool_names(tool_names, type_name, issues),
            None if count is None else _integer("messageCount", count, MAX_INT32, issues),
            _flag("hasTools", get("hasTools"), issues),
            _flag("streaming", get("streaming"), issues),
            _duration_ms(event, type_name, issues),
            None if sequence is None else _integer("sequence", sequence, MAX_INT64, issues),
            *(NO_PARENT if traceparent is None else _traceparent(traceparent, issues)),
        )
    )


def _text(name: str, value: Any, issues: Issues) -> str | None:
    if value == "":
        return None
    if type(value) is str:
        return bounded(value)
    issues[name] = "not a text"
    return None


def _flag(name: str, value: Any, issues: Issues) -> bool | None:
    if value is None or value is True or value is False:
        return value
    issues[name] = "not true or false"
    return None


def _integer(name: str, value: Any, largest: int, issues: Issues) -> int | None:
    # JavaScript has one number type: 3.0 is a three.
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is int and -largest <= value <= largest:
        return value
    issues[name] = "not a whole number" if type(value) is not int else "too large a number"
    return None


def _duration_ms(event: Mapping[str, Any], type_name: str, issues: Issues) -> float | None:
    # A started event's `duration` is the length of the media that was asked for, in seconds.
    if type_name.endswith(":started"):
        return None
    name = "duration" if event.get("duration") is not None else "durationMs"
    value = event.get(name)
    if value is None:
        return None
    if type(value) is int or type(value) is float:
        duration_ms = duration_of(value)
        if duration_ms is None:
            issues[name] = "too large a number"
        return duration_ms
    issues[name] = "not a number"
    return None


def duration_of(value: int | float) -> float | None:
    """The number as the column has it; None for one too large. An integer may be larger than any double."""
    return float(value) if abs(value) <= MAX_INT64 and math.isfinite(value) else None


def _tool_names(names: Any, type_name: str, issues: Issues) -> str | None:
    if type(names) is not list or not all(map(_is_text, names)):  # pyright: ignore[reportUnknownArgumentType]
        issues["toolNames"] = "not a list of texts"
        return None
    # Chunk rows lose the context that the call's other events carry (see reductions).
    return None if type_name.startswith("text:chunk:") else encode(names)  # pyright: ignore[reportUnknownArgumentType]


def _is_text(value: object) -> bool:
    return type(value) is str


def _traceparent(value: Any, issues: Issues) -> tuple[str | None, str | None]:
    parent = traceparent_of(value) if isinstance(value, str) else None
    if parent is None:
        issues["traceparent"] = "not a W3C traceparent"
        return NO_PARENT
    return parent


def traceparent_of(text: str) -> tuple[str, str] | None:
    """Trace id and span id; None for what is no W3C traceparent."""
    found = _TRACEPARENT.fullmatch(text)
    # W3C Trace Context: version 00 has exactly four parts.
    if found is None or (found[1] == "00" and found[4]):
        return None
    return found[2], found[3]
