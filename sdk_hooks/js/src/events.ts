// Generated from sdk_hooks/events/ by `make gen`; don't edit.
// Types only: an event that differs from them is stored all the same. Any field may be absent that is marked so.

/**
 * One agent passes the work to another.
 */
export interface AgentHandoffEvent {
  timestamp: number;
  requestId: string;
  type: string;
  toAgent: string;
  fromAgent?: string;
  duration?: number;
}

export interface AgentRequestCompletedEvent {
  timestamp: number;
  requestId: string;
  agentName: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  duration: number;
  output?: unknown;
}

export interface AgentRequestStartedEvent {
  timestamp: number;
  requestId: string;
  agentName: string;
  type: string;
  input?: unknown;
}

export interface Audio {
  url?: string;
  b64Json?: string;
  contentType?: string;
  duration?: number;
}

export interface AudioRequestCompletedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  audio: Audio;
  duration: number;
}

export interface AudioRequestErrorEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  error: ErrorInfo;
  duration: number;
}

export interface AudioRequestStartedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  prompt: string;
  duration?: number;
}

export interface AudioUsageEvent {
  timestamp: number;
  requestId: string;
  model: string;
  type: string;
  usage: TokenUsage;
}

/**
 * One piece of a packed chunk event.
 */
export interface Chunk {
  offsetMs: number;
  delta: string;
  length?: number;
}

export interface ClientCreatedEvent {
  timestamp: number;
  clientId: string;
  type: string;
  initialMessageCount: number;
}

export interface ClientErrorChangedEvent {
  timestamp: number;
  clientId: string;
  type: string;
  error: string | null;
}

export interface ClientLoadingChangedEvent {
  timestamp: number;
  clientId: string;
  type: string;
  isLoading: boolean;
}

export interface ClientMessagesClearedEvent {
  timestamp: number;
  clientId: string;
  type: string;
}

export interface ClientReloadedEvent {
  timestamp: number;
  clientId: string;
  type: string;
  fromMessageIndex: number;
}

export interface ClientStoppedEvent {
  timestamp: number;
  clientId: string;
  type: string;
}

export interface CompactionAppliedEvent {
  timestamp: number;
  type: string;
  before: number;
  after: number;
  messagesBefore: number;
  messagesAfter: number;
  reusedCheckpoint: boolean;
  maxTokens?: number;
  strategyKey?: string;
  dropped?: Record<string, unknown>[];
  result?: Record<string, unknown>[];
}

export interface CompactionEndedEvent {
  timestamp: number;
  type: string;
  after?: number;
  messagesAfter?: number;
  reusedCheckpoint?: boolean;
  maxTokens?: number;
  strategyKey?: string;
  durationMs?: number;
}

export interface CompactionStartedEvent {
  timestamp: number;
  type: string;
  before?: number;
  messagesBefore?: number;
  reusedCheckpoint?: boolean;
  maxTokens?: number;
  strategyKey?: string;
}

export interface CompactionStateEvent {
  timestamp: number;
  type: string;
  before: number;
  after: number;
  messagesBefore: number;
  messagesAfter: number;
  reusedCheckpoint: boolean;
  maxTokens?: number;
  strategyKey?: string;
  dropped?: Record<string, unknown>[];
  result?: Record<string, unknown>[];
}

/**
 * Nothing but what every event has.
 */
export interface DevtoolsClosedEvent {
  timestamp: number;
  type: string;
}

/**
 * Nothing but what every event has.
 */
export interface DevtoolsOpenedEvent {
  timestamp: number;
  type: string;
}

export interface DevtoolsRequestStateEvent {
  timestamp: number;
  type: string;
  targetHookId?: string;
}

export interface DevtoolsToolFixtureAppliedEvent {
  timestamp: number;
  hookId: string;
  messageId: string;
  toolCallId: string;
  type: string;
  fixtureId?: string;
  toolName: string;
  input: unknown;
  output: unknown;
  execute?: boolean;
  message?: FixtureMessage;
  errorText?: string;
}

export interface DevtoolsToolFixtureApplyEvent {
  timestamp: number;
  type: string;
  fixtureId?: string;
  toolName: string;
  input: unknown;
  output: unknown;
  execute?: boolean;
  message?: FixtureMessage;
  errorText?: string;
}

export interface EmbeddingRequestCompletedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  embeddingCount: number;
  dimensions?: number;
  duration: number;
}

export interface EmbeddingRequestErrorEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  error: ErrorInfo;
  duration: number;
}

export interface EmbeddingRequestStartedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  inputCount: number;
  textInputCount: number;
  imageInputCount: number;
  dimensions?: number;
}

export interface EmbeddingUsageEvent {
  timestamp: number;
  requestId: string;
  model: string;
  type: string;
  usage: TokenUsage;
}

/**
 * What went wrong. `name` is the exception's type or the provider's code.
 */
export interface ErrorInfo {
  message: string;
  name?: string;
}

export interface EvaluateRequestCompletedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  questionCount: number;
  duration: number;
}

export interface EvaluateRequestStartedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  questionCount: number;
}

export interface EvaluateUsageEvent {
  timestamp: number;
  requestId: string;
  model: string;
  type: string;
  usage: TokenUsage;
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

/**
 * What somebody thought of an answer.
 */
export interface FeedbackEvent {
  timestamp: number;
  requestId: string;
  type: string;
  score?: number;
  comment?: string;
  name?: string;
}

export interface FixtureMessage {
  id: string;
  role: "system" | "user" | "assistant";
  parts: unknown[];
  createdAt?: number | string;
}

export interface GuardrailCompletedEvent {
  timestamp: number;
  requestId: string;
  type: string;
  name: string;
  triggered: boolean;
  duration?: number;
  output?: unknown;
}

export interface HookRegisteredEvent {
  timestamp: number;
  hookId: string;
  type: string;
  hookName: string;
  displayName?: string;
  framework?: string;
  outputKind?: "chat" | "text" | "structured" | "image" | "video" | "audio";
  lifecycle: "mounted" | "active" | "streaming" | "errored" | "stale";
}

export interface HookStateSnapshotEvent {
  timestamp: number;
  hookId: string;
  type: string;
  hookName: string;
  displayName?: string;
  framework?: string;
  outputKind?: "chat" | "text" | "structured" | "image" | "video" | "audio";
  state: Record<string, unknown>;
}

export interface HookUnregisteredEvent {
  timestamp: number;
  hookId: string;
  type: string;
  hookName?: string;
  displayName?: string;
  framework?: string;
  outputKind?: "chat" | "text" | "structured" | "image" | "video" | "audio";
  reason?: "disposed" | "unmounted";
}

export interface HookUpdatedEvent {
  timestamp: number;
  hookId: string;
  type: string;
  hookName: string;
  displayName?: string;
  framework?: string;
  outputKind?: "chat" | "text" | "structured" | "image" | "video" | "audio";
  lifecycle: "mounted" | "active" | "streaming" | "errored" | "stale";
}

export interface Image {
  url?: string;
  b64Json?: string;
}

export interface ImageRequestCompletedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  images: Image[];
  duration: number;
}

export interface ImageRequestStartedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  prompt: string;
  numberOfImages?: number;
  size?: string;
  imageInputCount?: number;
  videoInputCount?: number;
  audioInputCount?: number;
}

export interface ImageUsageEvent {
  timestamp: number;
  requestId: string;
  model: string;
  type: string;
  usage: TokenUsage;
}

export interface LiveVideoRequestCompletedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  prompt: string;
  status: "ready" | "waiting";
  duration: number;
}

export interface LiveVideoRequestErrorEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  error: ErrorInfo;
  duration: number;
}

export interface LiveVideoRequestStartedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  prompt: string;
}

export interface LiveVideoUsageEvent {
  timestamp: number;
  requestId: string;
  model: string;
  type: string;
  usage: TokenUsage;
}

export interface MemoryErrorEvent {
  timestamp: number;
  type: string;
  scope?: Record<string, unknown>;
  adapter: string;
  phase: "recall" | "save";
  error: NamedError;
}

export interface MemoryPersistCompletedEvent {
  timestamp: number;
  type: string;
  scope: Record<string, unknown>;
  adapter: string;
  receiptCount: number;
  okCount: number;
  durationMs: number;
}

export interface MemoryPersistStartedEvent {
  timestamp: number;
  type: string;
  scope: Record<string, unknown>;
  adapter: string;
}

export interface MemoryRetrieveCompletedEvent {
  timestamp: number;
  hasTools: boolean;
  type: string;
  scope: Record<string, unknown>;
  adapter: string;
  fragmentCount: number;
  systemPromptChars: number;
  durationMs: number;
}

export interface MemoryRetrieveStartedEvent {
  timestamp: number;
  type: string;
  scope: Record<string, unknown>;
  adapter: string;
  query: string;
}

export interface MemorySnapshotEvent {
  timestamp: number;
  type: string;
  scope: Record<string, unknown>;
  adapter: string;
  takenAt: string;
  data: unknown;
  facts: Record<string, unknown>[];
}

export interface MiddlewareChunkTransformedEvent {
  timestamp: number;
  requestId: string;
  streamId: string;
  type: string;
  middlewareName: string;
  originalChunkType: string;
  resultCount: number;
  wasDropped: boolean;
}

export interface MiddlewareConfigTransformedEvent {
  timestamp: number;
  requestId: string;
  streamId: string;
  type: string;
  middlewareName: string;
  iteration: number;
  changes: Record<string, unknown>;
}

export interface MiddlewareHookExecutedEvent {
  timestamp: number;
  requestId: string;
  streamId: string;
  type: string;
  middlewareName: string;
  hookName: string;
  iteration: number;
  duration: number;
  hasTransform: boolean;
}

export interface ModerationRequestCompletedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  duration: number;
  flagged?: boolean;
  results?: Record<string, unknown>[];
}

export interface ModerationRequestStartedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  type: string;
  inputCount?: number;
  input?: unknown;
}

export interface NamedError {
  name: string;
  message: string;
}

/**
 * A stream that was left early, with what was seen of it.
 */
export interface RequestAbortedEvent {
  timestamp: number;
  requestId: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
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
export interface RequestErrorEvent {
  timestamp: number;
  requestId: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  error: ErrorInfo;
  duration: number;
  content?: string;
  toolCalls?: ToolCall[];
  finishReason?: string;
}

export interface RerankRequestCompletedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  documentCount: number;
  resultCount: number;
  duration: number;
}

export interface RerankRequestStartedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  documentCount: number;
}

export interface RerankUsageEvent {
  timestamp: number;
  requestId: string;
  model: string;
  type: string;
  usage: TokenUsage;
}

export interface RunLifecycleEvent {
  timestamp: number;
  runId: string;
  type: string;
  status: "created" | "started" | "updated" | "completed" | "errored" | "cancelled";
  error?: string;
}

export interface Skill {
  name: string;
  description: string;
}

export interface SkillsSnapshotEvent {
  timestamp: number;
  type: string;
  catalog: Skill[];
  activated: string[];
}

export interface SpeechRequestCompletedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  audio: string;
  format: string;
  duration: number;
  audioDuration?: number;
  contentType?: string;
}

export interface SpeechRequestErrorEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  error: ErrorInfo;
  duration: number;
}

export interface SpeechRequestStartedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  text: string;
  voice?: string;
  format?: string;
  speed?: number;
}

export interface SpeechUsageEvent {
  timestamp: number;
  requestId: string;
  model: string;
  type: string;
  usage: TokenUsage;
}

export interface StructuredOutputCompletedEvent {
  timestamp: number;
  streamId: string;
  messageId: string;
  type: string;
  status: "complete";
  raw: string;
  partial?: unknown;
  data: unknown;
  reasoning?: string;
}

export interface StructuredOutputErroredEvent {
  timestamp: number;
  streamId: string;
  messageId: string;
  type: string;
  status: "error";
  raw: string;
  partial?: unknown;
  errorMessage: string;
}

export interface StructuredOutputStartedEvent {
  timestamp: number;
  streamId: string;
  messageId: string;
  type: string;
  status: "streaming";
  raw?: string;
}

export interface StructuredOutputUpdatedEvent {
  timestamp: number;
  streamId: string;
  messageId: string;
  type: string;
  status: "streaming";
  raw: string;
  partial?: unknown;
  delta?: string;
}

export interface SummarizeRequestCompletedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  inputLength: number;
  outputLength: number;
  duration: number;
}

export interface SummarizeRequestStartedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  inputLength: number;
}

export interface SummarizeUsageEvent {
  timestamp: number;
  requestId: string;
  model: string;
  type: string;
  usage: TokenUsage;
}

export interface TextChunkContentEvent {
  timestamp: number;
  streamId: string;
  type: string;
  content: string;
  delta?: string;
  chunks?: Chunk[];
}

export interface TextChunkDoneEvent {
  timestamp: number;
  streamId: string;
  type: string;
  finishReason: string | null;
  usage?: TokenUsage;
}

export interface TextChunkErrorEvent {
  timestamp: number;
  streamId: string;
  type: string;
  error: string;
}

export interface TextChunkThinkingEvent {
  timestamp: number;
  streamId: string;
  type: string;
  content: string;
  delta?: string;
  chunks?: Chunk[];
}

export interface TextChunkToolCallEvent {
  timestamp: number;
  streamId: string;
  toolCallId: string;
  type: string;
  toolName: string;
  index: number;
  arguments: string;
  chunks?: Chunk[];
}

export interface TextChunkToolResultEvent {
  timestamp: number;
  streamId: string;
  toolCallId: string;
  type: string;
  result: string;
}

export interface TextIterationCompletedEvent {
  timestamp: number;
  requestId: string;
  streamId: string;
  type: string;
  iteration: number;
  duration: number;
  finishReason?: string;
  usage?: TokenUsage;
}

export interface TextIterationStartedEvent {
  timestamp: number;
  requestId: string;
  streamId: string;
  messageId: string;
  provider: string;
  model: string;
  type: string;
  iteration: number;
}

export interface TextMessageCreatedEvent {
  timestamp: number;
  messageId: string;
  type: string;
  role: "user" | "assistant" | "system" | "tool";
  content: string;
  parts?: Record<string, unknown>[];
  toolCalls?: ToolCall[];
  messageIndex?: number;
}

export interface TextMessageUserEvent {
  timestamp: number;
  messageId: string;
  type: string;
  content: string;
  parts?: Record<string, unknown>[];
  toolCalls?: ToolCall[];
  messageIndex?: number;
  role: "user";
}

export interface TextRequestCompletedEvent {
  timestamp: number;
  requestId: string;
  streamId: string;
  provider: string;
  model: string;
  messageCount: number;
  hasTools: boolean;
  streaming: boolean;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  content: string;
  finishReason?: string;
  duration?: number;
  toolCalls?: ToolCall[];
  finishReasons?: string[];
}

export interface TextRequestStartedEvent {
  timestamp: number;
  requestId: string;
  streamId: string;
  provider: string;
  model: string;
  messageCount: number;
  hasTools: boolean;
  streaming: boolean;
  type: string;
  messages?: Record<string, unknown>[];
}

export interface TextUsageEvent {
  timestamp: number;
  requestId: string;
  streamId: string;
  model: string;
  type: string;
  usage: TokenUsage;
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

export interface ToolsApprovalRequestedEvent {
  timestamp: number;
  streamId: string;
  toolCallId: string;
  type: string;
  toolName: string;
  input: unknown;
  approvalId: string;
}

export interface ToolsApprovalRespondedEvent {
  timestamp: number;
  toolCallId: string;
  type: string;
  approvalId: string;
  approved: boolean;
}

export interface ToolsCallCompletedEvent {
  timestamp: number;
  streamId: string;
  toolCallId: string;
  type: string;
  toolName: string;
  result: unknown;
  duration: number;
  error?: ErrorInfo;
}

export interface ToolsCallStartedEvent {
  timestamp: number;
  toolCallId: string;
  type: string;
  toolName: string;
  input?: unknown;
}

export interface ToolsCallUpdatedEvent {
  timestamp: number;
  streamId: string;
  messageId: string;
  toolCallId: string;
  type: string;
  toolName: string;
  state: string;
  arguments: string;
}

export interface ToolsInputAvailableEvent {
  timestamp: number;
  streamId: string;
  toolCallId: string;
  type: string;
  toolName: string;
  input: unknown;
}

export interface ToolsRegisteredEvent {
  timestamp: number;
  hookId: string;
  type: string;
  hookName?: string;
  displayName?: string;
  framework?: string;
  outputKind?: "chat" | "text" | "structured" | "image" | "video" | "audio";
  tools: ToolInfo[];
}

export interface ToolsResultAddedEvent {
  timestamp: number;
  toolCallId: string;
  type: string;
  toolName: string;
  output: unknown;
  state: "output-available" | "output-error";
}

export interface TranscriptionRequestCompletedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  text: string;
  language?: string;
  duration: number;
}

export interface TranscriptionRequestErrorEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  error: ErrorInfo;
  duration: number;
}

export interface TranscriptionRequestStartedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  language?: string;
  prompt?: string;
  responseFormat?: string;
}

export interface TranscriptionUsageEvent {
  timestamp: number;
  requestId: string;
  model: string;
  type: string;
  usage: TokenUsage;
}

export interface VideoRequestCompletedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  requestType: "create" | "status" | "url";
  jobId?: string;
  status?: "pending" | "processing" | "completed" | "failed";
  progress?: number;
  url?: string;
  error?: string;
  duration: number;
}

export interface VideoRequestStartedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  requestType: "create" | "status" | "url";
  jobId?: string;
  prompt?: string;
  size?: string;
  duration?: number;
}

export interface VideoUsageEvent {
  timestamp: number;
  requestId: string;
  model: string;
  type: string;
  usage: TokenUsage;
}

export interface VoiceRequestCompletedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  voiceIds: string[];
  voiceCount: number;
  previewText?: string;
  duration: number;
}

export interface VoiceRequestErrorEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  error: ErrorInfo;
  duration: number;
}

export interface VoiceRequestStartedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  prompt?: string;
  name?: string;
  description?: string;
  hasReferenceAudio: boolean;
}

export interface VoiceUsageEvent {
  timestamp: number;
  requestId: string;
  model: string;
  type: string;
  usage: TokenUsage;
}

export interface WorldRequestCompletedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  prompt: string;
  status: "ready" | "waiting";
  duration: number;
}

export interface WorldRequestErrorEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  usage?: TokenUsage;
  timeToFirstChunk?: number;
  responseModel?: string;
  responseId?: string;
  error: ErrorInfo;
  duration: number;
}

export interface WorldRequestStartedEvent {
  timestamp: number;
  requestId: string;
  provider: string;
  model: string;
  type: string;
  prompt: string;
}

export interface WorldUsageEvent {
  timestamp: number;
  requestId: string;
  model: string;
  type: string;
  usage: TokenUsage;
}

/** Every type of the catalogue, and its fields. */
export interface Events {
  "agent:handoff": AgentHandoffEvent;
  "agent:request:aborted": RequestAbortedEvent;
  "agent:request:completed": AgentRequestCompletedEvent;
  "agent:request:error": RequestErrorEvent;
  "agent:request:started": AgentRequestStartedEvent;
  "audio:request:aborted": RequestAbortedEvent;
  "audio:request:completed": AudioRequestCompletedEvent;
  "audio:request:error": AudioRequestErrorEvent;
  "audio:request:started": AudioRequestStartedEvent;
  "audio:usage": AudioUsageEvent;
  "client:created": ClientCreatedEvent;
  "client:error:changed": ClientErrorChangedEvent;
  "client:loading:changed": ClientLoadingChangedEvent;
  "client:messages:cleared": ClientMessagesClearedEvent;
  "client:reloaded": ClientReloadedEvent;
  "client:stopped": ClientStoppedEvent;
  "compaction:applied": CompactionAppliedEvent;
  "compaction:ended": CompactionEndedEvent;
  "compaction:started": CompactionStartedEvent;
  "compaction:state": CompactionStateEvent;
  "devtools:closed": DevtoolsClosedEvent;
  "devtools:opened": DevtoolsOpenedEvent;
  "devtools:request-state": DevtoolsRequestStateEvent;
  "devtools:tool-fixture:applied": DevtoolsToolFixtureAppliedEvent;
  "devtools:tool-fixture:apply": DevtoolsToolFixtureApplyEvent;
  "embedding:request:aborted": RequestAbortedEvent;
  "embedding:request:completed": EmbeddingRequestCompletedEvent;
  "embedding:request:error": EmbeddingRequestErrorEvent;
  "embedding:request:started": EmbeddingRequestStartedEvent;
  "embedding:usage": EmbeddingUsageEvent;
  "evaluate:request:aborted": RequestAbortedEvent;
  "evaluate:request:completed": EvaluateRequestCompletedEvent;
  "evaluate:request:error": RequestErrorEvent;
  "evaluate:request:started": EvaluateRequestStartedEvent;
  "evaluate:usage": EvaluateUsageEvent;
  "feedback": FeedbackEvent;
  "guardrail:completed": GuardrailCompletedEvent;
  "hook:registered": HookRegisteredEvent;
  "hook:state-snapshot": HookStateSnapshotEvent;
  "hook:unregistered": HookUnregisteredEvent;
  "hook:updated": HookUpdatedEvent;
  "image:request:aborted": RequestAbortedEvent;
  "image:request:completed": ImageRequestCompletedEvent;
  "image:request:error": RequestErrorEvent;
  "image:request:started": ImageRequestStartedEvent;
  "image:usage": ImageUsageEvent;
  "liveVideo:request:aborted": RequestAbortedEvent;
  "liveVideo:request:completed": LiveVideoRequestCompletedEvent;
  "liveVideo:request:error": LiveVideoRequestErrorEvent;
  "liveVideo:request:started": LiveVideoRequestStartedEvent;
  "liveVideo:usage": LiveVideoUsageEvent;
  "memory:error": MemoryErrorEvent;
  "memory:persist:completed": MemoryPersistCompletedEvent;
  "memory:persist:started": MemoryPersistStartedEvent;
  "memory:retrieve:completed": MemoryRetrieveCompletedEvent;
  "memory:retrieve:started": MemoryRetrieveStartedEvent;
  "memory:snapshot": MemorySnapshotEvent;
  "middleware:chunk:transformed": MiddlewareChunkTransformedEvent;
  "middleware:config:transformed": MiddlewareConfigTransformedEvent;
  "middleware:hook:executed": MiddlewareHookExecutedEvent;
  "moderation:request:aborted": RequestAbortedEvent;
  "moderation:request:completed": ModerationRequestCompletedEvent;
  "moderation:request:error": RequestErrorEvent;
  "moderation:request:started": ModerationRequestStartedEvent;
  "rerank:request:aborted": RequestAbortedEvent;
  "rerank:request:completed": RerankRequestCompletedEvent;
  "rerank:request:error": RequestErrorEvent;
  "rerank:request:started": RerankRequestStartedEvent;
  "rerank:usage": RerankUsageEvent;
  "run:cancelled": RunLifecycleEvent;
  "run:completed": RunLifecycleEvent;
  "run:created": RunLifecycleEvent;
  "run:errored": RunLifecycleEvent;
  "run:started": RunLifecycleEvent;
  "run:updated": RunLifecycleEvent;
  "skills:snapshot": SkillsSnapshotEvent;
  "speech:request:aborted": RequestAbortedEvent;
  "speech:request:completed": SpeechRequestCompletedEvent;
  "speech:request:error": SpeechRequestErrorEvent;
  "speech:request:started": SpeechRequestStartedEvent;
  "speech:usage": SpeechUsageEvent;
  "structured-output:completed": StructuredOutputCompletedEvent;
  "structured-output:errored": StructuredOutputErroredEvent;
  "structured-output:started": StructuredOutputStartedEvent;
  "structured-output:updated": StructuredOutputUpdatedEvent;
  "summarize:request:aborted": RequestAbortedEvent;
  "summarize:request:completed": SummarizeRequestCompletedEvent;
  "summarize:request:error": RequestErrorEvent;
  "summarize:request:started": SummarizeRequestStartedEvent;
  "summarize:usage": SummarizeUsageEvent;
  "text:chunk:content": TextChunkContentEvent;
  "text:chunk:done": TextChunkDoneEvent;
  "text:chunk:error": TextChunkErrorEvent;
  "text:chunk:thinking": TextChunkThinkingEvent;
  "text:chunk:tool-call": TextChunkToolCallEvent;
  "text:chunk:tool-result": TextChunkToolResultEvent;
  "text:iteration:completed": TextIterationCompletedEvent;
  "text:iteration:started": TextIterationStartedEvent;
  "text:message:created": TextMessageCreatedEvent;
  "text:message:user": TextMessageUserEvent;
  "text:request:aborted": RequestAbortedEvent;
  "text:request:completed": TextRequestCompletedEvent;
  "text:request:error": RequestErrorEvent;
  "text:request:started": TextRequestStartedEvent;
  "text:usage": TextUsageEvent;
  "tools:approval:requested": ToolsApprovalRequestedEvent;
  "tools:approval:responded": ToolsApprovalRespondedEvent;
  "tools:call:completed": ToolsCallCompletedEvent;
  "tools:call:started": ToolsCallStartedEvent;
  "tools:call:updated": ToolsCallUpdatedEvent;
  "tools:input:available": ToolsInputAvailableEvent;
  "tools:registered": ToolsRegisteredEvent;
  "tools:result:added": ToolsResultAddedEvent;
  "transcription:request:aborted": RequestAbortedEvent;
  "transcription:request:completed": TranscriptionRequestCompletedEvent;
  "transcription:request:error": TranscriptionRequestErrorEvent;
  "transcription:request:started": TranscriptionRequestStartedEvent;
  "transcription:usage": TranscriptionUsageEvent;
  "video:request:aborted": RequestAbortedEvent;
  "video:request:completed": VideoRequestCompletedEvent;
  "video:request:error": RequestErrorEvent;
  "video:request:started": VideoRequestStartedEvent;
  "video:usage": VideoUsageEvent;
  "voice:request:aborted": RequestAbortedEvent;
  "voice:request:completed": VoiceRequestCompletedEvent;
  "voice:request:error": VoiceRequestErrorEvent;
  "voice:request:started": VoiceRequestStartedEvent;
  "voice:usage": VoiceUsageEvent;
  "world:request:aborted": RequestAbortedEvent;
  "world:request:completed": WorldRequestCompletedEvent;
  "world:request:error": WorldRequestErrorEvent;
  "world:request:started": WorldRequestStartedEvent;
  "world:usage": WorldUsageEvent;
}

export type EventType = keyof Events;

export type EventOf<T extends EventType> = Omit<Event, keyof Events[T]> & Events[T] & { type: T };
