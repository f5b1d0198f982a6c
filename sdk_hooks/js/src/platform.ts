// What differs between Node and a browser. Each entry (node.ts, browser.ts) brings its own.
import type { DeliverySettings } from "./config.js";

export type Fields = Record<string, unknown>;

/** SHA-256 of the text as UTF-8, in hexadecimal. */
export type Digest = (text: string) => string;

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: string;
}

export interface Post {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly timeoutMs: number;
  /** The process or page is at its end: a request may keep it until it is answered. */
  readonly isLast: boolean;
}

export interface Scope<T> {
  current(): T | undefined;
  run<R>(value: T, inner: () => R): R;
  /** From here on in this chain of `await`s; nothing in browsers, which follow none. */
  enter(value: T): void;
}

export interface Platform {
  /** As OpenTelemetry calls it. */
  readonly language: "nodejs" | "webjs";
  /** Not where hashes come by an `await` only. */
  readonly digest?: Digest;
  readonly environment: Record<string, string | undefined>;
  /** Rejects when there is no answer. */
  post(post: Post): Promise<Answer>;
  resource(): Fields;
  scope<T>(): Scope<T>;
  /** A scope holds through `await`s, too. */
  readonly followsAwaits: boolean;
  /** A timer that does not keep the process alive. */
  later(run: () => void, afterMs: number): () => void;
  /** After the host has had its turn. */
  soon(run: () => void): void;
  /**
   * `flush` is called when the process or page ends, maybe more than once. `isGone`: nothing of it can run any more.
   * `last` is called where a process ends so suddenly that nothing asynchronous runs; `isGone` says that it surely does.
   */
  onEnd(flush: (isGone: boolean) => void, last: (isGone: boolean) => void): void;
  /** For `last`: how many of them were taken, the first ones, within this time. */
  postNow?(posts: readonly Post[], timeoutMs: number): number;
  /** What may be on its way for a page that is left; 0: a process, which waits for its last answers. */
  readonly maxLastBytes: number;
  /** Bounds that are other than usual here. */
  readonly defaults: Partial<DeliverySettings>;
}
