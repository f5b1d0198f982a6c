// The package in a browser: fetch, and a last POST that outlives the page when it is hidden or left.
import type { Answer, Platform, Post, Scope } from "./platform.js";
import { runsOn } from "./runtime.js";

/** Browsers carry 64 KiB for a page that is gone, all its requests together. */
const KEEPALIVE_MAX = 60_000;
/** A page's memory is its visitor's, and a public key takes 500 events and 2 MiB at a time. */
const DEFAULTS = { bufferMaxEvents: 5_000, bufferMaxBytes: 8 * 1024 * 1024, batchMaxEvents: 500, batchMaxBytes: 256 * 1024 };

async function post({ url, headers, body, timeoutMs, isLast }: Post): Promise<Answer> {
  const response = await fetch(url, {
    method: "POST", headers, body, keepalive: isLast, credentials: "omit",
    ...(isLast ? {} : { signal: AbortSignal.timeout(timeoutMs) }),
  });
  return { status: response.status, retryAfter: response.headers.get("retry-after"), body: await response.text() };
}

/** No browser follows a context through an `await`: what holds is what holds while `inner` runs. */
function scope<T>(): Scope<T> {
  let now: T | undefined;
  return {
    current: () => now,
    run(value, inner) {
      const before = now;
      now = value;
      try {
        return inner();
      } finally {
        now = before;
      }
    },
    enter: () => undefined,
  };
}

/** A hidden page may never be heard of again, and on phones that is how most end; or it comes back. */
function onEnd(flush: (isGone: boolean) => void): void {
  globalThis.addEventListener?.("pagehide", (event) => flush(!event.persisted));
  globalThis.document?.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") flush(false);
  });
}

function later(run: () => void, afterMs: number): () => void {
  const timer = setTimeout(run, afterMs);
  return () => clearTimeout(timer);
}

/** Timers are held back in a page: for 4 ms, or a second where it is in the background. */
function soon(run: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    run();
  };
  port2.postMessage(null);
}

const platform: Platform = {
  language: "webjs",
  environment: {},
  post,
  resource: () => ({ "user_agent.original": globalThis.navigator?.userAgent ?? "" }),
  scope,
  followsAwaits: false,
  later,
  soon,
  onEnd,
  maxLastBytes: KEEPALIVE_MAX,
  defaults: DEFAULTS,
};

runsOn(platform);

export * from "./api.js";
