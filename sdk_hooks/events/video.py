"""
Moving pictures: videos, worlds, live video.

Flow: hooks and other senders -> **this shape** -> collector. Names and requiredness are those of the catalogue.
"""

# An event type makes fields required that are optional in the base; type checkers have no word for that before Python 3.13.
# pyright: reportIncompatibleVariableOverride=false

from collections.abc import Mapping
from typing import Any, Literal, NotRequired

from sdk_hooks.events.base import ErrorInfo, Event, Terminal, TokenUsage


class VideoRequestStartedEvent(Event):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    requestType: Literal["create", "status", "url"]
    jobId: NotRequired[str]
    prompt: NotRequired[str]
    size: NotRequired[str]
    duration: NotRequired[float]


class VideoRequestCompletedEvent(Terminal):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    requestType: Literal["create", "status", "url"]
    jobId: NotRequired[str]
    status: NotRequired[Literal["pending", "processing", "completed", "failed"]]
    progress: NotRequired[float]
    url: NotRequired[str]
    error: NotRequired[str]
    duration: float


class VideoUsageEvent(Event):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    model: str
    usage: TokenUsage


class WorldRequestStartedEvent(Event):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    prompt: str
    modelOptions: NotRequired[dict[str, Any]]


class WorldRequestCompletedEvent(Terminal):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    prompt: str
    status: Literal["ready", "waiting"]
    duration: float
    modelOptions: NotRequired[dict[str, Any]]


class WorldRequestErrorEvent(Terminal):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    error: ErrorInfo
    duration: float
    modelOptions: NotRequired[dict[str, Any]]


class WorldUsageEvent(Event):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    model: str
    usage: TokenUsage
    modelOptions: NotRequired[dict[str, Any]]


class LiveVideoRequestStartedEvent(Event):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    prompt: str
    modelOptions: NotRequired[dict[str, Any]]


class LiveVideoRequestCompletedEvent(Terminal):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    prompt: str
    status: Literal["ready", "waiting"]
    duration: float
    modelOptions: NotRequired[dict[str, Any]]


class LiveVideoRequestErrorEvent(Terminal):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    error: ErrorInfo
    duration: float
    modelOptions: NotRequired[dict[str, Any]]


class LiveVideoUsageEvent(Event):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    model: str
    usage: TokenUsage
    modelOptions: NotRequired[dict[str, Any]]


VIDEO_EVENTS: Mapping[str, type] = {
    "video:request:started": VideoRequestStartedEvent,
    "video:request:completed": VideoRequestCompletedEvent,
    "video:usage": VideoUsageEvent,
    "world:request:started": WorldRequestStartedEvent,
    "world:request:completed": WorldRequestCompletedEvent,
    "world:request:error": WorldRequestErrorEvent,
    "world:usage": WorldUsageEvent,
    "liveVideo:request:started": LiveVideoRequestStartedEvent,
    "liveVideo:request:completed": LiveVideoRequestCompletedEvent,
    "liveVideo:request:error": LiveVideoRequestErrorEvent,
    "liveVideo:usage": LiveVideoUsageEvent,
}
