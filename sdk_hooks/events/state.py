"""
What an agent keeps: compaction, memory, skills.

Flow: hooks and other senders -> **this shape** -> collector. Names and requiredness are those of the catalogue.
"""

# An event type makes fields required that are optional in the base; type checkers have no word for that before Python 3.13.
# pyright: reportIncompatibleVariableOverride=false

from collections.abc import Mapping
from typing import Any, Literal, NotRequired

from sdk_hooks.events.base import Event, NamedError, Skill


class CompactionStartedEvent(Event):
    before: NotRequired[float]
    messagesBefore: NotRequired[float]
    reusedCheckpoint: NotRequired[bool]
    maxTokens: NotRequired[float]
    strategyKey: NotRequired[str]


class CompactionStateEvent(Event):
    before: float
    after: float
    messagesBefore: float
    messagesAfter: float
    reusedCheckpoint: bool
    maxTokens: NotRequired[float]
    strategyKey: NotRequired[str]
    dropped: NotRequired[list[dict[str, Any]]]
    result: NotRequired[list[dict[str, Any]]]


class CompactionEndedEvent(Event):
    after: NotRequired[float]
    messagesAfter: NotRequired[float]
    reusedCheckpoint: NotRequired[bool]
    maxTokens: NotRequired[float]
    strategyKey: NotRequired[str]
    durationMs: NotRequired[float]


class CompactionAppliedEvent(Event):
    before: float
    after: float
    messagesBefore: float
    messagesAfter: float
    reusedCheckpoint: bool
    maxTokens: NotRequired[float]
    strategyKey: NotRequired[str]
    dropped: NotRequired[list[dict[str, Any]]]
    result: NotRequired[list[dict[str, Any]]]


class MemoryRetrieveStartedEvent(Event):
    scope: dict[str, Any]
    adapter: str
    query: str


class MemoryRetrieveCompletedEvent(Event):
    scope: dict[str, Any]
    adapter: str
    fragmentCount: float
    hasTools: bool
    systemPromptChars: float
    durationMs: float


class MemoryPersistStartedEvent(Event):
    scope: dict[str, Any]
    adapter: str


class MemoryPersistCompletedEvent(Event):
    scope: dict[str, Any]
    adapter: str
    receiptCount: float
    okCount: float
    durationMs: float


class MemoryErrorEvent(Event):
    scope: NotRequired[dict[str, Any]]
    adapter: str
    phase: Literal["recall", "save"]
    error: NamedError


class MemorySnapshotEvent(Event):
    scope: dict[str, Any]
    adapter: str
    takenAt: str
    data: Any
    facts: list[dict[str, Any]]


class SkillsSnapshotEvent(Event):
    catalog: list[Skill]
    activated: list[str]


STATE_EVENTS: Mapping[str, type] = {
    "compaction:started": CompactionStartedEvent,
    "compaction:state": CompactionStateEvent,
    "compaction:ended": CompactionEndedEvent,
    "compaction:applied": CompactionAppliedEvent,
    "memory:retrieve:started": MemoryRetrieveStartedEvent,
    "memory:retrieve:completed": MemoryRetrieveCompletedEvent,
    "memory:persist:started": MemoryPersistStartedEvent,
    "memory:persist:completed": MemoryPersistCompletedEvent,
    "memory:error": MemoryErrorEvent,
    "memory:snapshot": MemorySnapshotEvent,
    "skills:snapshot": SkillsSnapshotEvent,
}
