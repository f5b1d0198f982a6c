// TanStack AI without a change to the application: be the target that its event client looks for, and send what comes.
//
// Flow: @tanstack/ai -> its event client -> globalThis.__TANSTACK_EVENT_TARGET__ (or window) -> here -> collector.
// Messages go out as they came, in order; server events have no id, they get one and a sequence in `context`.
import type { HooklineEvent } from "./config.js";
import { encode } from "./emitter.js";
import { guard } from "./guard.js";
import { traceparent } from "./hostspan.js";
import type { Fields } from "./platform.js";
import { prepare } from "./redact.js";
import { currentRuntime } from "./runtime.js";

const PLUGIN = "tanstack-ai-devtools";

export interface BusMessage {
  readonly type: string;
  readonly payload?: unknown;
  readonly pluginId?: string;
}

/** Messages that both the preload and a listener in the application see are one. */
const seen = new WeakSet<object>();

/** What `aiEventClient.onAllPluginEvents(…)` takes where a devtools bus hands the events back; without one nobody calls it. */
export function recordTanStack(message: BusMessage): void {
  guard("tanstack", () => {
    if (message?.pluginId !== PLUGIN || typeof message.type !== "string" || seen.has(message)) return;
    seen.add(message);
    send(message);
  });
}

/** Answers the event client and listens. The target must be there before the first event is emitted. */
export function register(): void {
  guard("register", () => {
    const global = globalThis as { __TANSTACK_EVENT_TARGET__?: EventTarget; window?: EventTarget; [REGISTERED]?: true };
    if (global[REGISTERED] || currentRuntime().config.forCall(undefined, undefined).disabled) return;
    global[REGISTERED] = true;
    const found = global.__TANSTACK_EVENT_TARGET__ ?? (typeof global.window?.addEventListener === "function" ? global.window : undefined);
    const target = found ?? (global.__TANSTACK_EVENT_TARGET__ = new EventTarget());
    target.addEventListener("tanstack-connect", () => target.dispatchEvent(new CustomEvent("tanstack-connect-success")));
    target.addEventListener("tanstack-dispatch-event", (event) => recordTanStack((event as CustomEvent<BusMessage>).detail));
  });
}

const REGISTERED = Symbol.for("hookline.tanstack.1");

function send(message: BusMessage): void {
  const runtime = currentRuntime();
  const settings = runtime.config.forCall(undefined, runtime.sessions.current());
  if (settings.disabled) return;
  const payload = message.payload !== null && typeof message.payload === "object" ? (message.payload as Fields) : {};
  let prepared: HooklineEvent | null;
  try {
    // `redact` sees the event under TanStack's own name, flat as the collector stores it.
    prepared = prepare({ ...payload, type: message.type.slice(PLUGIN.length + 1) }, settings);
  } catch {
    runtime.losses.count("redact_failed");
    return;
  }
  if (prepared === null) {
    runtime.losses.count("redacted");
    return;
  }
  const { type, ...kept } = prepared;
  const context = contextOf(payload, settings.project);
  runtime.foreignEmitter.emit((id) =>
    encode({
      type: `${PLUGIN}:${type}`, payload: kept, pluginId: PLUGIN, context: typeof kept["eventId"] === "string" ? context : { ...context, ...id },
    }),
  );
}

function contextOf(payload: Fields, project: string | undefined): Fields {
  const context: Fields = {};
  if (project) context["project"] = project;
  if (typeof payload["requestId"] === "string" && !payload["traceparent"]) {
    const host = traceparent();
    if (host) context["traceparent"] = host;
  }
  return context;
}
