// Generated from sdk_hooks/events/ by `make gen`; don't edit.

import type { ErrorInfo, Event, ToolInfo } from "./base.js";

export interface ToolsApprovalRequestedEvent extends Event {
  streamId: string;
  toolCallId: string;
  toolName: string;
  input: unknown;
  approvalId: string;
}

export interface ToolsApprovalRespondedEvent extends Event {
  toolCallId: string;
  approvalId: string;
  approved: boolean;
}

export interface ToolsCallCompletedEvent extends Event {
  streamId: string;
  toolCallId: string;
  toolName: string;
  result: unknown;
  duration: number;
  error?: ErrorInfo;
}

export interface ToolsCallUpdatedEvent extends Event {
  streamId: string;
  messageId: string;
  toolCallId: string;
  toolName: string;
  state: string;
  arguments: string;
}

export interface ToolsInputAvailableEvent extends Event {
  streamId: string;
  toolCallId: string;
  toolName: string;
  input: unknown;
}

export interface ToolsRegisteredEvent extends Event {
  hookId: string;
  hookName?: string;
  displayName?: string;
  framework?: string;
  outputKind?: "chat" | "text" | "structured" | "image" | "video" | "audio";
  tools: ToolInfo[];
}

export interface ToolsResultAddedEvent extends Event {
  toolCallId: string;
  toolName: string;
  output: unknown;
  state: "output-available" | "output-error";
}
