// The buffer between what is recorded and the collector: renders records at each flush, numbers their events, sends batches.
// Its timer does not keep the process alive, and nothing here waits inside the host's calls. What waits is rendered in slices, in
// turns with the host; at once only where nothing may come after: a flush, the end of a process, a page that is hidden.
import type { CallSettings, DeliverySettings, HooklineEvent } from "./config.js";
import { fit, MESSAGE_MAX } from "./cutting.js";
import type { Delivery, LastPost } from "./delivery.js";
import { guard, logSeldom } from "./guard.js";
import type { Losses } from "./losses.js";
import type { Platform } from "./platform.js";
import { prepare } from "./redact.js";
import { encodeLong, LongEvent } from "./repeats.js";
import type { MadeEvent } from "./shapes.js";

/** What is recorded: drained at each flush until it is done. */
export interface Recorded {
  readonly settings: CallSettings;
  readonly sizeBytes: number;
  /** Nothing of it can come any more; also set where it could not be rendered. */
  isDone: boolean;
  drain(): Iterable<MadeEvent>;
  /** The process ends: nothing more can come. */
  left(): void;
}

/** How long the host's event loop is held for us at a time; one record is the least. */
const SLICE_MS = 2;
const LOST_ON_THE_WAY = ["undelivered", "refused", "rejected", "too_large"];

export class Emitter {
  /** What the next round looks at. */
  private live: Recorded[] = [];
  /** The round under way: who has not had a turn, the next one last, and who had one and is not done. */
  private queue: Recorded[] = [];
  private open: Recorded[] = [];
  /** Of all three. */
  private liveBytes = 0;
  private slicing: Promise<void> | undefined;
  private sequence = 0;
  private cancelTimer: (() => void) | undefined;
  private cancelRetry: (() => void) | undefined;
  private isClosed = false;

  constructor(
    private readonly platform: Platform,
    private readonly settings: () => DeliverySettings,
    private readonly losses: Losses,
    private readonly prefix: string,
    private readonly delivery: Delivery,
  ) {}

  /** Take a record in. False, counted: it does not fit, or the process is at its end. */
  offer(record: Recorded): boolean {
    const settings = this.settings();
    if (this.isClosed || this.held() >= settings.bufferMaxEvents || this.liveBytes + record.sizeBytes > settings.bufferMaxBytes) {
      this.losses.count("buffer_full");
      return false;
    }
    this.live.push(record);
    this.liveBytes += record.sizeBytes;
    this.wake(settings.flushIntervalMs);
    return true;
  }

  /** A record that was taken in holds so much more. */
  grew(bytes: number): void {
    this.liveBytes += bytes;
  }

  /** A call has ended. In sync delivery it is sent now. */
  ended(): void {
    const settings = this.settings();
    if (settings.delivery === "sync") void this.round(false);
    else this.wake(settings.flushIntervalMs);
  }

  /** An event that is text already, as its sender numbered it. */
  emit(encode: (id: { eventId: string; sequence: number }) => string): void {
    if (this.isClosed) return;
    const sequence = this.sequence + 1;
    const settings = this.settings();
    this.delivery.add(encode({ eventId: `${this.prefix}-${sequence}`, sequence }), settings);
    this.sequence = sequence;
    this.wake(settings.flushIntervalMs);
  }

  /** True: everything recorded so far is delivered. */
  async flush(timeoutMs: number, isLast = false): Promise<boolean> {
    const before = this.lost();
    const deadlineMs = performance.now() + timeoutMs;
    guard("emitter", () => this.render());
    const sent = (async () => {
      do {
        await this.round(true, isLast);
        if (!this.delivery.inMemory || (isLast && this.delivery.isFailing)) break;
        await new Promise<void>((resolve) => setTimeout(resolve, 100));
      } while (performance.now() < deadlineMs);
    })();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([sent, late]);
    clearTimeout(timer);
    return !this.delivery.inMemory && this.lost() === before;
  }

  async close(timeoutMs: number): Promise<boolean> {
    this.leave();
    const isSafe = await this.flush(timeoutMs, true);
    this.giveUp();
    return isSafe;
  }

  /** What is left is counted and let go, and nothing more is taken. */
  giveUp(): void {
    this.isClosed = true;
    this.cancelTimer?.();
    this.cancelRetry?.();
    const left = this.delivery.close();
    if (left) this.losses.count("exit", left);
  }

  /** Streams that are open when nothing can run any more were abandoned. */
  leave(): void {
    for (const record of [...this.open, ...this.queue, ...this.live]) guard("leave", () => record.left());
  }

  hasWork(): boolean {
    return this.held() > 0 || this.delivery.inMemory > 0;
  }

  get isFailing(): boolean {
    return this.delivery.isFailing;
  }

  /** A page is hidden or left: out with everything that fits, at once. How much that was. */
  sendLast(roomBytes: number): number {
    guard("emitter", () => this.render());
    return this.delivery.sendLast(this.settings(), roomBytes);
  }

  /** Nothing asynchronous runs any more: everything that waits. */
  last(): LastPost[] {
    this.leave();
    guard("emitter", () => this.render());
    return this.delivery.last(this.settings());
  }

  private wake(afterMs: number): void {
    this.cancelTimer ??= this.platform.later(() => {
      this.cancelTimer = undefined;
      void this.round(false).then(() => this.tryLater());
    }, afterMs);
  }

  /** By a timer of its own: what is recorded while the collector is away is rendered meanwhile, so that the oldest goes and not the newest. */
  private tryLater(): void {
    if (!this.delivery.inMemory || this.isClosed) return;
    this.cancelRetry ??= this.platform.later(() => {
      this.cancelRetry = undefined;
      void this.round(false).then(() => this.tryLater());
    }, Math.max(this.delivery.dueMs, 50));
  }

  private async round(isForced: boolean, isLast = false): Promise<void> {
    if (this.held()) await this.slices();
    try {
      await this.delivery.run(this.settings(), isForced, isLast);
    } catch (error) {
      guard("delivery", () => {
        throw error;
      });
    }
    if (this.held()) this.wake(Math.max(this.settings().flushIntervalMs, 50));
  }

  /** Everything that waits, also what came behind a round under way since its turn. */
  private render(): void {
    if (this.queue.length) this.renderUntil(() => false);
    this.begin();
    this.renderUntil(() => false);
  }

  /** Each record that waits now has its turn. Undefined: it had. Between two slices anything may happen, also a `render`. */
  private slices(): Promise<void> | undefined {
    if (this.slicing) return this.slicing;
    this.begin();
    if (this.slice()) return undefined;
    this.slicing = this.otherSlices();
    return this.slicing;
  }

  private async otherSlices(): Promise<void> {
    do await new Promise<void>((resolve) => this.platform.soon(resolve));
    while (!this.slice());
    this.slicing = undefined;
  }

  /** True: nobody is left in the queue. */
  private slice(): boolean {
    const untilMs = performance.now() + SLICE_MS;
    guard("emitter", () => this.renderUntil(() => performance.now() >= untilMs));
    return !this.queue.length;
  }

  private begin(): void {
    // A `redact` that makes calls gets here from inside a round.
    if (this.queue.length) return;
    this.queue = this.live.reverse();
    this.live = [];
  }

  private renderUntil(isTimeUp: () => boolean): void {
    while (this.queue.length) {
      this.renderOne(this.queue.pop() as Recorded);
      if (this.queue.length && isTimeUp()) return;
    }
    this.live = this.open.concat(this.live);
    this.open = [];
  }

  private renderOne(record: Recorded): void {
    try {
      for (const event of record.drain()) this.add(event, record.settings);
    } catch (error) {
      // What a hook's reader can't read: this call's remaining events are lost, others are not.
      record.isDone = true;
      this.losses.count("render_failed");
      logSeldom("emitter.render", `a call could not be rendered (${error instanceof Error ? error.name : "error"})`);
    }
    if (record.isDone) this.liveBytes -= record.sizeBytes;
    else this.open.push(record);
  }

  private held(): number {
    return this.queue.length + this.open.length + this.live.length;
  }

  private add(event: MadeEvent, settings: CallSettings): void {
    let prepared: HooklineEvent | null;
    try {
      // From here on it may lose members and be what `redact` makes of it.
      prepared = prepare(event as object as HooklineEvent, settings);
    } catch {
      this.losses.count("redact_failed");
      logSeldom("redact", "redact threw or returned no event; the event is not sent");
      return;
    }
    if (prepared === null) {
      this.losses.count("redacted");
      return;
    }
    const sequence = this.sequence + 1;
    const id = { sequence, eventId: `${this.prefix}-${sequence}` };
    // What `redact` gave back is the host's.
    const numbered: HooklineEvent = settings.redact ? { ...prepared, ...id } : Object.assign(prepared, id);
    const { digest } = this.platform;
    let encoded = encodeLong(numbered, encode, digest);
    // A character may be three bytes.
    if (encoded.length * 3 > MESSAGE_MAX && !(encoded instanceof LongEvent && encoded.surelyFits)) {
      const fitted = fit(numbered);
      if (fitted !== numbered) encoded = encodeLong(fitted, encode, digest);
    }
    this.delivery.add(encoded, this.settings());
    this.sequence = sequence;
  }

  private lost(): number {
    const counts = this.losses.snapshot();
    return LOST_ON_THE_WAY.reduce((sum, reason) => sum + (counts[reason] ?? 0), 0);
  }
}

/** JSON; a BigInt as TanStack's bus writes it. */
export function encode(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    const around: object[] = [];
    return JSON.stringify(value, function (this: object, _name, item: unknown) {
      if (typeof item === "bigint") return { __type: "bigint", value: String(item) };
      if (item === null || typeof item !== "object") return item;
      while (around.length && around.at(-1) !== this) around.pop();
      if (around.includes(item)) return "<circular>";
      around.push(item);
      return item;
    });
  }
}
