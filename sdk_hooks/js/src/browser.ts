// The package in a browser: fetch, and a last POST that outlives the page when it is hidden or left.
import type { Answer, Platform, Post, Scope } from "./platform.js";
import { runsOn } from "./runtime.js";

/** What browsers carry for a page that is gone. */
const KEEPALIVE_MAX = 60_000;

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

function onEnd(flush: () => void): void {
  globalThis.addEventListener?.("pagehide", flush);
  globalThis.document?.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") flush();
  });
}

function later(run: () => void, afterMs: number): () => void {
  const timer = setTimeout(run, afterMs);
  return () => clearTimeout(timer);
}

const platform: Platform = {
  environment: {},
  post,
  resource: () => ({ "user_agent.original": globalThis.navigator?.userAgent ?? "" }),
  scope,
  later,
  onEnd,
  maxLastBytes: KEEPALIVE_MAX,
};

runsOn(platform);

export * from "./api.js";
