"""
An image that a Responses stream makes: a call of its own, read from the stream's events.

Flow: stored events of the stream, in order -> **response_images** -> canonical events of the image's call -> assembly.
`response.image_generation_call.completed` has no bytes. They come with the item's `output_item.done`, or only with the whole
response at the end; a stream that ends without either has left the image behind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from collector.dialects.responses import ENDS, ERROR, IMAGE_ITEM, Stream, items_in, look_ahead
from collector.dialects.spelling import Spelling
from collector.dialects.token_usage import token_usage
from collector.dialects.translation import Said, image, known, nothing, told
from collector.events import StoredEvent
from collector.fields import mapping, name

_PROGRESS: Final = f"response.{IMAGE_ITEM}."
_BEGINS: Final = frozenset({"response.output_item.added", f"{_PROGRESS}in_progress", f"{_PROGRESS}generating"})
_DONE: Final = "response.output_item.done"
_COMPLETED: Final = f"{_PROGRESS}completed"
IMAGE_ENDS: Final = frozenset({_DONE, _COMPLETED})
_OPTIONS: Final = ("size", "quality", "background", "output_format", "action")

Payload = Mapping[str, Any]


def image_ids(payload: Payload, spelling: Spelling) -> Sequence[str]:
    """The images that an event names, each once."""
    found = [item.get("id") for item in items_in(payload) if item.get("type") == IMAGE_ITEM]
    if str(payload.get("type")).startswith(_PROGRESS):
        found.append(spelling.get(payload, "item_id"))
    return list(dict.fromkeys(item_id for item_id in found if isinstance(item_id, str) and item_id))


def image_call(
    events: Sequence[StoredEvent], request_id: str, item_id: str, stream_id: str, spelling: Spelling, provider: str | None
) -> list[StoredEvent]:
    """The call of one image."""
    stream = look_ahead(events, spelling)
    named = next((n for n, event in enumerate(events) if item_id in image_ids(event.payload, spelling)), 0)
    # What ended before it was named is another response.
    last = min(events[named:], key=lambda event: _rank(event, item_id, spelling), default=None)
    defaults = {"provider": provider, "model": stream.model}
    found: list[StoredEvent] = []
    for event in events:
        if event is last and _rank(event, item_id, spelling) < _NO_END:
            said = _ended(stream, event, item_id, _told_duration(events, item_id, spelling))
        elif item_id not in image_ids(event.payload, spelling):
            # Of the rest of the stream only its first word matters: it may have the trace and the client.
            if event is not events[0]:
                continue
            said = nothing("image")
        elif event.type in _BEGINS:
            said = _started(stream, item_id)
        else:
            said = nothing("image")
        found += [_below(canonical, stream_id) for canonical in told(event, request_id, [said], defaults)]
    return found


_NO_END: Final = 4


def _rank(event: StoredEvent, item_id: str, spelling: Spelling) -> int:
    """How well an event serves as the image's end: with its bytes, with the whole response, by word only, or as the stream's."""
    names_it = item_id in image_ids(event.payload, spelling)
    if event.type == _DONE and names_it:
        return 0
    if event.type in ENDS and names_it:
        return 1
    if event.type == _COMPLETED and names_it:
        return 2
    return 3 if event.type in ENDS or event.type == ERROR else _NO_END


def _started(stream: Stream, item_id: str) -> Said:
    item = mapping(stream.items.get(item_id))
    return "image:request:started", {
        "prompt": stream.get(item, "revised_prompt"),
        "modelOptions": {key: value for key in _OPTIONS if (value := stream.get(item, key)) is not None} or None,
    }


def _told_duration(events: Sequence[StoredEvent], item_id: str, spelling: Spelling) -> object:
    """How long the image took by the sender's word, at any of its own events; what the stream's end says is about the stream."""
    told_at = (event for event in reversed(events) if event.type not in ENDS and "duration" in event.payload)
    return next((event.payload["duration"] for event in told_at if item_id in image_ids(event.payload, spelling)), None)


def _ended(stream: Stream, event: StoredEvent, item_id: str, duration: object) -> Said:
    payload = event.payload
    if item_id not in image_ids(payload, stream.spelling):
        return "image:request:aborted", {}
    item = mapping(next((item for item in items_in(payload) if item.get("id") == item_id), None))
    error = mapping(item.get("error"))
    if error or item.get("status") == "failed":
        code = name(error.get("code")) or name(error.get("type")) or "image_generation_failed"
        return "image:request:error", {"error": known({"name": code, "message": error.get("message")})}
    made = image(item.get("result"), stream.get(item, "revised_prompt"))
    return "image:request:completed", {
        "images": [made] if made else [],
        "usage": token_usage(item.get("usage")),
        "duration": duration,
    }


def _below(event: StoredEvent, stream_id: str) -> StoredEvent:
    """The event as the stream's child: its trace is the stream's, its parent the stream and no tool."""
    payload = event.payload
    payload = {key: value for key, value in payload.items() if key not in ("parentToolCallId", "messages", "systemPrompts")}
    payload["parentRequestId"] = stream_id
    payload.setdefault("rootRequestId", stream_id)
    return replace(event, payload=payload)
