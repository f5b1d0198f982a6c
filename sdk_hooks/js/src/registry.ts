// Which hook a client belongs to: a plain table.
import type { CallOptions } from "./config.js";
import { guard, log } from "./guard.js";
import * as agents from "./hooks/agents.js";
import * as aisbreaker from "./hooks/aisbreaker.js";
import * as openai from "./hooks/openai.js";
import * as openrouter from "./hooks/openrouter.js";
import { layerOf } from "./recorder.js";

interface Hook {
  /** False: it is no client of this SDK. */
  instrument(client: object, layer: CallOptions): boolean;
  uninstrument(client: object): boolean;
}

const KEY = Symbol.for("hookline.hooks.1");

/** Those of the copy of this package that was asked first: two copies (ESM, CJS) must not record one client twice. */
function hooks(): Record<string, Hook> {
  const global = globalThis as { [KEY]?: Record<string, Hook> };
  return (global[KEY] ??= { openai, openrouter, agents, aisbreaker });
}

/** The same object back, recorded from now on. A second call takes the newer options. */
export function instrument<T extends object>(client: T, options: CallOptions = {}): T {
  guard("instrument", () => {
    const layer = layerOf(options);
    if (!Object.values(hooks()).some((hook) => hook.instrument(client, layer))) {
      log(`instrument: this is no client of ${Object.keys(hooks()).join(", ")}; its calls are not recorded`);
    }
  });
  return client;
}

/** The client as it was; what others have put around our methods meanwhile stays, and ours say nothing any more. */
export function uninstrument<T extends object>(client: T): T {
  guard("uninstrument", () => Object.values(hooks()).some((hook) => hook.uninstrument(client)));
  return client;
}
