"""
Envelopes of other SDKs: kept as rows, with their types as sent.

Flow: HTTP -> **foreign** -> validation -> storage. Assembly reads nothing from them yet: see `ForeignDialect.canonical`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from collector.dialects.envelope import flat
from collector.dialects.protocol import StreamMark
from collector.events import StoredEvent

_RESPONSE_ENDS: Final = frozenset({"response.completed", "response.failed", "response.incomplete", "error"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignDialect:
    """A sender whose events come in the bus envelope; a row of this says where its counts and stream edges stand."""

    name: str
    plugin_ids: tuple[str, ...] = ()
    sequence_name: str | None = None
    stream_starts: frozenset[str] = frozenset()
    stream_ends: frozenset[str] = frozenset()
    keeps_plugin_id: bool = False

    makes_calls = False
    is_canonical = False
    has_catalogue = False

    def flatten(self, envelope: Mapping[str, Any]) -> dict[str, Any]:
        event = flat(envelope, envelope.get("type"))
        if self.keeps_plugin_id:
            event.setdefault("pluginId", envelope.get("pluginId"))
        return event

    def sequence(self, event: Mapping[str, Any]) -> int | None:
        value = event.get(self.sequence_name) if self.sequence_name else None
        return value if type(value) is int and 0 <= value < 2**63 else None

    def stream_mark(self, event: Mapping[str, Any]) -> StreamMark | None:
        if not self.stream_starts:
            return None
        response: Any = event.get("response")
        response_id: Any = response.get("id") if type(response) is dict else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        type_name = event.get("type")
        edge = "start" if type_name in self.stream_starts else "end" if type_name in self.stream_ends else None
        return StreamMark(edge, response_id if isinstance(response_id, str) and response_id else None)

    def activity(self, event_type: str) -> str:
        return "text"

    def parts(self, event: Mapping[str, Any]) -> Sequence[str]:
        return ()

    def canonical(self, events: Sequence[StoredEvent], request_id: str) -> Sequence[StoredEvent]:
        return ()


OPENAI: Final = ForeignDialect(
    name="openai",
    plugin_ids=("openai",),
    sequence_name="sequence_number",
    stream_starts=frozenset({"response.created"}),
    stream_ends=_RESPONSE_ENDS,
)
OPENROUTER: Final = ForeignDialect(
    name="openrouter",
    plugin_ids=("openrouter",),
    sequence_name="sequenceNumber",
    stream_starts=frozenset({"response.created"}),
    stream_ends=_RESPONSE_ENDS,
)
OPENAI_AGENTS: Final = ForeignDialect(
    name="openai-agents",
    plugin_ids=("openai-agents",),
    stream_starts=frozenset({"response_started"}),
    stream_ends=frozenset({"response_done"}),
)
AISBREAKER: Final = ForeignDialect(name="aisbreaker", plugin_ids=("aisbreaker",))
UNKNOWN: Final = ForeignDialect(name="unknown", keeps_plugin_id=True)
