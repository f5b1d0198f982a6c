// Generated from sdk_hooks/events/ by `make gen`; don't edit.

import type { Event, NamedError, Skill } from "./base.js";

export interface CompactionAppliedEvent extends Event {
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

export interface CompactionEndedEvent extends Event {
  after?: number;
  messagesAfter?: number;
  reusedCheckpoint?: boolean;
  maxTokens?: number;
  strategyKey?: string;
  durationMs?: number;
}

export interface CompactionStartedEvent extends Event {
  before?: number;
  messagesBefore?: number;
  reusedCheckpoint?: boolean;
  maxTokens?: number;
  strategyKey?: string;
}

export interface CompactionStateEvent extends Event {
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

export interface MemoryErrorEvent extends Event {
  scope?: Record<string, unknown>;
  adapter: string;
  phase: "recall" | "save";
  error: NamedError;
}

export interface MemoryPersistCompletedEvent extends Event {
  scope: Record<string, unknown>;
  adapter: string;
  receiptCount: number;
  okCount: number;
  durationMs: number;
}

export interface MemoryPersistStartedEvent extends Event {
  scope: Record<string, unknown>;
  adapter: string;
}

export interface MemoryRetrieveCompletedEvent extends Event {
  hasTools: boolean;
  scope: Record<string, unknown>;
  adapter: string;
  fragmentCount: number;
  systemPromptChars: number;
  durationMs: number;
}

export interface MemoryRetrieveStartedEvent extends Event {
  scope: Record<string, unknown>;
  adapter: string;
  query: string;
}

export interface MemorySnapshotEvent extends Event {
  scope: Record<string, unknown>;
  adapter: string;
  takenAt: string;
  data: unknown;
  facts: Record<string, unknown>[];
}

export interface SkillsSnapshotEvent extends Event {
  catalog: Skill[];
  activated: string[];
}
