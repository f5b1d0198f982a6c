// Generated from sdk_hooks/events/ by `make gen`; don't edit.

import type { ErrorInfo, Event, Terminal, TokenUsage } from "./base.js";

export interface EmbeddingRequestCompletedEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  embeddingCount: number;
  dimensions?: number;
  duration: number;
}

export interface EmbeddingRequestErrorEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  error: ErrorInfo;
  duration: number;
}

export interface EmbeddingRequestStartedEvent extends Event {
  requestId: string;
  provider: string;
  model: string;
  inputCount: number;
  textInputCount: number;
  imageInputCount: number;
  dimensions?: number;
}

export interface EmbeddingUsageEvent extends Event {
  requestId: string;
  model: string;
  usage: TokenUsage;
}

export interface EvaluateRequestCompletedEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  questionCount: number;
  duration: number;
}

export interface EvaluateRequestStartedEvent extends Event {
  requestId: string;
  provider: string;
  model: string;
  questionCount: number;
}

export interface EvaluateUsageEvent extends Event {
  requestId: string;
  model: string;
  usage: TokenUsage;
}

export interface RerankRequestCompletedEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  documentCount: number;
  resultCount: number;
  duration: number;
}

export interface RerankRequestStartedEvent extends Event {
  requestId: string;
  provider: string;
  model: string;
  documentCount: number;
}

export interface RerankUsageEvent extends Event {
  requestId: string;
  model: string;
  usage: TokenUsage;
}

export interface SummarizeRequestCompletedEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  inputLength: number;
  outputLength: number;
  duration: number;
}

export interface SummarizeRequestStartedEvent extends Event {
  requestId: string;
  provider: string;
  model: string;
  inputLength: number;
}

export interface SummarizeUsageEvent extends Event {
  requestId: string;
  model: string;
  usage: TokenUsage;
}
