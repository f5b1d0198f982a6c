// One run of a tool: started and completed, inside the call around it, whose requestId its events carry.
import type { CallOptions, CallSettings } from "./config.js";
import { type Enclosing, enclosing, isSilent } from "./context.js";
import type { Recorded } from "./emitter.js";
import type { Event, EventOf } from "./events/index.js";
import { settingsFields } from "./fields.js";
import { currentRuntime, type Runtime } from "./runtime.js";
import type { MadeEvent } from "./shapes.js";
import { type Snapshot, take } from "./snapshot.js";

type Failure = { name: string; message: string };

export class ToolRun implements Recorded {
  isDone = false;
  readonly sizeBytes: number;
  private readonly startMs = performance.now();
  private readonly startWallMs = Date.now();
  private readonly scope: Enclosing;
  private end: { atMs: number; result: unknown; error: Failure | undefined } | undefined;
  private isAnnounced = false;

  constructor(
    private readonly runtime: Runtime, readonly settings: CallSettings, private readonly around: Enclosing,
    private readonly name: string, private readonly toolCallId: string, private readonly given: Snapshot,
  ) {
    this.sizeBytes = given.sizeBytes + 512;
    this.scope = { ...around, toolCallId, around, isOver: false };
  }

  complete(result?: unknown): void {
    this.finish(result, undefined);
  }

  fail(error: Failure, result?: unknown): void {
    this.finish(result, error);
  }

  left(): void {
    this.finish(undefined, { name: "Aborted", message: "" });
  }

  /** For calls that the tool makes. */
  asEnclosing(): Enclosing {
    return this.scope;
  }

  private finish(result: unknown, error: Failure | undefined): void {
    if (this.end) return;
    this.scope.isOver = true;
    this.end = { atMs: performance.now(), result: take(result).value, error };
    if (this.around.isSampled) this.runtime.emitter.ended();
  }

  *drain(): Iterable<MadeEvent> {
    if (!this.isAnnounced) {
      this.isAnnounced = true;
      const { value } = this.given;
      const event: EventOf<"tools:call:started"> = { type: "tools:call:started", ...this.told(this.startMs) };
      if (value !== undefined) event.input = value;
      yield event;
    }
    if (!this.end) return;
    this.isDone = true;
    const { atMs, result, error } = this.end;
    const event: EventOf<"tools:call:completed"> = {
      type: "tools:call:completed", ...this.told(atMs), result: result ?? null, duration: atMs - this.startMs,
    };
    if (error) event.error = error;
    yield event;
  }

  /** What both events say. */
  private told(atMs: number): Omit<Event, "type"> & { toolCallId: string; toolName: string; requestId: string; streamId: string } {
    const { requestId, toolCallId: parentToolCallId } = this.around;
    return {
      timestamp: this.startWallMs + atMs - this.startMs, toolCallId: this.toolCallId, toolName: this.name, requestId, streamId: requestId,
      ...(parentToolCallId ? { parentToolCallId } : {}), ...settingsFields(this.settings),
    };
  }
}

/** Undefined: not recorded. A tool outside of every recorded call has nothing to belong to. */
export function startTool(
  name: string, given: unknown, toolCallId: string | undefined, layer: CallOptions, around = enclosing(),
): ToolRun | undefined {
  const runtime = currentRuntime();
  const settings = runtime.config.forCall(layer, runtime.sessions.current());
  if (!around || settings.disabled || isSilent()) return undefined;
  const id = toolCallId || `call-${runtime.identity.prefix}-${runtime.identity.requestNumber()}`;
  const run = new ToolRun(runtime, settings, around, name, id, take(given));
  return !around.isSampled || runtime.emitter.offer(run) ? run : undefined;
}
