// Everything that lives as long as the process or page: one runtime, whichever copies of this package are loaded (ESM, CJS).
import { type CallOptions, Config, type Options, checked, merged } from "./config.js";
import type { Surroundings } from "./context.js";
import { Delivery } from "./delivery.js";
import { Emitter } from "./emitter.js";
import { guard } from "./guard.js";
import { Identity } from "./identity.js";
import { Losses } from "./losses.js";
import type { Platform, Scope } from "./platform.js";
import { describe } from "./resource.js";

const KEY = Symbol.for("hookline.runtime.1");

export class Runtime {
  readonly config: Config;
  readonly identity = new Identity();
  readonly losses = new Losses();
  readonly sessions: Scope<CallOptions>;
  readonly surroundings: Scope<Surroundings>;
  readonly emitter: Emitter;
  private foreign: Emitter | undefined;
  private isEnding = false;

  constructor(readonly platform: Platform) {
    this.config = new Config(platform.environment, platform.defaults);
    this.sessions = platform.scope<CallOptions>();
    this.surroundings = platform.scope<Surroundings>();
    this.emitter = this.newEmitter("hookline-js", this.identity.prefix);
    platform.onEnd((isGone) => guard("end", () => this.end(isGone)), (isGone) => guard("end", () => this.last(isGone)));
  }

  /**
   * For the events of TanStack AI. Under a sender's name of its own: the collector settles calls of our own hooks at once,
   * and here a usage may follow the end.
   */
  get foreignEmitter(): Emitter {
    this.foreign ??= this.newEmitter("tanstack-ai", new Identity().prefix);
    return this.foreign;
  }

  async flush(timeoutMs: number): Promise<boolean> {
    const all = await Promise.all(this.emitters().map((emitter) => emitter.flush(timeoutMs)));
    return all.every(Boolean);
  }

  async shutdown(timeoutMs: number): Promise<boolean> {
    const all = await Promise.all(this.emitters().map((emitter) => emitter.close(timeoutMs)));
    return all.every(Boolean);
  }

  private emitters(): Emitter[] {
    return this.foreign ? [this.emitter, this.foreign] : [this.emitter];
  }

  private end(isGone: boolean): void {
    if (this.platform.maxLastBytes) {
      let roomBytes = this.platform.maxLastBytes;
      for (const emitter of this.emitters()) {
        if (isGone) emitter.leave();
        roomBytes -= emitter.sendLast(roomBytes);
      }
      return;
    }
    const waiting = this.emitters().filter((emitter) => emitter.hasWork());
    if (this.isEnding || !waiting.length) return;
    this.isEnding = true;
    const { exitTimeoutMs } = this.config.delivery();
    for (const emitter of waiting) emitter.leave();
    // The loop has run empty: what can't be sent within this time is counted and let go.
    void Promise.all(waiting.map((emitter) => emitter.flush(exitTimeoutMs, true))).then((sent) => {
      this.isEnding = false;
      if (!sent.every(Boolean)) void this.shutdown(0);
    });
  }

  private last(isGone: boolean): void {
    const waiting = this.emitters().filter((emitter) => emitter.hasWork());
    const posts = waiting.flatMap((emitter) => emitter.last());
    const taken = this.platform.postNow?.(posts.map(({ post }) => post), this.config.delivery().exitTimeoutMs) ?? 0;
    for (const { drop } of posts.slice(0, taken)) drop();
    if (isGone) for (const emitter of waiting) emitter.giveUp();
  }

  private newEmitter(sdkName: string, prefix: string): Emitter {
    const resource = describe(this.platform, sdkName);
    const delivery = new Delivery(this.platform, this.losses, resource);
    return new Emitter(this.platform, () => this.config.delivery(), this.losses, prefix, delivery);
  }
}

let platform: Platform | undefined;
let found: Runtime | undefined;

/** Called by the entry modules; nothing is read or started before something is recorded. */
export function runsOn(here: Platform): void {
  platform ??= here;
}

export function currentRuntime(): Runtime {
  return (found ??= sharedRuntime());
}

function sharedRuntime(): Runtime {
  const global = globalThis as { [KEY]?: Runtime };
  return (global[KEY] ??= new Runtime(platform as Platform));
}

export function configure(options: Options): void {
  guard("configure", () => currentRuntime().config.update(options));
}

/** Settings for the calls that `inner` makes, however deep. In browsers: for those it makes before its first `await`. */
export function session<R>(options: CallOptions, inner: () => R): R {
  const values = guard("session", () => {
    const runtime = currentRuntime();
    return { sessions: runtime.sessions, layer: merged(runtime.sessions.current() ?? {}, checked(options, "session")) };
  });
  return values ? values.sessions.run(values.layer, inner) : inner();
}

export async function flush(options: { timeoutMs?: number } = {}): Promise<boolean> {
  const done = guard("flush", () => currentRuntime().flush(options.timeoutMs ?? 2_000));
  return (await done?.catch(() => false)) ?? false;
}

/** The last flush; nothing is recorded after it. */
export async function shutdown(options: { timeoutMs?: number } = {}): Promise<boolean> {
  const done = guard("shutdown", () => currentRuntime().shutdown(options.timeoutMs ?? 2_000));
  return (await done?.catch(() => false)) ?? false;
}

export function losses(): Record<string, number> {
  return guard("losses", () => currentRuntime().losses.snapshot()) ?? {};
}
