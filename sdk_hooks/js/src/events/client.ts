// Generated from sdk_hooks/events/ by `make gen`; don't edit.

import type { Event, FixtureMessage } from "./base.js";

export interface ClientCreatedEvent extends Event {
  clientId: string;
  initialMessageCount: number;
}

export interface ClientErrorChangedEvent extends Event {
  clientId: string;
  error: string | null;
}

export interface ClientLoadingChangedEvent extends Event {
  clientId: string;
  isLoading: boolean;
}

export interface ClientMessagesClearedEvent extends Event {
  clientId: string;
}

export interface ClientReloadedEvent extends Event {
  clientId: string;
  fromMessageIndex: number;
}

export interface ClientStoppedEvent extends Event {
  clientId: string;
}

/**
 * Nothing but what every event has.
 */
export interface DevtoolsClosedEvent extends Event {
}

/**
 * Nothing but what every event has.
 */
export interface DevtoolsOpenedEvent extends Event {
}

export interface DevtoolsRequestStateEvent extends Event {
  targetHookId?: string;
}

export interface DevtoolsToolFixtureAppliedEvent extends Event {
  hookId: string;
  messageId: string;
  toolCallId: string;
  fixtureId?: string;
  toolName: string;
  input: unknown;
  output: unknown;
  execute?: boolean;
  message?: FixtureMessage;
  errorText?: string;
}

export interface DevtoolsToolFixtureApplyEvent extends Event {
  fixtureId?: string;
  toolName: string;
  input: unknown;
  output: unknown;
  execute?: boolean;
  message?: FixtureMessage;
  errorText?: string;
}

export interface HookRegisteredEvent extends Event {
  hookId: string;
  hookName: string;
  displayName?: string;
  framework?: string;
  outputKind?: "chat" | "text" | "structured" | "image" | "video" | "audio";
  lifecycle: "mounted" | "active" | "streaming" | "errored" | "stale";
}

export interface HookStateSnapshotEvent extends Event {
  hookId: string;
  hookName: string;
  displayName?: string;
  framework?: string;
  outputKind?: "chat" | "text" | "structured" | "image" | "video" | "audio";
  state: Record<string, unknown>;
}

export interface HookUnregisteredEvent extends Event {
  hookId: string;
  hookName?: string;
  displayName?: string;
  framework?: string;
  outputKind?: "chat" | "text" | "structured" | "image" | "video" | "audio";
  reason?: "disposed" | "unmounted";
}

export interface HookUpdatedEvent extends Event {
  hookId: string;
  hookName: string;
  displayName?: string;
  framework?: string;
  outputKind?: "chat" | "text" | "structured" | "image" | "video" | "audio";
  lifecycle: "mounted" | "active" | "streaming" | "errored" | "stale";
}

export interface RunLifecycleEvent extends Event {
  runId: string;
  status: "created" | "started" | "updated" | "completed" | "errored" | "cancelled";
  error?: string;
}
