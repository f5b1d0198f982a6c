// Generated from sdk_hooks/events/ by `make gen`; don't edit.

import type { Chunk, Event, Terminal, TokenUsage, ToolCall } from "./base.js";

export interface StructuredOutputCompletedEvent extends Event {
  streamId: string;
  messageId: string;
  status: "complete";
  raw: string;
  partial?: unknown;
  data: unknown;
  reasoning?: string;
}

export interface StructuredOutputErroredEvent extends Event {
  streamId: string;
  messageId: string;
  status: "error";
  raw: string;
  partial?: unknown;
  errorMessage: string;
}

export interface StructuredOutputStartedEvent extends Event {
  streamId: string;
  messageId: string;
  status: "streaming";
  raw?: string;
}

export interface StructuredOutputUpdatedEvent extends Event {
  streamId: string;
  messageId: string;
  status: "streaming";
  raw: string;
  partial?: unknown;
  delta?: string;
}

export interface TextChunkContentEvent extends Event {
  streamId: string;
  content: string;
  delta?: string;
  chunks?: Chunk[];
}

export interface TextChunkDoneEvent extends Event {
  streamId: string;
  finishReason: string | null;
  usage?: TokenUsage;
}

export interface TextChunkErrorEvent extends Event {
  streamId: string;
  error: string;
}

export interface TextChunkThinkingEvent extends Event {
  streamId: string;
  content: string;
  delta?: string;
  chunks?: Chunk[];
}

export interface TextChunkToolCallEvent extends Event {
  streamId: string;
  toolCallId: string;
  toolName: string;
  index: number;
  arguments: string;
  chunks?: Chunk[];
}

export interface TextChunkToolResultEvent extends Event {
  streamId: string;
  toolCallId: string;
  result: string;
}

export interface TextIterationCompletedEvent extends Event {
  requestId: string;
  streamId: string;
  iteration: number;
  duration: number;
  finishReason?: string;
  usage?: TokenUsage;
}

export interface TextIterationStartedEvent extends Event {
  requestId: string;
  streamId: string;
  messageId: string;
  provider: string;
  model: string;
  iteration: number;
}

export interface TextMessageCreatedEvent extends Event {
  messageId: string;
  role: "user" | "assistant" | "system" | "tool";
  content: string;
  parts?: Record<string, unknown>[];
  toolCalls?: ToolCall[];
  messageIndex?: number;
}

export interface TextMessageUserEvent extends Event {
  messageId: string;
  content: string;
  parts?: Record<string, unknown>[];
  toolCalls?: ToolCall[];
  messageIndex?: number;
  role: "user";
}

export interface TextRequestCompletedEvent extends Terminal {
  requestId: string;
  streamId: string;
  provider: string;
  model: string;
  messageCount: number;
  hasTools: boolean;
  streaming: boolean;
  content: string;
  finishReason?: string;
  duration?: number;
  toolCalls?: ToolCall[];
  finishReasons?: string[];
}

export interface TextRequestStartedEvent extends Event {
  requestId: string;
  streamId: string;
  provider: string;
  model: string;
  messageCount: number;
  hasTools: boolean;
  streaming: boolean;
  messages?: Record<string, unknown>[];
}

export interface TextUsageEvent extends Event {
  requestId: string;
  streamId: string;
  model: string;
  usage: TokenUsage;
}
