// Send what waits, oldest first, one POST at a time, and decide what becomes of it: delivered, tried again, or counted.
import type { DeliverySettings } from "./config.js";
import { log } from "./guard.js";
import type { Losses } from "./losses.js";
import type { Answer, Fields, Platform } from "./platform.js";
import { VERSION } from "./version.js";

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 30_000;
const RETRY_AFTER_MAX_MS = 600_000;
/** What says something about the batch. Everything else between says something about the way, and can be mended. */
const REFUSED = new Set([400, 413, 415, 422]);

export class Delivery {
  private readonly waiting: string[] = [];
  private bytes = 0;
  private sending = 0;
  private failures = 0;
  private retryAtMs = 0;
  private askedUntilMs = 0;
  private batchLimit = Infinity;
  private running: Promise<void> | undefined;

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
    return Math.max(0, this.retryAtMs - Date.now());
  }

  add(encoded: string, settings: DeliverySettings): void {
    this.waiting.push(encoded);
    this.bytes += encoded.length;
    // What is on its way must not be dropped under it: it is the oldest.
    while (
      this.waiting.length > this.sending + 1 &&
      (this.waiting.length > settings.bufferMaxEvents || this.bytes > settings.bufferMaxBytes)
    ) {
      const [gone] = this.waiting.splice(this.sending, 1);
      this.bytes -= (gone as string).length;
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

  /** At a page's end: everything that fits, in one go, without waiting for answers. */
  sendLast(settings: DeliverySettings): void {
    const count = this.next(settings, this.platform.maxLastBytes);
    if (!count || this.sending) return;
    const batch = this.waiting.splice(0, count);
    this.bytes -= batch.reduce((sum, event) => sum + event.length, 0);
    this.post(batch, settings, true).catch(() => this.losses.count("exit", batch.length));
  }

  /** Gives up what is left. */
  close(): number {
    const left = this.waiting.splice(0).length;
    this.bytes = 0;
    return left;
  }

  private async loop(settings: DeliverySettings, isForced: boolean, isLast: boolean): Promise<void> {
    while (this.waiting.length && Date.now() >= (isForced ? this.askedUntilMs : this.retryAtMs)) {
      const count = this.next(settings, settings.batchMaxBytes);
      this.sending = count;
      let answer: Answer | undefined;
      let why = "";
      try {
        answer = await this.post(this.waiting.slice(0, count), settings, isLast);
      } catch (error) {
        why = errorCode(error);
      }
      this.sending = 0;
      if (!(answer ? this.judge(answer, count, settings) : this.wait(settings, null, why))) return;
    }
  }

  private next(settings: DeliverySettings, maxBytes: number): number {
    const most = Math.min(this.waiting.length, settings.batchMaxEvents, this.batchLimit);
    let count = 0;
    for (let bytes = 0; count < most; count++) {
      bytes += (this.waiting[count] as string).length;
      if (count && bytes > maxBytes) break;
    }
    return count;
  }

  private post(batch: readonly string[], settings: DeliverySettings, isLast: boolean): Promise<Answer> {
    const headers: Record<string, string> = { "content-type": "application/json", "x-hookline-client": `hookline-js/${VERSION}` };
    if (settings.apiKey) headers["authorization"] = `Bearer ${settings.apiKey}`;
    const body = `{"resource":${JSON.stringify(this.resource(settings))},"events":[${batch.join(",")}]}`;
    const timeoutMs = isLast ? Math.min(settings.postTimeoutMs, settings.exitTimeoutMs) : settings.postTimeoutMs;
    return this.platform.post({ url: `${settings.url}/v1/events`, headers, body, timeoutMs, isLast });
  }

  /** Whether to go on at once. */
  private judge(answer: Answer, count: number, settings: DeliverySettings): boolean {
    const { status } = answer;
    const rejected = status === 422 || (status >= 200 && status < 300) ? readRejected(answer.body) : undefined;
    if (rejected && (status !== 422 || rejected.length)) {
      for (const code of rejected) {
        this.losses.count("rejected");
        this.losses.count(`rejected_${code}`);
      }
      this.healed(settings);
      this.drop(count);
      return true;
    }
    if (status === 413 && count > 1) {
      this.batchLimit = Math.max(1, Math.floor(count / 2));
      return true;
    }
    if (REFUSED.has(status)) {
      this.losses.count(status === 413 ? "too_large" : "refused", count);
      this.losses.count(`refused_${status}`, count);
      this.drop(count);
      return true;
    }
    return this.wait(settings, answer.retryAfter, String(status));
  }

  private drop(count: number): void {
    for (const event of this.waiting.splice(0, count)) this.bytes -= event.length;
  }

  private wait(settings: DeliverySettings, retryAfter: string | null, why: string): false {
    if (++this.failures === 1) {
      log(`events can't be delivered to ${settings.url} (${why}); they are kept as far as there is room; check HOOKLINE_URL and HOOKLINE_API_KEY`);
    }
    const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(this.failures - 1, 10)) * (0.5 + Math.random() / 2);
    const askedMs = Math.min(readRetryAfter(retryAfter), RETRY_AFTER_MAX_MS);
    this.askedUntilMs = Date.now() + askedMs;
    this.retryAtMs = Date.now() + Math.max(backoffMs, askedMs);
    return false;
  }

  private healed(settings: DeliverySettings): void {
    if (this.failures) log(`events are delivered to ${settings.url} again`);
    this.failures = this.retryAtMs = this.askedUntilMs = 0;
  }
}

function errorCode(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return String(code ?? name ?? "error");
}

/** Codes of the rejected events; undefined where the answer is none of a collector. */
function readRejected(body: string): string[] {
  try {
    const found = (JSON.parse(body) as { rejected?: { code?: unknown }[] }).rejected;
    return (found ?? []).map((item) => String(item.code));
  } catch {
    return [];
  }
}

/** Milliseconds; the header is seconds or an HTTP date. */
function readRetryAfter(header: string | null): number {
  if (!header) return 0;
  const seconds = Number(header);
  const found = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000;
  return Number.isFinite(found) ? Math.max(0, found) : 0;
}
