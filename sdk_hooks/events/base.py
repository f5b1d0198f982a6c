"""
What every event may have, and the small shapes that events share.

Flow: hooks and other senders -> **this shape** -> collector.
These TypedDicts are the one source of names, types and units: the collector checks against them, the JSON Schema is
generated from them. They describe; an event that differs is kept and the difference noted.
Times are Unix milliseconds, durations milliseconds, both with an optional fraction.
"""

from typing import Any, Literal, NotRequired, Required, TypedDict

OutputKind = Literal["chat", "text", "structured", "image", "video", "audio"]


class BaseEventContext(TypedDict, total=False):
    """The catalogue's 25 base fields."""

    timestamp: Required[float]
    eventId: str
    requestId: str
    streamId: str
    hookId: str
    threadId: str
    runId: str
    messageId: str
    toolCallId: str
    clientId: str
    runtimeId: str
    source: str
    visibility: str
    sequence: float
    correlationId: str
    relatedEventId: str
    provider: str
    model: str
    systemPrompts: list[str]
    options: dict[str, Any]
    modelOptions: dict[str, Any]
    toolNames: list[str]
    messageCount: float
    hasTools: bool
    streaming: bool


class HooklineContext(TypedDict, total=False):
    """What we add to any event."""

    project: str
    sessionId: str
    userId: str
    tags: dict[str, Any]
    sampleRate: float
    """How many of such events are sent, 0 to 1: each stands for 1 / sampleRate."""
    parentRequestId: str
    """The call in which this call was made."""
    parentToolCallId: str
    """The tool of that call in which it was made."""
    rootRequestId: str
    """The outermost call."""
    traceparent: str
    """W3C: the span that was active in the host."""
    agentName: str
    choice: int
    """Which of several answers; 0 where there is one."""
    truncated: dict[str, int]
    """Path -> bytes that were cut out."""
    contentBytes: dict[str, int]
    """Field -> size of the content that the sender keeps to itself."""


class Event(BaseEventContext, HooklineContext, total=False):
    """Any event."""

    type: Required[str]


class TokenUsage(TypedDict):
    """Tokens as the provider counted them. The prompt's total includes cached and cache-written tokens."""

    promptTokens: NotRequired[float]
    completionTokens: NotRequired[float]
    totalTokens: NotRequired[float]
    promptTokensDetails: NotRequired[dict[str, Any]]
    """cachedTokens, cacheWriteTokens, …"""
    completionTokensDetails: NotRequired[dict[str, Any]]
    """reasoningTokens, …"""
    cost: NotRequired[float]
    """US dollars."""
    providerUsageDetails: NotRequired[dict[str, Any]]


class ErrorInfo(TypedDict):
    """What went wrong. `name` is the exception's type or the provider's code."""

    message: str
    name: NotRequired[str]


class NamedError(TypedDict):
    name: str
    message: str


class ToolFunction(TypedDict):
    name: str
    arguments: str


class ToolCall(TypedDict):
    """A tool that the model asked for. `arguments` is JSON text, as the model wrote it."""

    id: str
    type: NotRequired[str]
    function: NotRequired[ToolFunction]


class ToolInfo(TypedDict):
    """A tool that is offered."""

    name: str
    description: NotRequired[str]
    inputSchema: NotRequired[Any]
    outputSchema: NotRequired[Any]
    needsApproval: NotRequired[bool]
    metadata: NotRequired[Any]


class FixtureMessage(TypedDict):
    id: str
    role: Literal["system", "user", "assistant"]
    parts: list[Any]
    createdAt: NotRequired[float | str]


class Image(TypedDict):
    url: NotRequired[str]
    b64Json: NotRequired[str]


class Audio(TypedDict):
    url: NotRequired[str]
    b64Json: NotRequired[str]
    contentType: NotRequired[str]
    duration: NotRequired[float]


class Skill(TypedDict):
    name: str
    description: str


class Chunk(TypedDict):
    """One piece of a packed chunk event."""

    offsetMs: float
    """From the event's timestamp, which is its first piece's."""
    delta: str
    length: NotRequired[int]
    """Of the delta, where the sender keeps its content to itself."""


class Terminal(Event, total=False):
    """The end of a call."""

    usage: TokenUsage
    timeToFirstChunk: float
    responseModel: str
    responseId: str
