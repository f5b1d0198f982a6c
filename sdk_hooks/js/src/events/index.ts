// Generated from sdk_hooks/events/ by `make gen`; don't edit.
// Types only: an event that differs from them is stored all the same.
import type {
  ClientCreatedEvent, ClientErrorChangedEvent, ClientLoadingChangedEvent, ClientMessagesClearedEvent,
  ClientReloadedEvent, ClientStoppedEvent, DevtoolsClosedEvent, DevtoolsOpenedEvent, DevtoolsRequestStateEvent,
  DevtoolsToolFixtureAppliedEvent, DevtoolsToolFixtureApplyEvent, HookRegisteredEvent, HookStateSnapshotEvent,
  HookUnregisteredEvent, HookUpdatedEvent, RunLifecycleEvent,
} from "./client.js";
import type {
  EmbeddingRequestCompletedEvent, EmbeddingRequestErrorEvent, EmbeddingRequestStartedEvent, EmbeddingUsageEvent,
  EvaluateRequestCompletedEvent, EvaluateRequestStartedEvent, EvaluateUsageEvent, RerankRequestCompletedEvent,
  RerankRequestStartedEvent, RerankUsageEvent, SummarizeRequestCompletedEvent, SummarizeRequestStartedEvent,
  SummarizeUsageEvent,
} from "./embedding.js";
import type {
  AudioRequestCompletedEvent, AudioRequestErrorEvent, AudioRequestStartedEvent, AudioUsageEvent,
  ImageRequestCompletedEvent, ImageRequestStartedEvent, ImageUsageEvent, SpeechRequestCompletedEvent,
  SpeechRequestErrorEvent, SpeechRequestStartedEvent, SpeechUsageEvent, TranscriptionRequestCompletedEvent,
  TranscriptionRequestErrorEvent, TranscriptionRequestStartedEvent, TranscriptionUsageEvent,
  VoiceRequestCompletedEvent, VoiceRequestErrorEvent, VoiceRequestStartedEvent, VoiceUsageEvent,
} from "./media.js";
import type {
  MiddlewareChunkTransformedEvent, MiddlewareConfigTransformedEvent, MiddlewareHookExecutedEvent,
} from "./middleware.js";
import type {
  AgentHandoffEvent, AgentRequestCompletedEvent, AgentRequestStartedEvent, FeedbackEvent,
  GuardrailCompletedEvent, ModerationRequestCompletedEvent, ModerationRequestStartedEvent, RequestAbortedEvent,
  RequestErrorEvent, ToolsCallStartedEvent,
} from "./ours.js";
import type {
  CompactionAppliedEvent, CompactionEndedEvent, CompactionStartedEvent, CompactionStateEvent, MemoryErrorEvent,
  MemoryPersistCompletedEvent, MemoryPersistStartedEvent, MemoryRetrieveCompletedEvent,
  MemoryRetrieveStartedEvent, MemorySnapshotEvent, SkillsSnapshotEvent,
} from "./state.js";
import type {
  StructuredOutputCompletedEvent, StructuredOutputErroredEvent, StructuredOutputStartedEvent,
  StructuredOutputUpdatedEvent, TextChunkContentEvent, TextChunkDoneEvent, TextChunkErrorEvent,
  TextChunkThinkingEvent, TextChunkToolCallEvent, TextChunkToolResultEvent, TextIterationCompletedEvent,
  TextIterationStartedEvent, TextMessageCreatedEvent, TextMessageUserEvent, TextRequestCompletedEvent,
  TextRequestStartedEvent, TextUsageEvent,
} from "./text.js";
import type {
  ToolsApprovalRequestedEvent, ToolsApprovalRespondedEvent, ToolsCallCompletedEvent, ToolsCallUpdatedEvent,
  ToolsInputAvailableEvent, ToolsRegisteredEvent, ToolsResultAddedEvent,
} from "./tools.js";
import type {
  LiveVideoRequestCompletedEvent, LiveVideoRequestErrorEvent, LiveVideoRequestStartedEvent, LiveVideoUsageEvent,
  VideoRequestCompletedEvent, VideoRequestStartedEvent, VideoUsageEvent, WorldRequestCompletedEvent,
  WorldRequestErrorEvent, WorldRequestStartedEvent, WorldUsageEvent,
} from "./video.js";

export type * from "./base.js";
export type * from "./client.js";
export type * from "./embedding.js";
export type * from "./media.js";
export type * from "./middleware.js";
export type * from "./ours.js";
export type * from "./state.js";
export type * from "./text.js";
export type * from "./tools.js";
export type * from "./video.js";

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
export type EventOf<T extends EventType> = Events[T] & { type: T };
