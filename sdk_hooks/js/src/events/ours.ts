// Generated from sdk_hooks/events/ by `make gen`; don't edit.

import type { ErrorInfo, Event, Terminal, ToolCall } from "./base.js";

/**
 * One agent passes the work to another.
 */
export interface AgentHandoffEvent extends Event {
  requestId: string;
  toAgent: string;
  fromAgent?: string;
  duration?: number;
}

export interface AgentRequestCompletedEvent extends Terminal {
  requestId: string;
  agentName: string;
  duration: number;
  output?: unknown;
}

export interface AgentRequestStartedEvent extends Event {
  requestId: string;
  agentName: string;
  input?: unknown;
}

/**
 * What somebody thought of an answer.
 */
export interface FeedbackEvent extends Event {
  requestId: string;
  score?: number;
  comment?: string;
  name?: string;
}

export interface GuardrailCompletedEvent extends Event {
  requestId: string;
  name: string;
  triggered: boolean;
  duration?: number;
  output?: unknown;
}

export interface ModerationRequestCompletedEvent extends Terminal {
  requestId: string;
  provider: string;
  duration: number;
  flagged?: boolean;
  results?: Record<string, unknown>[];
}

export interface ModerationRequestStartedEvent extends Event {
  requestId: string;
  provider: string;
  inputCount?: number;
  input?: unknown;
}

/**
 * A stream that was left early, with what was seen of it.
 */
export interface RequestAbortedEvent extends Terminal {
  requestId: string;
  duration: number;
  error?: ErrorInfo;
  content?: string;
  toolCalls?: ToolCall[];
  finishReason?: string;
  images?: Record<string, unknown>[];
}

/**
 * A call that failed, or whose provider says that it failed.
 */
export interface RequestErrorEvent extends Terminal {
  requestId: string;
  error: ErrorInfo;
  duration: number;
  content?: string;
  toolCalls?: ToolCall[];
  finishReason?: string;
}

export interface ToolsCallStartedEvent extends Event {
  toolCallId: string;
  toolName: string;
  input?: unknown;
}
