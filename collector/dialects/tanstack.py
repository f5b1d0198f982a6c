"""
TanStack AI's events, as they go over its devtools bus.

Flow: HTTP -> **tanstack** -> validation -> storage -> assembly.
Its types are the catalogue's own, behind a prefix. Names from before January 2026 are types that nobody knows: they are
stored all the same.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from collector.dialects.envelope import flat
from collector.dialects.protocol import Edge, StreamMark, edge_of_request
from collector.events import StoredEvent

PLUGIN_ID: Final = "tanstack-ai-devtools"
_PREFIX: Final = f"{PLUGIN_ID}:"
_LAST_NUMBER = re.compile(r"(\d{1,18})\D*$", re.ASCII)


class TanStackDialect:
    """`@tanstack/ai` on the server, `@tanstack/ai-client` in the browser."""

    name = "tanstack"
    plugin_ids = (PLUGIN_ID,)
    makes_calls = True
    is_canonical = True
    has_catalogue = True

    def flatten(self, envelope: Mapping[str, Any]) -> dict[str, Any]:
        type_name = envelope.get("type")
        return flat(envelope, type_name.removeprefix(_PREFIX) if type(type_name) is str else type_name)

    def sequence(self, event: Mapping[str, Any]) -> int | None:
        """Client events count in their eventId, its last number; server events have neither."""
        event_id = event.get("eventId")
        found = _LAST_NUMBER.search(event_id[-64:]) if type(event_id) is str and event.get("source") == "client" else None
        return int(found[1]) if found else None

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
