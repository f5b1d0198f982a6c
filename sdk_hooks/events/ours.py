"""
What the catalogue lacks: how calls fail and are left, agents, handoffs, guardrails, moderation, feedback.

Flow: hooks -> **this shape** -> collector.
"""

# An event type makes fields required that are optional in the base; type checkers have no word for that before Python 3.13.
# pyright: reportIncompatibleVariableOverride=false

from collections.abc import Mapping
from typing import Any, NotRequired

from sdk_hooks.events.base import ErrorInfo, Event, Terminal, ToolCall

ACTIVITIES = (
    "text",
    "embedding",
    "summarize",
    "rerank",
    "evaluate",
    "moderation",
    "image",
    "speech",
    "voice",
    "transcription",
    "audio",
    "video",
    "world",
    "liveVideo",
    "agent",
)
"""The first part of `<activity>:request:started|completed|error|aborted`."""


class RequestErrorEvent(Terminal):
    """A call that failed, or whose provider says that it failed."""

    requestId: str
    error: ErrorInfo
    duration: float
    content: NotRequired[str]
    toolCalls: NotRequired[list[ToolCall]]
    finishReason: NotRequired[str]


class RequestAbortedEvent(Terminal):
    """A stream that was left early, with what was seen of it."""

    requestId: str
    duration: float
    error: NotRequired[ErrorInfo]
    content: NotRequired[str]
    toolCalls: NotRequired[list[ToolCall]]
    finishReason: NotRequired[str]
    images: NotRequired[list[dict[str, Any]]]


class AgentRequestStartedEvent(Event):
    requestId: str
    agentName: str
    input: NotRequired[Any]


class AgentRequestCompletedEvent(Terminal):
    requestId: str
    agentName: str
    duration: float
    output: NotRequired[Any]


class AgentHandoffEvent(Event):
    """One agent passes the work to another."""

    requestId: str
    toAgent: str
    fromAgent: NotRequired[str]
    duration: NotRequired[float]


class GuardrailCompletedEvent(Event):
    requestId: str
    name: str
    triggered: bool
    duration: NotRequired[float]
    output: NotRequired[Any]


class ToolsCallStartedEvent(Event):
    toolCallId: str
    toolName: str
    input: NotRequired[Any]


class ModerationRequestStartedEvent(Event):
    requestId: str
    provider: str
    model: NotRequired[str]
    inputCount: NotRequired[int]
    input: NotRequired[Any]


class ModerationRequestCompletedEvent(Terminal):
    requestId: str
    provider: str
    model: NotRequired[str]
    duration: float
    flagged: NotRequired[bool]
    results: NotRequired[list[dict[str, Any]]]


class FeedbackEvent(Event):
    """What somebody thought of an answer."""

    requestId: str
    score: NotRequired[float]
    comment: NotRequired[str]
    name: NotRequired[str]


OUR_EVENTS: Mapping[str, type] = {
    **{f"{activity}:request:error": RequestErrorEvent for activity in ACTIVITIES},
    **{f"{activity}:request:aborted": RequestAbortedEvent for activity in ACTIVITIES},
    "agent:request:started": AgentRequestStartedEvent,
    "agent:request:completed": AgentRequestCompletedEvent,
    "agent:handoff": AgentHandoffEvent,
    "guardrail:completed": GuardrailCompletedEvent,
    "tools:call:started": ToolsCallStartedEvent,
    "moderation:request:started": ModerationRequestStartedEvent,
    "moderation:request:completed": ModerationRequestCompletedEvent,
    "feedback": FeedbackEvent,
}
