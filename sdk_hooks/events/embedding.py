"""
Model calls whose answer is no text for a reader: embeddings, summaries, rankings, evaluations.

Flow: hooks and other senders -> **this shape** -> collector. Names and requiredness are those of the catalogue.
"""

# An event type makes fields required that are optional in the base; type checkers have no word for that before Python 3.13.
# pyright: reportIncompatibleVariableOverride=false

from collections.abc import Mapping
from typing import Any, NotRequired

from sdk_hooks.events.base import ErrorInfo, Event, Terminal, TokenUsage


class SummarizeRequestStartedEvent(Event):
    requestId: str
    provider: str
    model: str
    inputLength: float


class SummarizeRequestCompletedEvent(Terminal):
    requestId: str
    provider: str
    model: str
    inputLength: float
    outputLength: float
    duration: float


class SummarizeUsageEvent(Event):
    requestId: str
    model: str
    usage: TokenUsage


class RerankRequestStartedEvent(Event):
    requestId: str
    provider: str
    model: str
    documentCount: float


class RerankRequestCompletedEvent(Terminal):
    requestId: str
    provider: str
    model: str
    documentCount: float
    resultCount: float
    duration: float


class RerankUsageEvent(Event):
    requestId: str
    model: str
    usage: TokenUsage


class EvaluateRequestStartedEvent(Event):
    requestId: str
    provider: str
    model: str
    questionCount: float


class EvaluateRequestCompletedEvent(Terminal):
    requestId: str
    provider: str
    model: str
    questionCount: float
    duration: float


class EvaluateUsageEvent(Event):
    requestId: str
    model: str
    usage: TokenUsage


class EmbeddingRequestStartedEvent(Event):
    requestId: str
    provider: str
    model: str
    inputCount: float
    textInputCount: float
    imageInputCount: float
    dimensions: NotRequired[float]
    modelOptions: NotRequired[dict[str, Any]]


class EmbeddingRequestCompletedEvent(Terminal):
    requestId: str
    provider: str
    model: str
    embeddingCount: float
    dimensions: NotRequired[float]
    duration: float
    modelOptions: NotRequired[dict[str, Any]]


class EmbeddingRequestErrorEvent(Terminal):
    requestId: str
    provider: str
    model: str
    error: ErrorInfo
    duration: float
    modelOptions: NotRequired[dict[str, Any]]


class EmbeddingUsageEvent(Event):
    requestId: str
    model: str
    usage: TokenUsage


EMBEDDING_EVENTS: Mapping[str, type] = {
    "summarize:request:started": SummarizeRequestStartedEvent,
    "summarize:request:completed": SummarizeRequestCompletedEvent,
    "summarize:usage": SummarizeUsageEvent,
    "rerank:request:started": RerankRequestStartedEvent,
    "rerank:request:completed": RerankRequestCompletedEvent,
    "rerank:usage": RerankUsageEvent,
    "evaluate:request:started": EvaluateRequestStartedEvent,
    "evaluate:request:completed": EvaluateRequestCompletedEvent,
    "evaluate:usage": EvaluateUsageEvent,
    "embedding:request:started": EmbeddingRequestStartedEvent,
    "embedding:request:completed": EmbeddingRequestCompletedEvent,
    "embedding:request:error": EmbeddingRequestErrorEvent,
    "embedding:usage": EmbeddingUsageEvent,
}
