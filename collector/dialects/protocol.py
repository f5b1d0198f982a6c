"""
What a dialect is: somebody else's way of writing down events.

Flow: HTTP -> **dialects** (flatten, parts) -> validation -> storage -> **dialects** (canonical) -> assembly.
Pure: no I/O, no clock. An event is stored as its sender wrote it; only assembly sees canonical events.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from collector.events import StoredEvent

Edge = Literal["start", "end"]


def edge_of_request(event_type: str) -> Edge | None:
    """Of a canonical type: whether it begins or ends a call."""
    if event_type.endswith(":request:started"):
        return "start"
    return "end" if event_type.endswith((":request:completed", ":request:error", ":request:aborted")) else None


@dataclass(frozen=True, slots=True)
class StreamMark:
    """What an event says about the provider's stream that it lies in."""

    edge: Edge | None = None
    response_id: str | None = None


class Dialect(Protocol):
    """One sender's shape of events."""

    @property
    def name(self) -> str:
        """The value of the column `dialect`."""
        ...

    @property
    def plugin_ids(self) -> tuple[str, ...]:
        """The envelopes that are its own."""
        ...

    @property
    def makes_calls(self) -> bool:
        """Whether `canonical` gives assembly something; without that its events are rows and no calls."""
        ...

    @property
    def is_canonical(self) -> bool:
        """Whether its events are what assembly reads as they are: then nobody calls `canonical`."""
        ...

    @property
    def has_catalogue(self) -> bool:
        """Whether the event catalogue describes its types."""
        ...

    def flatten(self, envelope: Mapping[str, Any]) -> dict[str, Any]:
        """The event as it is stored: one flat object with `type`. Loses nothing."""
        ...

    def sequence(self, event: Mapping[str, Any]) -> int | None:
        """The sender's count, where it stands elsewhere than in `sequence`."""
        ...

    def stream_mark(self, event: Mapping[str, Any]) -> StreamMark | None:
        """For events that come inside a provider's stream; None for others."""
        ...

    def activity(self, event_type: str) -> str:
        """The activity of the call that an event of this type belongs to, as far as the type tells: `text`, `image`, …"""
        ...

    def edge(self, event_type: str) -> Edge | None:
        """Whether an event of this type begins its call or may end it: then the call is worth a look soon."""
        ...

    def ends_part(self, event_type: str) -> bool:
        """Whether an event of this type may end the parts that it names (`parts`)."""
        ...

    def parts(self, event: Mapping[str, Any]) -> Sequence[str]:
        """
        Ids of what the event names and what is a call of its own inside the event's call: images of a Responses stream.

        The call of a part has the requestId `<requestId>/<id>` and no events of its own: it is read from those of its stream.
        """
        ...

    def canonical(self, events: Sequence[StoredEvent], request_id: str) -> Sequence[StoredEvent]:
        """
        All events of this dialect that a call has, in order, as assembly's rules read them.

        `request_id` may name a part of the call that the events belong to: then they tell the story of that part.
        """
        ...
