"""
What middlewares did to a chat.

Flow: hooks and other senders -> **this shape** -> collector. Names and requiredness are those of the catalogue.
"""

# An event type makes fields required that are optional in the base; type checkers have no word for that before Python 3.13.
# pyright: reportIncompatibleVariableOverride=false

from collections.abc import Mapping
from typing import Any

from sdk_hooks.events.base import Event


class MiddlewareHookExecutedEvent(Event):
    requestId: str
    streamId: str
    middlewareName: str
    hookName: str
    iteration: float
    duration: float
    hasTransform: bool


class MiddlewareConfigTransformedEvent(Event):
    requestId: str
    streamId: str
    middlewareName: str
    iteration: float
    changes: dict[str, Any]


class MiddlewareChunkTransformedEvent(Event):
    requestId: str
    streamId: str
    middlewareName: str
    originalChunkType: str
    resultCount: float
    wasDropped: bool


MIDDLEWARE_EVENTS: Mapping[str, type] = {
    "middleware:hook:executed": MiddlewareHookExecutedEvent,
    "middleware:config:transformed": MiddlewareConfigTransformedEvent,
    "middleware:chunk:transformed": MiddlewareChunkTransformedEvent,
}
