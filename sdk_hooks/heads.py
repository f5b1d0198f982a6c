"""
The beginning of a call's events as text: what they all say alike is written once, and not encoded with each of them.

Flow: recorder -> **heads** -> redact -> emitter (numbers it, encodes the rest).
Half of making an event is the JSON encoder's, 0.2 µs for a name and its value, and half of a short event says who called whom.
Whoever must look at the event itself (`redact`, a host that keeps its content, the cutting of a long one) asks for the `whole`.
"""

from typing import Any, NamedTuple

from sdk_hooks.encoding import encode_event, encoder
from sdk_hooks.repeats import TYPE, encode_messages

Event = dict[str, Any]

# fmt: off
NAMES = frozenset((
    "type", "timestamp", "requestId", "streamId", "provider", "model", "streaming", "source", "clientId", "project", "threadId",
    "runId", "sessionId", "userId", "traceparent", "sampleRate", "parentRequestId", "rootRequestId", "parentToolCallId",
    "sequence", "eventId",
))
# fmt: on
"""What a head may say. Said among an event's own fields once more, it would be there twice."""
STARTED = f'{{"type":"{TYPE}",'


class Headed(NamedTuple):
    """An event in two parts: `head`, the text of an object without its last brace, and the fields that only this event has."""

    head: str
    own: Event

    def whole(self) -> Event:
        """The event as one; its own fields hold where both say something."""
        # Imported with the first event, in the emitter's thread: a host's import must not wait for it.
        from json import loads

        return {**loads(self.head + "}"), **self.own}


def encode_headed(head: str, own: Event, *, is_long: bool) -> bytes:
    """As compact UTF-8 JSON; `is_long`: it may hold messages that are worth a reference."""
    try:
        if is_long and type(own.get("messages")) is list and head.startswith(STARTED):
            return encode_messages(own, encode_event, head.encode())
        return f"{head},{encoder()(own)[1:]}".encode() if own else f"{head}}}".encode()
    except (TypeError, ValueError, RecursionError):
        # Something that JSON has not, here or there.
        return encode_event(Headed(head, own).whole())


def members(fields: Event) -> str:
    """Fields as members of an object, each with a comma before it; what is None is left out."""
    said = {name: value for name, value in fields.items() if value is not None}
    return f",{encode_event(said).decode()[1:-1]}" if said else ""
