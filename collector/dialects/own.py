"""
Events in hookline's own shape: nothing to translate.

Flow: HTTP -> **own** -> validation -> storage -> assembly.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from collector.dialects.protocol import StreamMark
from collector.events import StoredEvent


class OwnDialect:
    """The catalogue's events, flat."""

    name = "hookline"
    plugin_ids = ()
    makes_calls = True
    has_catalogue = True

    def flatten(self, envelope: Mapping[str, Any]) -> dict[str, Any]:
        return dict(envelope)

    def sequence(self, event: Mapping[str, Any]) -> int | None:
        return None

    def stream_mark(self, event: Mapping[str, Any]) -> StreamMark | None:
        return None

    def canonical(self, event: StoredEvent) -> Sequence[StoredEvent]:
        return (event,)
