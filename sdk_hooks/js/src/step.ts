// One event inside the call around it, over when it is told: a handoff, a guardrail's verdict.
import type { CallOptions, CallSettings } from "./config.js";
import type { Enclosing } from "./context.js";
import type { Recorded } from "./emitter.js";
import { settingsFields } from "./fields.js";
import { currentRuntime } from "./runtime.js";
import type { MadeEvent, Told } from "./shapes.js";
import { type Snapshot, take } from "./snapshot.js";

type StepType = "agent:handoff" | "guardrail:completed";

class Step implements Recorded {
  isDone = false;
  readonly sizeBytes: number;
  private readonly atMs = Date.now();

  constructor(
    readonly settings: CallSettings, private readonly around: Enclosing, private readonly type: StepType, private readonly fields: Snapshot,
  ) {
    this.sizeBytes = fields.sizeBytes + 512;
  }

  left(): void {}

  *drain(): Iterable<MadeEvent> {
    this.isDone = true;
    const { requestId, toolCallId } = this.around;
    yield {
      type: this.type, timestamp: this.atMs, requestId, ...(this.fields.value as Told<StepType>),
      ...(toolCallId ? { parentToolCallId: toolCallId } : {}), ...settingsFields(this.settings),
    } as MadeEvent;
  }
}

export function recordStep<T extends StepType>(type: T, fields: Told<T>, around: Enclosing, layer: CallOptions): void {
  const runtime = currentRuntime();
  const settings = runtime.config.forCall(layer, runtime.sessions.current());
  if (settings.disabled || !around.isSampled) return;
  if (runtime.emitter.offer(new Step(settings, around, type, take(fields)))) runtime.emitter.ended();
}
