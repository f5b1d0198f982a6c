"""
What happens around calls in an application: clients, runs, hooks, devtools. They belong to no call.

Flow: hooks and other senders -> **this shape** -> collector. Names and requiredness are those of the catalogue.
"""

# An event type makes fields required that are optional in the base; type checkers have no word for that before Python 3.13.
# pyright: reportIncompatibleVariableOverride=false

from collections.abc import Mapping
from typing import Any, Literal, NotRequired

from sdk_hooks.events.base import Event, FixtureMessage, OutputKind


class DevtoolsOpenedEvent(Event):
    """Nothing but what every event has."""


class DevtoolsClosedEvent(Event):
    """Nothing but what every event has."""


class DevtoolsRequestStateEvent(Event):
    targetHookId: NotRequired[str]


class HookRegisteredEvent(Event):
    hookId: str
    hookName: str
    displayName: NotRequired[str]
    framework: NotRequired[str]
    outputKind: NotRequired[OutputKind]
    lifecycle: Literal["mounted", "active", "streaming", "errored", "stale"]


class HookUpdatedEvent(Event):
    hookId: str
    hookName: str
    displayName: NotRequired[str]
    framework: NotRequired[str]
    outputKind: NotRequired[OutputKind]
    lifecycle: Literal["mounted", "active", "streaming", "errored", "stale"]


class HookUnregisteredEvent(Event):
    hookId: str
    hookName: NotRequired[str]
    displayName: NotRequired[str]
    framework: NotRequired[str]
    outputKind: NotRequired[OutputKind]
    reason: NotRequired[Literal["disposed", "unmounted"]]


class HookStateSnapshotEvent(Event):
    hookId: str
    hookName: str
    displayName: NotRequired[str]
    framework: NotRequired[str]
    outputKind: NotRequired[OutputKind]
    state: dict[str, Any]


class RunLifecycleEvent(Event):
    hookId: NotRequired[str]
    threadId: NotRequired[str]
    runId: str
    status: Literal["created", "started", "updated", "completed", "errored", "cancelled"]
    error: NotRequired[str]


class DevtoolsToolFixtureApplyEvent(Event):
    fixtureId: NotRequired[str]
    hookId: NotRequired[str]
    threadId: NotRequired[str]
    runId: NotRequired[str]
    toolName: str
    input: Any
    output: Any
    execute: NotRequired[bool]
    message: NotRequired[FixtureMessage]
    toolCallId: NotRequired[str]
    messageId: NotRequired[str]
    errorText: NotRequired[str]


class DevtoolsToolFixtureAppliedEvent(Event):
    fixtureId: NotRequired[str]
    threadId: NotRequired[str]
    runId: NotRequired[str]
    toolName: str
    input: Any
    output: Any
    execute: NotRequired[bool]
    message: NotRequired[FixtureMessage]
    errorText: NotRequired[str]
    hookId: str
    messageId: str
    toolCallId: str


class ClientCreatedEvent(Event):
    clientId: str
    initialMessageCount: float


class ClientLoadingChangedEvent(Event):
    clientId: str
    isLoading: bool


class ClientErrorChangedEvent(Event):
    clientId: str
    error: str | None


class ClientMessagesClearedEvent(Event):
    clientId: str


class ClientReloadedEvent(Event):
    clientId: str
    fromMessageIndex: float


class ClientStoppedEvent(Event):
    clientId: str


CLIENT_EVENTS: Mapping[str, type] = {
    "devtools:opened": DevtoolsOpenedEvent,
    "devtools:closed": DevtoolsClosedEvent,
    "devtools:request-state": DevtoolsRequestStateEvent,
    "hook:registered": HookRegisteredEvent,
    "hook:updated": HookUpdatedEvent,
    "hook:unregistered": HookUnregisteredEvent,
    "hook:state-snapshot": HookStateSnapshotEvent,
    "run:created": RunLifecycleEvent,
    "run:started": RunLifecycleEvent,
    "run:updated": RunLifecycleEvent,
    "run:completed": RunLifecycleEvent,
    "run:errored": RunLifecycleEvent,
    "run:cancelled": RunLifecycleEvent,
    "devtools:tool-fixture:apply": DevtoolsToolFixtureApplyEvent,
    "devtools:tool-fixture:applied": DevtoolsToolFixtureAppliedEvent,
    "client:created": ClientCreatedEvent,
    "client:loading:changed": ClientLoadingChangedEvent,
    "client:error:changed": ClientErrorChangedEvent,
    "client:messages:cleared": ClientMessagesClearedEvent,
    "client:reloaded": ClientReloadedEvent,
    "client:stopped": ClientStoppedEvent,
}
