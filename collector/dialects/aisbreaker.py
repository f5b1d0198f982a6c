"""
Outputs of aisbreaker-api-js: `OutputText`, `OutputImage`, and `ResponseFinal`, which has all of them once more.

Flow: HTTP -> **aisbreaker** -> validation -> storage -> **aisbreaker** -> assembly.
A call with images is an image call. An image that `isProcessing` is a sketch: it ends nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from collector.dialects.foreign import ForeignDialect
from collector.dialects.translation import Said, image, known, nothing, objects, told
from collector.events import StoredEvent
from collector.fields import amount, mapping, name, text, whole

Payload = Mapping[str, Any]

_TEXT: Final = "OutputText"
_IMAGE: Final = "OutputImage"
_FINAL: Final = "ResponseFinal"


def translate(events: Sequence[StoredEvent], request_id: str) -> Sequence[StoredEvent]:
    """The call, ended by its `ResponseFinal` or, until that comes, by its last finished image."""
    is_image = any(event.type == _IMAGE or _images([event]) for event in events)
    activity = "image" if is_image else "text"
    last = _last_of(events)
    model = next((engine for event in events if (engine := _engine(event.payload)) is not None), None)
    said_with_chunks = {
        _choice(event.payload) for event in events if event.type == _TEXT and event.payload.get("isDelta") is True
    }
    found: list[StoredEvent] = []
    for event in events:
        said = list(_piece(event, said_with_chunks))
        if event is last:
            said.append(_ended(event, events, activity))
        found += told(event, request_id, said or [nothing(activity)], {"model": model, "responseModel": model})
    return found


def _last_of(events: Sequence[StoredEvent]) -> StoredEvent | None:
    """The first `ResponseFinal`; without one the last image that is no sketch."""
    final = next((event for event in events if event.type == _FINAL), None)
    return final or next((event for event in reversed(events) if event.type == _IMAGE and not _is_sketch(event.payload)), None)


def _piece(event: StoredEvent, said_with_chunks: set[int]) -> Iterator[Said]:
    """Text that is a delta is a chunk; text that is whole is said again only where no delta came."""
    if event.type != _TEXT:
        return
    payload = event.payload
    choice = _choice(payload)
    message = {"messageId": f"output-{choice}", "choice": choice}
    if payload.get("isDelta") is True:
        yield "text:chunk:content", {**message, "delta": payload.get("content")}
    elif choice not in said_with_chunks and text(payload.get("content")):
        yield "text:message:created", {**message, "role": "assistant", "content": payload.get("content")}


def _ended(event: StoredEvent, events: Sequence[StoredEvent], activity: str) -> Said:
    outputs = _outputs(event.payload)
    texts = [mapping(output.get("text")) for output in outputs]
    contents = [content for told_text in texts if (content := text(told_text.get("content")))]
    milliseconds = amount(mapping(event.payload.get("usage")).get("totalMilliseconds"))
    return f"{activity}:request:completed", {
        "content": contents[0] if contents else None,
        "choiceContents": contents if len(contents) > 1 else None,
        "images": _images(events if event.type != _FINAL else [event]) or _images(events) or None,
        "duration": event.payload.get("duration") if milliseconds is None else milliseconds,
    }


def _images(events: Sequence[StoredEvent]) -> list[dict[str, Any]]:
    """The finished images, one an index: those of the end where it has some."""
    by_index: dict[int, dict[str, Any]] = {}
    for event in events:
        told_images = [event.payload] if event.type == _IMAGE else [mapping(one.get("image")) for one in _outputs(event.payload)]
        for position, output in enumerate(told_images):
            made = image(output.get("base64")) or image(output.get("url"))
            if made is not None and not _is_sketch(output):
                index = whole(output.get("index"))
                by_index[position if index is None else index] = made
    return [by_index[index] for index in sorted(by_index)]


def _outputs(payload: Payload) -> Sequence[Payload]:
    return objects(payload.get("outputs"))


def _is_sketch(output: Payload) -> bool:
    return output.get("isProcessing") is True


def _choice(payload: Payload) -> int:
    return whole(payload.get("index")) or 0


def _engine(payload: Payload) -> str | None:
    """The model; newer versions call the holder `service`."""
    usage = mapping(payload.get("usage"))
    holders = (mapping(known(usage).get(key)) for key in ("engine", "service"))
    return next((found for holder in holders if (found := name(holder.get("engineId")) or name(holder.get("engine")))), None)


def _activity(event_type: str) -> str:
    return "image" if event_type == _IMAGE else "text"


AISBREAKER: Final = ForeignDialect(
    name="aisbreaker",
    plugin_ids=("aisbreaker",),
    stream_ends=frozenset({_IMAGE, _FINAL}),
    translate=translate,
    find_activity=_activity,
)
