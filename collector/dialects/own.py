"""
Events in hookline's own shape: nothing to translate.

Flow: HTTP -> **own** -> validation -> storage -> assembly.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from collector.dialects.protocol import Edge, StreamMark, edge_of_request
from collector.events import StoredEvent


class OwnDialect:
    """The catalogue's events, flat."""

    name = "hookline"
    plugin_ids = ()
    makes_calls = True
    is_canonical = True
    has_catalogue = True

    def flatten(self, envelope: Mapping[str, Any]) -> dict[str, Any]:
        return dict(envelope)

    def sequence(self, event: Mapping[str, Any]) -> int | None:
        return None

    def stream_mark(self, event: Mapping[str, Any]) -> StreamMark | None:
        return None

    def activity(self, event_type: str) -> str:
        return event_type.partition(":")[0]

    def edge(self, event_type: str) -> Edge | None:
        return edge_of_request(event_type)

    def ends_part(self, event_type: str) -> bool:
        return False

    def parts(self, event: Mapping[str, Any]) -> Sequence[str]:
        return ()

    def canonical(self, events: Sequence[StoredEvent], request_id: str) -> Sequence[StoredEvent]:
        return events
