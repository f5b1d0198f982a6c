"""
What a backend's answer to one OTLP request means.

Flow: backend -> transports -> **Answer** -> exporters.delivery.
Pure. The rules are those of the OTLP specification ("Failures"), but that nothing is given up which may work later.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

MAX_WAIT_S = 3600.0
"""A backend may ask us to wait, but not for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """2xx. `rejected` of partial_success: the backend dropped so many items and must not get them again."""

    rejected: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """The backend can't work now: wait `after_s` (None: as long as you like), then send the same again."""

    reason: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """
    This request is not taken; a smaller part of it may be.

    `is_final` False: the backend stumbled, and alone the same span may pass later.
    """

    reason: str
    is_final: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwelcome:
    """The answer is about the key or the address: no part of the request, and no other one, would fare better."""

    reason: str


Answer = Accepted | Away | Declined | Unwelcome

AWAY_STATUSES = frozenset({408, 429, 502, 503, 504})
# Not 403: firewalls in front of backends answer it to single requests whose text they don't like.
UNWELCOME_STATUSES = frozenset({401, 404, 405, 407, *range(300, 400)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What reading an answer takes: its signal's shapes, and `blot` for words that quote our key."""

    parse_response: Callable[[bytes], Accepted]
    """Of the signal's Export…ServiceResponse. Raises ValueError where the bytes are none."""
    json_rejected: str
    """The field with the number of rejected items, in an answer of JSON."""
    blot: Callable[[str], str]

    def words(self, text: str) -> str:
        """What a backend says, on one short line. Blotted before it is cut: half a key is one too many."""
        return self.blot(" ".join(text.split()))[:200]


def read_http_answer(status: int, headers: Mapping[str, str], body: bytes, *, reading: Reading, now_s: float) -> Answer:
    """`headers` must find names in any case."""
    if 200 <= status < 300:
        return read_success(headers.get("content-type", ""), body, reading)
    reason = f"HTTP {status}{_told(headers, body, reading)}"
    if status in AWAY_STATUSES:
        return Away(reason=reason, after_s=read_retry_after(headers.get("retry-after"), now_s=now_s))
    if status in UNWELCOME_STATUSES:
        return Unwelcome(reason=reason)
    return Declined(reason=reason, is_final=status < 500)


def read_success(content_type: str, body: bytes, reading: Reading) -> Accepted:
    """A 2xx stays one whatever its body looks like: to send again would double everything."""
    try:
        accepted = _read_json(body, reading.json_rejected) if "json" in content_type.lower() else reading.parse_response(body)
    except ValueError:
        return Accepted()
    return Accepted(rejected=accepted.rejected, message=reading.words(accepted.message))


def _read_json(body: bytes, json_rejected: str) -> Accepted:
    try:
        partial: Any = json.loads(body or b"{}").get("partialSuccess") or {}
        return Accepted(rejected=int(partial.get(json_rejected, 0)), message=str(partial.get("errorMessage", "")))
    except (AttributeError, TypeError, RecursionError) as exc:
        raise ValueError("not an answer to an export") from exc


def read_retry_after(value: str | None, *, now_s: float) -> float | None:
    """Seconds to wait, of a number or an HTTP date; None where there is none that can be read."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value.strip()).timestamp() - now_s
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), MAX_WAIT_S) if math.isfinite(seconds) else None


def _told(headers: Mapping[str, str], body: bytes, reading: Reading) -> str:
    """What the answer says in words."""
    if location := headers.get("location"):
        return f" to {reading.words(location.partition('?')[0])} (redirects are not followed)"
    if "text" in headers.get("content-type", "") or "json" in headers.get("content-type", ""):
        words = reading.words(body.decode("utf-8", "replace"))
        return f": {words}" if words else ""
    return ""


def read_grpc_failure(code: str, details: str, *, retry_delay_s: float | None, reading: Reading) -> Answer:
    """`code` is the status's name; `retry_delay_s` comes from RetryInfo, where the answer has one."""
    words = reading.words(details)
    reason = f"gRPC {code}: {words}" if words else f"gRPC {code}"
    if code == "RESOURCE_EXHAUSTED" and retry_delay_s is None and "larger than max" in details:
        # Our own library says so of an answer that it does not want to read: then the request was taken.
        return Accepted() if "CLIENT: Received message larger" in details else Declined(reason=reason)
    if code in _AWAY_CODES or retry_delay_s is not None:
        wait_s = None if retry_delay_s is None else min(max(retry_delay_s, 0.0), MAX_WAIT_S)
        return Away(reason=reason, after_s=wait_s)
    if code in _UNWELCOME_CODES:
        return Unwelcome(reason=reason)
    return Declined(reason=reason, is_final=code not in _STUMBLED_CODES)


# RESOURCE_EXHAUSTED without RetryInfo is "do not retry" for the specification; backends send it when they limit rates.
_AWAY_CODES = frozenset(
    {"CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"}
)
_STUMBLED_CODES = frozenset({"UNKNOWN", "INTERNAL"})
_UNWELCOME_CODES = frozenset({"UNAUTHENTICATED", "UNIMPLEMENTED", "NOT_FOUND"})
