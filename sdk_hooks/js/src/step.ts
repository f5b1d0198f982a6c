// One event inside the call around it, over when it is told: a handoff, a guardrail's verdict.
import type { CallOptions, CallSettings, HooklineEvent } from "./config.js";
import type { Enclosing } from "./context.js";
import type { Recorded } from "./emitter.js";
import { settingsFields } from "./fields.js";
import type { Fields } from "./platform.js";
import { currentRuntime } from "./runtime.js";
import { type Snapshot, take } from "./snapshot.js";

class Step implements Recorded {
  isDone = false;
  readonly sizeBytes: number;
  private readonly atMs = Date.now();

  constructor(
    readonly settings: CallSettings, private readonly around: Enclosing, private readonly type: string, private readonly fields: Snapshot,
  ) {
    this.sizeBytes = fields.sizeBytes + 512;
  }

  left(): void {}

  *drain(): Iterable<HooklineEvent> {
    this.isDone = true;
    const { requestId, toolCallId } = this.around;
    const event: HooklineEvent = { type: this.type, timestamp: this.atMs, requestId, ...(this.fields.value as Fields) };
    if (toolCallId) event["parentToolCallId"] = toolCallId;
    yield { ...event, ...settingsFields(this.settings) };
  }
}

export function recordStep(type: string, fields: Fields, around: Enclosing, layer: CallOptions): void {
  const runtime = currentRuntime();
  const settings = runtime.config.forCall(layer, runtime.sessions.current());
  if (settings.disabled || !around.isSampled) return;
  if (runtime.emitter.offer(new Step(settings, around, type, take(fields)))) runtime.emitter.ended();
}
