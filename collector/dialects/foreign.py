"""
Senders whose events come in the bus envelope and have to be translated.

Flow: HTTP -> **foreign** -> validation -> storage -> **foreign** -> assembly.
What is particular to a sender is a row: where its counts and stream edges stand, and its translation.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from collector.dialects.envelope import flat
from collector.dialects.protocol import Edge, StreamMark
from collector.events import StoredEvent

Translate = Callable[[Sequence[StoredEvent], str], Sequence[StoredEvent]]
Parts = Callable[[Mapping[str, Any]], Sequence[str]]


def no_parts(event: Mapping[str, Any]) -> Sequence[str]:
    """For senders without calls inside calls."""
    return ()


def _text(event_type: str) -> str:
    return "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignDialect:
    """A sender, as a row of a table."""

    name: str
    plugin_ids: tuple[str, ...] = ()
    sequence_names: tuple[str, ...] = ()
    stream_starts: frozenset[str] = frozenset()
    stream_ends: frozenset[str] = frozenset()
    part_ends: frozenset[str] = frozenset()
    keeps_plugin_id: bool = False
    translate: Translate | None = None
    find_parts: Parts = no_parts
    find_activity: Callable[[str], str] = _text

    is_canonical = False
    has_catalogue = False

    @property
    def makes_calls(self) -> bool:
        return self.translate is not None

    def flatten(self, envelope: Mapping[str, Any]) -> dict[str, Any]:
        event = flat(envelope, envelope.get("type"))
        if self.keeps_plugin_id:
            event.setdefault("pluginId", envelope.get("pluginId"))
        return event

    def sequence(self, event: Mapping[str, Any]) -> int | None:
        for name in self.sequence_names:
            value = event.get(name)
            if type(value) is int and 0 <= value < 2**63:
                return value
        return None

    def edge(self, event_type: str) -> Edge | None:
        if event_type in self.stream_starts:
            return "start"
        return "end" if event_type in self.stream_ends else None

    def ends_part(self, event_type: str) -> bool:
        return event_type in self.part_ends or event_type in self.stream_ends

    def stream_mark(self, event: Mapping[str, Any]) -> StreamMark | None:
        if not self.stream_starts:
            return None
        response: Any = event.get("response")
        response_id: Any = response.get("id") if type(response) is dict else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        type_name = event.get("type")
        edge: Edge | None = "start" if type_name in self.stream_starts else "end" if type_name in self.stream_ends else None
        return StreamMark(edge, response_id if isinstance(response_id, str) and response_id else None)

    def activity(self, event_type: str) -> str:
        return self.find_activity(event_type)

    def parts(self, event: Mapping[str, Any]) -> Sequence[str]:
        return self.find_parts(event)

    def canonical(self, events: Sequence[StoredEvent], request_id: str) -> Sequence[StoredEvent]:
        return () if self.translate is None else self.translate(events, request_id)


UNKNOWN: Final = ForeignDialect(name="unknown", keeps_plugin_id=True)
"""Envelopes of nobody that we know: rows, and no calls."""
