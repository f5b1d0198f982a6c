// Generated from sdk_hooks/events/ by `make gen`; don't edit.

import type { ErrorInfo, Event, Terminal, TokenUsage } from "./base.js";

export interface LiveVideoRequestCompletedEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  prompt: string;
  status: "ready" | "waiting";
  duration: number;
}

export interface LiveVideoRequestErrorEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  error: ErrorInfo;
  duration: number;
}

export interface LiveVideoRequestStartedEvent extends Event {
  requestId: string;
  provider: string;
  model: string;
  prompt: string;
}

export interface LiveVideoUsageEvent extends Event {
  requestId: string;
  model: string;
  usage: TokenUsage;
}

export interface VideoRequestCompletedEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  requestType: "create" | "status" | "url";
  jobId?: string;
  status?: "pending" | "processing" | "completed" | "failed";
  progress?: number;
  url?: string;
  error?: string;
  duration: number;
}

export interface VideoRequestStartedEvent extends Event {
  requestId: string;
  provider: string;
  model: string;
  requestType: "create" | "status" | "url";
  jobId?: string;
  prompt?: string;
  size?: string;
  duration?: number;
}

export interface VideoUsageEvent extends Event {
  requestId: string;
  model: string;
  usage: TokenUsage;
}

export interface WorldRequestCompletedEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  prompt: string;
  status: "ready" | "waiting";
  duration: number;
}

export interface WorldRequestErrorEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  error: ErrorInfo;
  duration: number;
}

export interface WorldRequestStartedEvent extends Event {
  requestId: string;
  provider: string;
  model: string;
  prompt: string;
}

export interface WorldUsageEvent extends Event {
  requestId: string;
  model: string;
  usage: TokenUsage;
}
