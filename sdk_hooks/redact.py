"""
What must not leave the process: secrets, content that the host keeps to itself, what `redact` takes out.

Flow: emitter -> **redact** -> encoding.
Runs in the emitter's thread, on every event, before it gets its id. Never changes what it was given in place.
"""

import re
from threading import current_thread, main_thread
from typing import Any, cast

from sdk_hooks.config import CallSettings, Event
from sdk_hooks.heads import NAMES, Headed

SECRET = "[secret]"  # noqa: S105 (what stands in a secret's place)
SECRET_NAMES = re.compile(
    r"(?i)^(.*api[-_]?key|.*authorization([-_]?token)?|.*secret([-_]?(access)?[-_]?key)?|.*password|.*private[-_]?key"
    r"|.*(access|auth|bearer|refresh|session|security)[-_]?token|token|(set-)?cookie)$"
)
SECRET_TEXTS = re.compile(
    r"(?i)\b(?:sk|pk|rk)-[a-z0-9_*-]{8,}|\bbearer\s+[a-z0-9._~+/=-]{8,}|\bAIza[a-z0-9_-]{30,}"
    # In addresses: user and password, and what a query gives as a key.
    r"|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"
    r"|(?<=[?&])(?:api[-_]?key|key|token|access[-_]token|sig|signature|password|secret)=[^\s&,\"'<>)]+"
)

# fmt: off
KEPT_TEXTS = frozenset((
    "type", "eventId", "requestId", "streamId", "hookId", "threadId", "runId", "messageId", "toolCallId", "clientId",
    "runtimeId", "source", "visibility", "correlationId", "relatedEventId", "provider", "model", "responseModel",
    "responseId", "finishReason", "project", "sessionId", "userId", "agentName", "traceparent", "parentRequestId",
    "parentToolCallId", "rootRequestId", "toolName", "name", "id", "role", "status", "size", "quality", "voice", "format",
    "contentType", "requestType", "jobId", "state", "mediaType", "language", "responseFormat", "fromAgent", "toAgent",
))
# fmt: on
"""Fields whose text is a name, not content. Everything that is not listed is content: unknown fields too."""
OPTIONS = ("options", "modelOptions")
WITH_SECRETS = (*OPTIONS, "error")
"""Fields in which a host or a provider may have put some."""
NUMBERS = frozenset((int, float, bool, type(None)))
KEPT_LISTS = frozenset({"toolNames", "finishReasons"})


class RedactFailed(Exception):
    """`redact` raised or returned something else than an event. The event must not be sent."""


def prepare(event: Event | Headed, settings: CallSettings) -> Event | Headed | None:
    """The event as it may leave; None where `redact` wants it gone."""
    if isinstance(event, Headed):
        head, own = event
        if settings.redact is None and settings.capture_content and NAMES.isdisjoint(own):
            # Nobody looks at the head, which has no secrets.
            kept = without_secrets(own)
            return event if kept is own else Headed(head, kept)
        event = event.whole()
    event = without_secrets(event)
    if not settings.capture_content:
        event = without_content(event)
    redact = settings.redact
    if redact is None:
        return event
    try:
        redacted: Any = redact(event)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and current_thread() is main_thread():
            # In sync delivery and at exit this may be a real Ctrl-C.
            raise
        # A `sys.exit` in it would end the emitter's thread, and with it all recording.
        raise RedactFailed(type(error).__name__) from None
    if redacted is None:
        return None
    if not isinstance(redacted, dict) or not isinstance(cast("Event", redacted).get("type"), str):
        raise RedactFailed("no event")
    return cast("Event", redacted)


def without_secrets(event: Event) -> Event:
    """
    Keys and tokens in request options and error texts become `[secret]`.

    Request headers are never read at all; providers quote keys in error messages, hosts put them into `extra_body`.
    """
    if event.keys().isdisjoint(WITH_SECRETS):
        return event
    changed: Event = {}
    for name in OPTIONS:
        if name in event and (masked := _masked(event[name])) is not event[name]:
            changed[name] = masked
    error = event.get("error")
    if isinstance(error, dict):
        changed["error"] = {key: _scrubbed(item) for key, item in cast("Event", error).items()}
    elif isinstance(error, str):
        changed["error"] = _scrubbed(error)
    return {**event, **changed} if changed else event


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        if NUMBERS.issuperset(map(type, cast("dict[Any, Any]", value).values())):
            # A temperature and the like, as nearly always.
            return cast("dict[Any, Any]", value)
        return {
            key: SECRET if isinstance(item, str) and SECRET_NAMES.match(str(key)) else _masked(item)
            for key, item in cast("dict[Any, Any]", value).items()
        }
    if isinstance(value, list):
        return [_masked(item) for item in cast("list[Any]", value)]
    return value


def _scrubbed(value: Any) -> Any:
    return SECRET_TEXTS.sub(SECRET, value) if isinstance(value, str) else value


def without_content(event: Event) -> Event:
    """
    Names, numbers and sizes stay; texts, messages, arguments, results, media and error texts go.

    Required texts stay as empty ones. `contentBytes` says how much there was, field by field.
    """
    sizes: dict[str, int] = {}
    kept: Event = {}
    for name, value in event.items():
        kept[name] = _hollow(name, value, sizes)
    if sizes:
        kept["contentBytes"] = sizes
    return kept


def _hollow(name: str, value: Any, sizes: dict[str, int]) -> Any:
    if _is_name(name, value) or name in KEPT_LISTS or name in ("tags", "usage", "truncated") or _is_number(value):
        return value
    if name == "chunks" and isinstance(value, list):
        return [_hollow_chunk(chunk) for chunk in cast("list[Event]", value)]
    from sdk_hooks.cutting import size_bytes

    if name == "error" and isinstance(value, dict):
        return {"name": cast("Event", value).get("name", ""), "message": ""}
    if name in ("modelOptions", "options") and isinstance(value, dict):
        return {key: item for key, item in cast("Event", value).items() if _is_name(key, item) or _is_number(item)}
    if name in ("toolCalls", "images") and isinstance(value, list):
        sizes[name] = size_bytes(value)
        return [_skeleton(item) for item in cast("list[Any]", value)]
    sizes[name] = size_bytes(value)
    return [] if isinstance(value, list) else "" if isinstance(value, str) else None


def _hollow_chunk(chunk: Event) -> Event:
    return {"offsetMs": chunk.get("offsetMs"), "delta": "", "length": len(chunk.get("delta") or "")}


def _skeleton(item: Any) -> Any:
    """Names and numbers of a nested value; other texts empty."""
    if not isinstance(item, dict):
        return None
    found = cast("Event", item)
    return {
        key: value if _is_name(key, value) or _is_number(value) else _skeleton(value) if isinstance(value, dict) else ""
        for key, value in found.items()
        if key not in ("b64Json", "url")
    }


def _is_name(field: str, value: Any) -> bool:
    """A field of the list may hold more than a name: `format` a schema, `name` whatever an unknown provider puts there."""
    return field in KEPT_TEXTS and isinstance(value, str)


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float)
