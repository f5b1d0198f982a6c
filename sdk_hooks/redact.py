"""
What must not leave the process: secrets, content that the host keeps to itself, what `redact` takes out.

Flow: emitter -> **redact** -> encoding.
Runs in the emitter's thread, on every event, before it gets its id.
"""

from typing import Any

from sdk_hooks.config import CallSettings, Event


class RedactFailed(Exception):
    """`redact` raised or returned something else than an event. The event must not be sent."""


def prepare(event: Event, settings: CallSettings) -> Event | None:
    """The event as it may leave; None where `redact` wants it gone."""
    redact = settings.redact
    if redact is None:
        return event
    try:
        redacted: Any = redact(event)
    except Exception as error:
        raise RedactFailed(type(error).__name__) from None
    if redacted is None:
        return None
    if not isinstance(redacted, dict) or not isinstance(redacted.get("type"), str):
        raise RedactFailed("no event")
    return redacted
