"""
Text generation: the request, its messages, chunks, iterations and structured output.

Flow: hooks and other senders -> **this shape** -> collector. Names and requiredness are those of the catalogue.
"""

# An event type makes fields required that are optional in the base; type checkers have no word for that before Python 3.13.
# pyright: reportIncompatibleVariableOverride=false

from collections.abc import Mapping
from typing import Any, Literal, NotRequired

from sdk_hooks.events.base import Chunk, Event, Terminal, TokenUsage, ToolCall


class TextRequestStartedEvent(Event):
    requestId: str
    streamId: str
    provider: str
    model: str
    messageCount: float
    hasTools: bool
    streaming: bool
    messages: NotRequired[list[dict[str, Any]]]


class TextRequestCompletedEvent(Terminal):
    requestId: str
    streamId: str
    provider: str
    model: str
    content: str
    finishReason: NotRequired[str]
    usage: NotRequired[TokenUsage]
    duration: NotRequired[float]
    streaming: bool
    messageCount: float
    hasTools: bool
    toolCalls: NotRequired[list[ToolCall]]
    finishReasons: NotRequired[list[str]]


class TextMessageCreatedEvent(Event):
    requestId: NotRequired[str]
    streamId: NotRequired[str]
    messageId: str
    role: Literal["user", "assistant", "system", "tool"]
    content: str
    parts: NotRequired[list[dict[str, Any]]]
    toolCalls: NotRequired[list[ToolCall]]
    messageIndex: NotRequired[float]


class TextMessageUserEvent(Event):
    requestId: NotRequired[str]
    streamId: NotRequired[str]
    messageId: str
    content: str
    parts: NotRequired[list[dict[str, Any]]]
    toolCalls: NotRequired[list[ToolCall]]
    messageIndex: NotRequired[float]
    role: Literal["user"]


class TextChunkContentEvent(Event):
    requestId: NotRequired[str]
    streamId: str
    messageId: NotRequired[str]
    content: str
    delta: NotRequired[str]
    chunks: NotRequired[list[Chunk]]


class TextChunkToolCallEvent(Event):
    requestId: NotRequired[str]
    streamId: str
    messageId: NotRequired[str]
    toolCallId: str
    toolName: str
    index: float
    arguments: str
    chunks: NotRequired[list[Chunk]]


class TextChunkToolResultEvent(Event):
    requestId: NotRequired[str]
    streamId: str
    messageId: NotRequired[str]
    toolCallId: str
    result: str


class TextChunkThinkingEvent(Event):
    requestId: NotRequired[str]
    streamId: str
    messageId: NotRequired[str]
    content: str
    delta: NotRequired[str]
    chunks: NotRequired[list[Chunk]]


class TextChunkDoneEvent(Event):
    requestId: NotRequired[str]
    streamId: str
    messageId: NotRequired[str]
    finishReason: str | None
    usage: NotRequired[TokenUsage]


class TextChunkErrorEvent(Event):
    requestId: NotRequired[str]
    streamId: str
    messageId: NotRequired[str]
    error: str


class TextUsageEvent(Event):
    requestId: str
    streamId: str
    messageId: NotRequired[str]
    model: str
    usage: TokenUsage


class StructuredOutputStartedEvent(Event):
    requestId: NotRequired[str]
    streamId: str
    messageId: str
    status: Literal["streaming"]
    raw: NotRequired[str]


class StructuredOutputUpdatedEvent(Event):
    requestId: NotRequired[str]
    streamId: str
    messageId: str
    status: Literal["streaming"]
    raw: str
    partial: NotRequired[Any]
    delta: NotRequired[str]


class StructuredOutputCompletedEvent(Event):
    requestId: NotRequired[str]
    streamId: str
    messageId: str
    status: Literal["complete"]
    raw: str
    partial: NotRequired[Any]
    data: Any
    reasoning: NotRequired[str]


class StructuredOutputErroredEvent(Event):
    requestId: NotRequired[str]
    streamId: str
    messageId: str
    status: Literal["error"]
    raw: str
    partial: NotRequired[Any]
    errorMessage: str


class TextIterationStartedEvent(Event):
    requestId: str
    streamId: str
    iteration: float
    messageId: str
    provider: str
    model: str


class TextIterationCompletedEvent(Event):
    requestId: str
    streamId: str
    iteration: float
    messageId: NotRequired[str]
    duration: float
    finishReason: NotRequired[str]
    usage: NotRequired[TokenUsage]


TEXT_EVENTS: Mapping[str, type] = {
    "text:request:started": TextRequestStartedEvent,
    "text:request:completed": TextRequestCompletedEvent,
    "text:message:created": TextMessageCreatedEvent,
    "text:message:user": TextMessageUserEvent,
    "text:chunk:content": TextChunkContentEvent,
    "text:chunk:tool-call": TextChunkToolCallEvent,
    "text:chunk:tool-result": TextChunkToolResultEvent,
    "text:chunk:thinking": TextChunkThinkingEvent,
    "text:chunk:done": TextChunkDoneEvent,
    "text:chunk:error": TextChunkErrorEvent,
    "text:usage": TextUsageEvent,
    "structured-output:started": StructuredOutputStartedEvent,
    "structured-output:updated": StructuredOutputUpdatedEvent,
    "structured-output:completed": StructuredOutputCompletedEvent,
    "structured-output:errored": StructuredOutputErroredEvent,
    "text:iteration:started": TextIterationStartedEvent,
    "text:iteration:completed": TextIterationCompletedEvent,
}
