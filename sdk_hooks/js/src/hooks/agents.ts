// Hook @openai/agents: runs, model calls, tools, handoffs.
//
// Flow: host -> runner.run(agent, …) -> **this hook** -> recorder.
// What the host gave is known by itself; the methods of its classes are covered as long as something is to be recorded, and pass
// everything else on. Runs follow the context through `await`s, which only Node can: in a page, model calls are recorded apart from
// their run, with the settings of the runner that lent its models.
// The SDK's own tracing is left alone. Checked with 0.20.
import type { CallOptions } from "../config.js";
import { followsAwaits } from "../context.js";
import { guard } from "../guard.js";
import type { Fields } from "../platform.js";
import { named, streamed, whole, type Method } from "./agents-models.js";
import { currentRun, running, telling } from "./agents-runs.js";
import { Replaced } from "./patching.js";
import { object } from "./reading.js";

/** What was asked for, and its settings. */
const asked = new WeakMap<object, CallOptions>();
/** Model or provider -> the runner that used it last: only asked where no run is known. */
const lentBy = new WeakMap<object, object>();
let askedCount = 0;
let everything: { layer: CallOptions; module: object } | undefined;
const held = new Replaced();

export function instrument(given: object, layer: CallOptions): boolean {
  const kind = kindOf(given);
  if (!kind) return false;
  if (kind === "module") {
    everything = { layer, module: given };
    holdRunner((given as { Runner: { prototype: object } }).Runner.prototype);
    return true;
  }
  if (!asked.has(given)) askedCount++;
  asked.set(given, layer);
  if (kind === "runner") {
    holdRunner(given);
    holdModelsOf(given);
  } else if (kind === "model") holdModel(given);
  else holdProvider(given);
  return true;
}

export function uninstrument(given: object): boolean {
  if (everything?.module === given) everything = undefined;
  else if (asked.delete(given)) askedCount--;
  else return false;
  if (!everything && !askedCount) held.restore();
  return true;
}

const has = (given: object, ...members: string[]): boolean => members.every((name) => typeof (given as Fields)[name] === "function");

function kindOf(given: object): "module" | "runner" | "model" | "provider" | undefined {
  if (has(given, "Runner", "Agent", "run")) return "module";
  if (has(given, "run", "emit") && "config" in given) return "runner";
  if (has(given, "getResponse", "getStreamedResponse")) return "model";
  return has(given, "getModel") ? "provider" : undefined;
}

/** The settings for what is done with this object: its own, its run's, those of everything. Undefined: not recorded. */
function layerOf(given: object): CallOptions | undefined {
  return asked.get(given) ?? currentRun()?.layer ?? everything?.layer ?? lentLayer(given);
}

function lentLayer(given: object): CallOptions | undefined {
  const runner = followsAwaits() ? undefined : lentBy.get(given);
  return runner && asked.get(runner);
}

function lend(given: object, runner: object | undefined): void {
  if (runner && asked.has(runner)) lentBy.set(given, runner);
}

// -- what is covered --------------------------------------------------------------------------------------------------------

/** Replace the method where it is defined: on the object, or on the class of its classes that has it. Once. */
function cover(given: object, name: string, make: (original: Method) => Method): void {
  let owner: object | null = given;
  while (owner && !Object.hasOwn(owner, name)) owner = Object.getPrototypeOf(owner) as object | null;
  if (!owner || owner === Object.prototype || held.has(owner, name)) return;
  held.replace(owner, name, make((owner as Record<string, Method>)[name] as Method));
}

function holdRunner(runner: object): void {
  cover(runner, "run", (original) => running(original, layerOf, holdModelsOf));
  cover(runner, "emit", (original) => telling(original, holdModelsOf));
}

/** The model or the provider of a runner, or of an agent that it runs. */
function holdModelsOf(given: object, runner = given): void {
  const { model, config } = given as { model?: unknown; config?: unknown };
  const { model: common, modelProvider } = object(config);
  for (const found of [model, common]) {
    if (!found || typeof found !== "object") continue;
    lend(found, runner);
    holdModel(found);
  }
  if (!modelProvider || typeof modelProvider !== "object") return;
  lend(modelProvider, runner);
  holdProvider(modelProvider);
}

function holdModel(model: object): void {
  guard("agents.model", () => {
    cover(model, "getResponse", (original) => whole(original, layerOf));
    cover(model, "getStreamedResponse", (original) => streamed(original, layerOf));
  });
}

function holdProvider(provider: object): void {
  cover(provider, "getModel", (original) => {
    return function (this: object, ...args: unknown[]) {
      const found = original.apply(this, args) as object | PromiseLike<object> | undefined;
      const provided = (model: object): void => {
        const layer = asked.get(this);
        if (layer) asked.set(model, layer);
        lend(model, lentBy.get(this));
        named(model, args[0]);
        holdModel(model);
      };
      if (typeof (found as PromiseLike<object> | undefined)?.then === "function") {
        // Before whoever waits for it: this was asked first. What it rejects with is theirs.
        void (found as PromiseLike<object>).then((model) => guard("agents.provided", () => provided(model)), () => undefined);
      } else if (found) guard("agents.provided", () => provided(found as object));
      return found;
    };
  });
}
