"""
Canonical events out of foreign ones: what all translations share.

Flow: stored events of a call -> a dialect's translation -> **told** -> assembly.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from collector.events import StoredEvent
from collector.fields import items, mapping

Said = tuple[str, dict[str, Any]]
"""A canonical type and its fields."""

CARRIED: Final = frozenset({
    "agentName", "clientId", "hasTools", "jobId", "messageCount", "messages", "model", "modelOptions", "options",
    "parentRequestId", "parentToolCallId", "prompt", "provider", "rootRequestId", "runId", "sampleRate", "sessionId",
    "source", "streamId", "streaming", "systemPrompts", "tags", "threadId", "toolNames", "traceparent", "truncated", "userId",
})  # fmt: skip
"""Base fields that a sender's context may give; they go with every canonical event of the row."""


def nothing(activity: str) -> Said:
    """An event that tells a call nothing but that it lives; of no type that a rule knows."""
    return f"{activity}:noted", {}


def told(event: StoredEvent, request_id: str, said: Iterable[Said], defaults: Mapping[str, Any]) -> list[StoredEvent]:
    """
    What an event says, as canonical events with ids that follow from its own.

    The words of the translation win over the sender's context, and that wins over the defaults. None is "not told".
    """
    carried = {name: event.payload[name] for name in event.payload.keys() & CARRIED}
    return [
        replace(
            event,
            type=event_type,
            event_id=f"{event.event_id}/{n}",
            payload={**known(defaults), **carried, "requestId": request_id, **known(fields)},
        )
        for n, (event_type, fields) in enumerate(said)
    ]


def known(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is not told."""
    return {name: value for name, value in fields.items() if value is not None}


def objects(value: object) -> Sequence[Mapping[str, Any]]:
    """The objects of an array; empty ones say nothing."""
    return [found for entry in items(value) if (found := mapping(entry))]


def tool_call(call_id: object, name: object, arguments: object, kind: str = "function") -> dict[str, Any]:
    """An entry of `toolCalls`."""
    return {"id": call_id, "type": kind, "function": {"name": name, "arguments": arguments}}


def image(value: object, revised_prompt: object = None) -> dict[str, Any] | None:
    """An entry of `images`: stored bytes or an address. None where there is no image."""
    if "$blob" in mapping(value):
        return known({"b64Json": value, "revisedPrompt": revised_prompt})
    if isinstance(value, str) and value:
        is_address = value.startswith(("http:", "https:", "data:"))
        return known({"url" if is_address else "b64Json": value, "revisedPrompt": revised_prompt})
    return None
