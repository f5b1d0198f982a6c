// Send what waits, oldest first, one POST at a time, and decide what becomes of it: delivered, tried again, or counted.
import type { DeliverySettings } from "./config.js";
import { sizeOf } from "./cutting.js";
import { log } from "./guard.js";
import type { Losses } from "./losses.js";
import type { Answer, Fields, Platform, Post } from "./platform.js";
import { type Parcel, Repeats, textOf, type Waiting } from "./repeats.js";

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 30_000;
const RETRY_AFTER_MAX_MS = 600_000;
/** What says something about the batch. Everything else between says something about the way, and can be mended. */
const REFUSED = new Set([400, 413, 415, 422]);

/** `drop` forgets what is in the POST: it was taken. */
export interface LastPost {
  readonly post: Post;
  readonly drop: () => void;
}

export class Delivery {
  private waiting: Waiting[] = [];
  /** Sent for a page that is left, and not answered yet. */
  private readonly leaving = new Set<Waiting>();
  private bytes = 0;
  private sending = 0;
  private failures = 0;
  /** By the steady clock, like the next: the host's may be set back. */
  private retryAtMs = 0;
  private askedUntilMs = 0;
  private batchLimit = Infinity;
  private running: Promise<void> | undefined;
  private repeats = new Repeats();
  /** Whose they are. */
  private collector = "";

  constructor(
    private readonly platform: Platform,
    private readonly losses: Losses,
    private readonly resource: (settings: DeliverySettings) => Fields,
  ) {}

  get inMemory(): number {
    return this.waiting.length;
  }

  get isFailing(): boolean {
    return this.failures > 0;
  }

  /** How long until the next try by ourselves. */
  get dueMs(): number {
    return Math.max(0, this.retryAtMs - performance.now());
  }

  add(encoded: Waiting, settings: DeliverySettings): void {
    this.waiting.push(encoded);
    this.bytes += encoded.length;
    // What is on its way must not be dropped under it: it is the oldest.
    while (
      this.waiting.length > this.sending + 1 &&
      (this.waiting.length > settings.bufferMaxEvents || this.bytes > settings.bufferMaxBytes)
    ) {
      const [gone] = this.waiting.splice(this.sending, 1);
      this.bytes -= (gone as Waiting).length;
      this.losses.count("undelivered");
    }
  }

  /** Until nothing waits or the collector says no. `isForced` does not wait for our own backoff, but for Retry-After. */
  run(settings: DeliverySettings, isForced: boolean, isLast = false): Promise<void> {
    this.running ??= this.loop(settings, isForced, isLast).finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  /**
   * At a page's end: what fits, in one go, also what is on its way already, since that may end with the page. It stays here until it
   * is known to have arrived, for a page that comes back: by their ids the collector knows what it has. How much it was.
   */
  sendLast(settings: DeliverySettings, roomBytes: number): number {
    const batch: Waiting[] = [];
    let bytes = JSON.stringify(this.resource(settings)).length + 32;
    for (const event of this.waiting) {
      if (this.leaving.has(event)) continue;
      const more = sizeOf(textOf(event)) + 1;
      // One that is too large must not keep those behind it.
      if (bytes + more > roomBytes) continue;
      bytes += more;
      if (batch.push(event) >= settings.batchMaxEvents) break;
    }
    if (!batch.length) return 0;
    for (const event of batch) this.leaving.add(event);
    const told = (isDelivered: boolean): void => {
      for (const event of batch) this.leaving.delete(event);
      if (isDelivered) this.drop(batch);
    };
    this.post(batch.map(textOf), settings, true).then(({ status }) => told(status >= 200 && status < 300), () => told(false));
    return bytes;
  }

  /** Everything, for a process that ends at once; also what is on its way: by their ids the collector knows what it has. */
  last(settings: DeliverySettings): LastPost[] {
    const posts: LastPost[] = [];
    if (performance.now() < this.askedUntilMs) return posts;
    for (let from = 0; from < this.waiting.length; ) {
      const batch = this.waiting.slice(from, from + this.next(settings, settings.batchMaxBytes, from));
      posts.push({ post: this.asPost(batch.map(textOf), settings, true), drop: () => this.drop(batch) });
      from += batch.length;
    }
    return posts;
  }

  /** Gives up what is left. */
  close(): number {
    const left = this.waiting.splice(0).length;
    this.bytes = 0;
    return left;
  }

  private async loop(settings: DeliverySettings, isForced: boolean, isLast: boolean): Promise<void> {
    while (this.waiting.length && performance.now() >= (isForced ? this.askedUntilMs : this.retryAtMs)) {
      const count = this.next(settings, settings.batchMaxBytes);
      const batch = this.waiting.slice(0, count);
      this.sending = count;
      let answer: Answer | undefined;
      let why = "";
      const parcel = this.repeatsOf(settings).shorten(batch);
      try {
        answer = await this.post(parcel.events, settings, isLast, parcel.store);
      } catch (error) {
        why = errorCode(error);
      }
      this.sending = 0;
      if (!(answer ? this.judge(answer, batch, parcel, settings) : this.wait(settings, null, why))) return;
    }
  }

  private next(settings: DeliverySettings, maxBytes: number, from = 0): number {
    const most = Math.min(this.waiting.length - from, settings.batchMaxEvents, this.batchLimit);
    let count = 0;
    for (let bytes = 0; count < most; count++) {
      bytes += (this.waiting[from + count] as Waiting).length;
      if (count && bytes > maxBytes) break;
    }
    return count;
  }

  /** What the collector at this address is known to have. */
  private repeatsOf({ url, apiKey }: DeliverySettings): Repeats {
    const collector = `${url} ${apiKey ?? ""}`;
    if (collector !== this.collector) {
      this.collector = collector;
      this.repeats = new Repeats();
    }
    return this.repeats;
  }

  private post(batch: readonly string[], settings: DeliverySettings, isLast: boolean, store?: string): Promise<Answer> {
    return this.platform.post(this.asPost(batch, settings, isLast, store));
  }

  private asPost(batch: readonly string[], settings: DeliverySettings, isLast: boolean, store?: string): Post {
    // No other header: a page may send these to another origin, the collector names them to browsers.
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (settings.apiKey) headers["authorization"] = `Bearer ${settings.apiKey}`;
    const named = store === undefined ? "" : `,"store":"${store}"`;
    const body = `{"resource":${JSON.stringify(this.resource(settings))}${named},"events":[${batch.join(",")}]}`;
    const timeoutMs = isLast ? Math.min(settings.postTimeoutMs, settings.exitTimeoutMs) : settings.postTimeoutMs;
    return { url: `${settings.url}/v1/events`, headers, body, timeoutMs, isLast };
  }

  /** Whether to go on at once. */
  private judge(answer: Answer, batch: readonly Waiting[], parcel: Parcel, settings: DeliverySettings): boolean {
    const { status } = answer;
    const count = batch.length;
    const receipt = status === 422 || (status >= 200 && status < 300) ? readReceipt(answer.body) : undefined;
    if (receipt && (status !== 422 || receipt.rejected.length)) {
      this.healed(settings);
      const again = this.lacking(receipt, parcel);
      for (const { index, code } of receipt.rejected) {
        if (again.has(index)) continue;
        this.losses.count("rejected");
        this.losses.count(`rejected_${code}`);
      }
      this.drop(again.size ? batch.filter((_, at) => !again.has(at)) : batch);
      // What was too large was it perhaps by one event.
      this.batchLimit = Math.min(this.batchLimit * 2, settings.batchMaxEvents);
      return true;
    }
    if (status === 413 && count > 1) {
      this.batchLimit = Math.max(1, Math.floor(count / 2));
      return true;
    }
    if (REFUSED.has(status)) {
      this.losses.count(status === 413 ? "too_large" : "refused", count);
      this.losses.count(`refused_${status}`, count);
      this.drop(batch);
      return true;
    }
    return this.wait(settings, answer.retryAfter, String(status));
  }

  /** The places of events that refer to what the collector has no more: they stay, and go again, whole. */
  private lacking({ rejected, store }: Receipt, parcel: Parcel): Set<number> {
    this.repeats.learn(store, parcel, !rejected.length);
    const again = new Set<number>();
    for (const { index, code } of rejected) {
      const digests = code === UNKNOWN_REF ? parcel.referred.get(index) : undefined;
      if (!digests) continue;
      again.add(index);
      this.repeats.forget(digests);
    }
    return again;
  }

  private drop(batch: readonly Waiting[]): void {
    // Nearly always the oldest; not after a page was hidden, whose last request may have taken some already, nor where one goes again.
    if (batch.length && this.waiting[batch.length - 1] === batch.at(-1) && this.waiting[0] === batch[0]) {
      for (const event of this.waiting.splice(0, batch.length)) this.bytes -= event.length;
      return;
    }
    const gone = new Set(batch);
    this.waiting = this.waiting.filter((event) => !gone.has(event));
    this.bytes = this.waiting.reduce((sum, event) => sum + event.length, 0);
    this.sending = Math.min(this.sending, this.waiting.length);
  }

  private wait(settings: DeliverySettings, retryAfter: string | null, why: string): false {
    if (++this.failures === 1) {
      log(`events can't be delivered to ${plainUrl(settings.url)} (${why}); they are kept as far as there is room; check HOOKLINE_URL and HOOKLINE_API_KEY`);
    }
    const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(this.failures - 1, 10)) * (0.5 + Math.random() / 2);
    const askedMs = Math.min(readRetryAfter(retryAfter), RETRY_AFTER_MAX_MS);
    const nowMs = performance.now();
    this.askedUntilMs = nowMs + askedMs;
    this.retryAtMs = nowMs + Math.max(backoffMs, askedMs);
    return false;
  }

  private healed(settings: DeliverySettings): void {
    if (this.failures) log(`events are delivered to ${plainUrl(settings.url)} again`);
    this.failures = this.retryAtMs = this.askedUntilMs = 0;
  }
}

/** The address without a user or password in it. */
function plainUrl(url: string): string {
  return url.replace(/(:\/\/)[^/]*@/, "$1");
}

function errorCode(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return String(code ?? name ?? "error");
}

const UNKNOWN_REF = "unknown_ref";
const STORE_NAME = /^[a-z0-9]{1,64}$/i;

interface Receipt {
  readonly rejected: readonly { readonly index: number; readonly code: string }[];
  /** What the collector calls its store, where it was asked and knows of references. */
  readonly store: string;
}

/** What is none of a collector rejects nothing and names nothing. */
function readReceipt(body: string): Receipt {
  try {
    const { rejected = [], store } = JSON.parse(body) as { rejected?: { index?: unknown; code?: unknown }[]; store?: unknown };
    return {
      rejected: rejected.map(({ index, code }) => ({ index: Number(index), code: String(code) })),
      store: typeof store === "string" && STORE_NAME.test(store) ? store : "",
    };
  } catch {
    return { rejected: [], store: "" };
  }
}

/** Milliseconds; the header is seconds or an HTTP date. */
function readRetryAfter(header: string | null): number {
  if (!header) return 0;
  const seconds = Number(header);
  const found = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000;
  return Number.isFinite(found) ? Math.max(0, found) : 0;
}
