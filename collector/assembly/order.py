"""
The one order of a call's events, whatever order they came in.

Flow: stored events -> **sorted, each once** -> rules.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter

from collector.events import StoredEvent

_TIME = attrgetter("timestamp_ms")


def order_events(events: Iterable[StoredEvent]) -> list[StoredEvent]:
    """Each event once, oldest first. Of copies of an event the one that arrived first stays."""
    ordered = sorted(_each_once(list(events)), key=_TIME)
    # All but few events differ in their times, and then nothing else counts.
    return sorted(ordered, key=order_key) if len({event.timestamp_ms for event in ordered}) < len(ordered) else ordered


def _each_once(events: Sequence[StoredEvent]) -> Iterable[StoredEvent]:
    if len({event.event_id for event in events}) == len(events):
        return events
    kept: dict[tuple[int, str], StoredEvent] = {}
    for event in events:
        identity = (int(event.timestamp_ms), event.event_id)
        other = kept.get(identity)
        if other is None or event.arrival < other.arrival:
            kept[identity] = event
    return kept.values()


def order_key(event: StoredEvent) -> tuple[float, str, int, int, int]:
    """Time, sender, its sequence, how much text had come so far, arrival."""
    return (event.timestamp_ms, _sender(event), event.sequence, _content_length(event), event.arrival)


def _sender(event: StoredEvent) -> str:
    """
    What stands before the sequence in the sender's event id.

    '' for an id without one: a random id says nothing about order, and must not come before the length of the content.
    """
    event_id = event.payload.get("eventId")
    if not isinstance(event_id, str):
        return ""
    prefix, dash, tail = event_id.rpartition("-")
    return prefix if dash and tail == str(event.sequence) else ""


def _content_length(event: StoredEvent) -> int:
    """Length of the cumulative content; beside a delta only the length was kept on the way in."""
    content = event.payload.get("content")
    if event.payload.get("isDelta") is True:
        # aisbreaker's word for a piece that is no more than itself.
        return 0
    if isinstance(content, str):
        return len(content)
    return content if isinstance(content, int) else 0
