"""
Tools: offered, asked for, approved, run.

Flow: hooks and other senders -> **this shape** -> collector. Names and requiredness are those of the catalogue.
"""

# An event type makes fields required that are optional in the base; type checkers have no word for that before Python 3.13.
# pyright: reportIncompatibleVariableOverride=false

from collections.abc import Mapping
from typing import Any, Literal, NotRequired

from sdk_hooks.events.base import ErrorInfo, Event, OutputKind, ToolInfo


class ToolsApprovalRequestedEvent(Event):
    requestId: NotRequired[str]
    streamId: str
    messageId: NotRequired[str]
    toolCallId: str
    toolName: str
    input: Any
    approvalId: str


class ToolsApprovalRespondedEvent(Event):
    toolCallId: str
    approvalId: str
    approved: bool


class ToolsInputAvailableEvent(Event):
    requestId: NotRequired[str]
    streamId: str
    messageId: NotRequired[str]
    toolCallId: str
    toolName: str
    input: Any


class ToolsCallCompletedEvent(Event):
    requestId: NotRequired[str]
    streamId: str
    messageId: NotRequired[str]
    toolCallId: str
    toolName: str
    result: Any
    duration: float
    error: NotRequired[ErrorInfo]


class ToolsResultAddedEvent(Event):
    toolCallId: str
    toolName: str
    output: Any
    state: Literal["output-available", "output-error"]


class ToolsCallUpdatedEvent(Event):
    streamId: str
    messageId: str
    toolCallId: str
    toolName: str
    state: str
    arguments: str


class ToolsRegisteredEvent(Event):
    hookId: str
    hookName: NotRequired[str]
    displayName: NotRequired[str]
    framework: NotRequired[str]
    outputKind: NotRequired[OutputKind]
    tools: list[ToolInfo]


TOOLS_EVENTS: Mapping[str, type] = {
    "tools:approval:requested": ToolsApprovalRequestedEvent,
    "tools:approval:responded": ToolsApprovalRespondedEvent,
    "tools:input:available": ToolsInputAvailableEvent,
    "tools:call:completed": ToolsCallCompletedEvent,
    "tools:result:added": ToolsResultAddedEvent,
    "tools:call:updated": ToolsCallUpdatedEvent,
    "tools:registered": ToolsRegisteredEvent,
}
