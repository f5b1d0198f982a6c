"""
What the way in hands to storage, and what storage hands back to assembly.

Flow: HTTP -> dialects -> validation -> **these values** -> storage -> assembly.
Plain data: no I/O, no clock, no SQL.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final, NamedTuple

from collector.values import value


class EventRow(NamedTuple):
    """
    One event as the table `events` keeps it, its fields in column order; `arrival` is given by the database.

    A tuple because it goes to the driver as it is: a frozen dataclass of this width costs 4 µs more an event.
    Times are Unix milliseconds. JSON columns hold compact JSON text.
    """

    project: str
    event_id: str
    type: str
    timestamp: int
    fraction: float | None
    """What the sender's timestamp had behind its whole milliseconds, 0 < fraction < 1; None for none."""
    received_at: int
    request_id: str | None
    parent_request_id: str | None
    stream_id: str | None
    message_id: str | None
    client_id: str | None
    thread_id: str | None
    run_id: str | None
    tool_call_id: str | None
    session_id: str | None
    user_id: str | None
    source: str | None
    provider: str | None
    model: str | None
    tool_names: str | None
    message_count: int | None
    has_tools: bool | None
    streaming: bool | None
    duration_ms: float | None
    sequence: int | None
    trace_id: str | None
    parent_span_id: str | None
    service: str
    clock: str
    """sender, unit_fixed, receiver or suspect (CONTRACT: Event)."""
    schema_issues: str | None
    reduced: str | None
    payload: str
    dialect: str
    """Whose shape the payload has: `hookline` (canonical) or a row of `dialects.DIALECTS`."""
    resource_id: str


LEFT_IN_COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    "columns": {
        "type": "type",
        "timestamp": "timestamp",
        "requestId": "request_id",
        "parentRequestId": "parent_request_id",
        "streamId": "stream_id",
        "messageId": "message_id",
        "clientId": "client_id",
        "threadId": "thread_id",
        "runId": "run_id",
        "toolCallId": "tool_call_id",
        "sessionId": "session_id",
        "userId": "user_id",
        "source": "source",
        "provider": "provider",
        "model": "model",
        "messageCount": "message_count",
        "hasTools": "has_tools",
        "streaming": "streaming",
    },
    "id": {"eventId": "event_id", "sequence": "sequence"},
}
"""
What a row's payload may lack because its columns have it: a name in `reduced` -> the event's fields -> their columns.

A row with such a name lacks all of these fields, and its event had just those whose column is not NULL, with that value.
"""


REFS: Final = "refs"
"""In `reduced`: messages of the row are `{"role", "ref": "sha256:…"}`, and their contents are among the blobs."""


@value
class Blob:
    """Media that was lifted out of an event, or a message that comes again and again, named by its content."""

    sha256: str
    media_type: str
    content: bytes
    is_message: bool = False


@value
class EventRefs:
    """The messages to which an event of a batch refers: it is the one at `place`, and was the one at `index` of its POST."""

    place: int
    index: int
    sha256s: tuple[str, ...]
    needed: frozenset[str]
    """Those of them that did not come with the event: they must be here already."""


@value
class HookState:
    """The newest message list of a client hook (`hook:state-snapshot`); newest by (timestamp, sequence)."""

    hook_id: str
    timestamp: int
    sequence: int
    state: str
    """JSON text."""


@value
class Resource:
    """Who sends: OpenTelemetry resource attributes, named by the hash of their canonical JSON."""

    resource_id: str
    service: str
    attributes: Mapping[str, Any]

    @property
    def is_own_hook(self) -> bool:
        """Whether one of our hooks sent it: their emitters send in order, so their calls need no settling time."""
        return str(self.attributes.get("telemetry.sdk.name", "")).startswith("hookline-")


@value
class CallTouch:
    """
    What a batch says about one call: enough for its first row and for when to look at it.

    `first` is the call's started event where the batch has it, else the first of the batch. The call of a part, such as an
    image inside a stream, has no rows: its `first` is a row of the stream, with the stream's requestId and that as its parent.
    """

    request_id: str
    first: EventRow
    operation: str
    has_start: bool
    has_terminal: bool


@value
class RunEnd:
    """A `run:errored` or `run:cancelled`: it concerns every call of that run."""

    run_id: str


@value
class Batch:
    """What one POST wants stored, in one transaction. `events` keep the order in which they came."""

    project: str
    received_ms: int
    resource: Resource
    events: tuple[EventRow, ...]
    touches: tuple[CallTouch, ...] = ()
    run_ends: tuple[RunEnd, ...] = ()
    blobs: tuple[Blob, ...] = ()
    hook_states: tuple[HookState, ...] = ()
    refs: tuple[EventRefs, ...] = ()

    @property
    def needed(self) -> set[str]:
        """The messages that must be in the database already, or nothing of the batch may be stored."""
        needed = {sha256 for refs in self.refs for sha256 in refs.needed}
        return needed.difference(blob.sha256 for blob in self.blobs) if needed else needed


@value
class Receipt:
    """What became of a batch, told after commit and sync. accepted + duplicates = len(batch.events)."""

    accepted: int
    duplicates: int


@value
class Rejection:
    """An event that was not stored. `index` is its place in the POST, `code` one of `validation.CODES`."""

    index: int
    code: str
    detail: str


@value
class StoredEvent:
    """An event as assembly reads it. `timestamp_ms` has its fraction; `payload` is the decoded JSON."""

    type: str
    event_id: str
    timestamp_ms: float
    received_ms: int
    arrival: int
    sequence: int
    dialect: str
    payload: Mapping[str, Any] = field(repr=False)
    request_id: str | None = None
    """The call that its row names."""
