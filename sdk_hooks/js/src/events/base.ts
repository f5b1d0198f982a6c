// Generated from sdk_hooks/events/ by `make gen`; don't edit.

export interface Audio {
  url?: string;
  b64Json?: string;
  contentType?: string;
  duration?: number;
}

/**
 * One piece of a packed chunk event.
 */
export interface Chunk {
  offsetMs: number;
  delta: string;
  length?: number;
}

/**
 * What went wrong. `name` is the exception's type or the provider's code.
 */
export interface ErrorInfo {
  message: string;
  name?: string;
}

/**
 * Any event.
 */
export interface Event {
  timestamp: number;
  eventId?: string;
  requestId?: string;
  streamId?: string;
  hookId?: string;
  threadId?: string;
  runId?: string;
  messageId?: string;
  toolCallId?: string;
  clientId?: string;
  runtimeId?: string;
  source?: string;
  visibility?: string;
  sequence?: number;
  correlationId?: string;
  relatedEventId?: string;
  provider?: string;
  model?: string;
  systemPrompts?: string[];
  options?: Record<string, unknown>;
  modelOptions?: Record<string, unknown>;
  toolNames?: string[];
  messageCount?: number;
  hasTools?: boolean;
  streaming?: boolean;
  project?: string;
  sessionId?: string;
  userId?: string;
  tags?: Record<string, unknown>;
  sampleRate?: number;
  parentRequestId?: string;
  parentToolCallId?: string;
  rootRequestId?: string;
  traceparent?: string;
  agentName?: string;
  choice?: number;
  truncated?: Record<string, unknown>;
  contentBytes?: Record<string, unknown>;
  type: string;
}

export interface FixtureMessage {
  id: string;
  role: "system" | "user" | "assistant";
  parts: unknown[];
  createdAt?: number | string;
}

export interface Image {
  url?: string;
  b64Json?: string;
}

export interface NamedError {
  name: string;
  message: string;
}

export interface Skill {
  name: string;
  description: string;
}

/**
 * The end of a call.
 */
export interface Terminal extends Event {
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
}

/**
 * Tokens as the provider counted them. The prompt's total includes cached and cache-written tokens.
 */
export interface TokenUsage {
  promptTokens?: number;
  completionTokens?: number;
  totalTokens?: number;
  promptTokensDetails?: Record<string, unknown>;
  completionTokensDetails?: Record<string, unknown>;
  cost?: number;
  providerUsageDetails?: Record<string, unknown>;
}

/**
 * A tool that the model asked for. `arguments` is JSON text, as the model wrote it.
 */
export interface ToolCall {
  id: string;
  type?: string;
  function?: ToolFunction;
}

export interface ToolFunction {
  name: string;
  arguments: string;
}

/**
 * A tool that is offered.
 */
export interface ToolInfo {
  name: string;
  description?: string;
  inputSchema?: unknown;
  outputSchema?: unknown;
  needsApproval?: boolean;
  metadata?: unknown;
}
