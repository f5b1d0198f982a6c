// Generated from sdk_hooks/events/ by `make gen`; don't edit.

import type { Event } from "./base.js";

export interface MiddlewareChunkTransformedEvent extends Event {
  requestId: string;
  streamId: string;
  middlewareName: string;
  originalChunkType: string;
  resultCount: number;
  wasDropped: boolean;
}

export interface MiddlewareConfigTransformedEvent extends Event {
  requestId: string;
  streamId: string;
  middlewareName: string;
  iteration: number;
  changes: Record<string, unknown>;
}

export interface MiddlewareHookExecutedEvent extends Event {
  requestId: string;
  streamId: string;
  middlewareName: string;
  hookName: string;
  iteration: number;
  duration: number;
  hasTransform: boolean;
}
