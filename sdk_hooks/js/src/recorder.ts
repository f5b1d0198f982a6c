// The life of one call, from a hook's remarks to events: one started, one terminal, packed chunks between.
// In the host's calls: a copy of the request and an append a chunk. Events are rendered when the emitter drains the record.
import { checked, type CallOptions, type CallSettings } from "./config.js";
import { type Enclosing, enclosing } from "./context.js";
import { settingsFields } from "./fields.js";
import type { Event, Terminal } from "./events/index.js";
import { Packer, type Piece } from "./packing.js";
import { guard } from "./guard.js";
import { traceparent } from "./hostspan.js";
import { currentRuntime, type Runtime } from "./runtime.js";
import { type Activity, type Answered, CARRIED, type Lazily, type MadeEvent, type Seen, type Shape } from "./shapes.js";
import { take } from "./snapshot.js";

/** Steps of the golden ratio spread the sampled calls evenly, whatever rhythm the host calls in. */
const GOLDEN = 0.618_033_988_749_895;
/** What is known of a call before its hook has told anything. */
type OfCall = Terminal & { duration?: number; content?: string };
interface End {
  readonly what: "completed" | "error" | "aborted";
  readonly atMs: number;
  readonly answer: Lazily<object> | undefined;
  readonly error: { name: string; message: string } | undefined;
}

export interface Begin<A extends Activity = Activity> {
  readonly shape: Shape<A>;
  /** The host's, until the call has made its copy. */
  request: unknown;
  readonly provider: string | undefined;
  /** Where the shape can read it in what was kept of the request, nobody needs to say it. */
  model?: string | undefined;
  streaming?: boolean;
  /** Shares the trace of the call with this id, without being inside it. */
  readonly rootRequestId?: string | undefined;
}

export class Call<A extends Activity = Activity> {
  messageId: string | undefined;
  isDone = false;
  isSampled = true;
  /** An answer has come, and nobody has asked for it yet. */
  isAnswered = false;
  /** Grows by what a stream says, which is held until its end. */
  sizeBytes: number;
  private scope: Enclosing | undefined;
  private pieces: Piece[] | undefined;
  private end: End | undefined;
  private isAnnounced = false;
  private packer: Packer | undefined;
  private firstMs: number | undefined;
  private lastMs: number;
  private carried: Partial<Event> | undefined;

  /** `id`: of a call inside another one, the whole of it; else its number, put into words when it is asked for. */
  constructor(private readonly runtime: Runtime, private readonly begin: Begin<A>, private readonly at: Moment, private id: string | number) {
    this.lastMs = at.startedMs;
    const snapshot = take(begin.request);
    begin.request = snapshot.value;
    this.sizeBytes = snapshot.sizeBytes + 512;
  }

  get settings(): CallSettings {
    return this.at.settings;
  }

  get activity(): A {
    return this.begin.shape.activity;
  }

  get startMs(): number {
    return this.at.startedMs;
  }

  get requestId(): string {
    if (typeof this.id === "number") this.id = this.runtime.identity.requestId(this.id);
    return this.id;
  }

  // -- inside the host's calls --------------------------------------------------------------------------------------------

  text(text: string, choice = 0, messageId?: string): void {
    this.append({ kind: "content", atMs: performance.now(), text, choice, messageId });
  }

  append(piece: Piece): void {
    this.lastMs = piece.atMs;
    if (!this.isSampled || this.isDone) return;
    (this.pieces ??= []).push(piece);
    this.sizeBytes += piece.text.length;
    this.runtime.emitter.grew(piece.text.length);
  }

  complete(answer: Lazily<Answered<A>>): void {
    this.finish("completed", answer);
  }

  /** It went well, and nothing is known of the answer. */
  completeUnread(): void {
    this.finish("completed");
  }

  fail(error: { name: string; message: string }, answer?: Lazily<Seen<A>>): void {
    this.finish("error", answer, error);
  }

  /** The host left a stream early. Sent with what was seen so far. */
  abort(answer?: Lazily<Seen<A>>): void {
    this.finish("aborted", answer);
  }

  answered(): void {
    this.isAnswered = true;
    this.lastMs = performance.now();
  }

  /** Nobody reads on, and nobody said so: it ended, for the host, with the last piece. What is only not asked for went well. */
  left(): void {
    this.finish(this.isAnswered ? "completed" : "aborted", undefined, undefined, this.lastMs);
  }

  get hasEnded(): boolean {
    return this.end !== undefined;
  }

  /** A call inside this one's stream, like an image of a Responses stream: `<requestId>/<item id>`. */
  child<C extends Activity>(shape: Shape<C>, itemId: string, model: string | undefined, startedMs = performance.now()): Call<C> | undefined {
    const begin: Begin<C> = { shape, request: {}, provider: this.begin.provider, model };
    const at = { ...this.at, startedMs, startedWallMs: this.toWallMs(startedMs), around: this.asEnclosing() };
    const child = new Call(this.runtime, begin, at, `${this.requestId}/${itemId}`);
    child.isSampled = this.isSampled;
    return !child.isSampled || this.runtime.emitter.offer(child) ? child : undefined;
  }

  /** For calls that are made inside this one. */
  asEnclosing(): Enclosing {
    const { around, traceparent } = this.at;
    this.scope ??= {
      requestId: this.requestId, rootRequestId: around?.rootRequestId ?? this.begin.rootRequestId ?? this.requestId,
      toolCallId: undefined, traceparent, isSampled: this.isSampled, around, isOver: false,
    };
    return this.scope;
  }

  private finish(what: End["what"], answer?: End["answer"], error?: End["error"], atMs = performance.now()): void {
    if (this.end) return;
    this.end = { what, atMs, answer, error };
    if (this.scope) this.scope.isOver = true;
    if (!this.isSampled) {
      // An unsampled call still sends its error.
      if (what === "error") this.runtime.emitter.offer(this);
      else this.isDone = true;
    }
    if (!this.isDone) this.runtime.emitter.ended();
  }

  // -- when the emitter drains --------------------------------------------------------------------------------------------

  *drain(): Iterable<MadeEvent> {
    if (!this.isAnnounced) {
      this.isAnnounced = true;
      yield this.startedEvent();
    }
    const { pieces } = this;
    if (pieces) {
      this.pieces = undefined;
      yield* this.chunkEvents(pieces);
    }
    if (this.end) {
      this.isDone = true;
      yield this.terminalEvent(this.end);
    }
  }

  private startedEvent(): MadeEvent {
    const { begin } = this;
    const fields: object = begin.shape.started(begin.shape.read ? this.read(begin.shape.read) : begin.request);
    begin.request = undefined;
    const carried: Record<string, unknown> = {};
    for (const name of CARRIED) if (name in fields) carried[name] = (fields as typeof carried)[name];
    this.carried = carried;
    return Object.assign(this.event("started", this.startMs), fields) as MadeEvent;
  }

  private read(read: NonNullable<Shape["read"]>): unknown {
    const { begin } = this;
    const found = read(begin.request);
    if (typeof found.model === "string") begin.model ??= found.model;
    begin.streaming ??= found.stream === true;
    return found;
  }

  private *chunkEvents(pieces: readonly Piece[]): Iterable<MadeEvent> {
    this.firstMs ??= pieces[0]?.atMs;
    this.packer ??= new Packer(this.requestId);
    this.packer.messageId = this.messageId;
    const context = settingsFields(this.settings);
    for (const event of this.packer.pack(pieces, this.toWallMs(0))) yield Object.assign(event, context);
  }

  private terminalEvent(end: End): MadeEvent {
    const event = Object.assign(this.event(end.what, end.atMs), this.carried);
    event.duration = Math.max(0, end.atMs - this.startMs);
    if (this.firstMs !== undefined) event.timeToFirstChunk = this.firstMs - this.startMs;
    // Of what was handed on, or is nothing but tools, the text is empty.
    if (this.begin.shape.activity === "text" && end.what === "completed") event.content = "";
    if (this.packer) Object.assign(event, this.packer.seen());
    const { answer } = end;
    Object.assign(event, typeof answer === "function" ? guard("answer", answer as () => object) : answer);
    return (end.error ? Object.assign(event, { error: end.error }) : event) as MadeEvent;
  }

  private event(what: "started" | End["what"], atMs: number): OfCall {
    const { activity } = this.begin.shape;
    const event: OfCall = {
      type: `${activity}:request:${what}`, timestamp: this.toWallMs(atMs), requestId: this.requestId,
    };
    if (activity === "text") event.streamId = this.requestId;
    if (this.begin.provider) event.provider = this.begin.provider;
    if (this.begin.model) event.model = this.begin.model;
    if (this.begin.streaming || activity === "text") event.streaming = this.begin.streaming ?? false;
    Object.assign(event, settingsFields(this.settings));
    this.addPlace(event);
    return event;
  }

  /** From the start's wall clock and the steady clock: a clock that is set back in between can't turn a call around. */
  private toWallMs(steadyMs: number): number {
    return this.at.startedWallMs - this.at.startedMs + steadyMs;
  }

  /** What the first and the last event of a call have, and those between have not. */
  private addPlace(event: OfCall): void {
    const { settings, traceparent, around: parent } = this.at;
    if (settings.tags) event.tags = settings.tags;
    if (traceparent) event.traceparent = traceparent;
    if (settings.sampleRate < 1) event.sampleRate = this.isSampled ? settings.sampleRate : 1;
    const rootRequestId = parent?.rootRequestId ?? this.begin.rootRequestId;
    if (rootRequestId && rootRequestId !== this.requestId) event.rootRequestId = rootRequestId;
    if (parent) event.parentRequestId = parent.requestId;
    if (parent?.toolCallId) event.parentToolCallId = parent.toolCallId;
  }
}

/** What `instrument(client, …)` was given, checked once. */
export function layerOf(options: CallOptions): CallOptions {
  return checked(options, "instrument");
}

/** What is true of the host when it makes a call; read in its own context, before anything is awaited. */
export interface Moment {
  readonly settings: CallSettings;
  readonly traceparent: string | undefined;
  readonly startedMs: number;
  /** The same by the host's clock, in Unix milliseconds. */
  readonly startedWallMs: number;
  readonly around: Enclosing | undefined;
  readonly isSilent: boolean;
}

export function moment(layer: CallOptions | undefined): Moment {
  const runtime = currentRuntime();
  const surrounding = runtime.surroundings.current();
  const around = surrounding && enclosing(surrounding);
  return {
    settings: runtime.config.forCall(layer, runtime.sessions.current()),
    traceparent: around ? around.traceparent : traceparent(),
    startedMs: performance.now(),
    startedWallMs: Date.now(),
    around,
    isSilent: surrounding?.isSilent === true,
  };
}

/** Undefined means: not recorded (disabled, or the buffer is full, which is counted). */
export function startCall<A extends Activity>(begin: Begin<A>, at: Moment): Call<A> | undefined {
  const { settings, around } = at;
  if (settings.disabled || at.isSilent) return undefined;
  const runtime = currentRuntime();
  const number = runtime.identity.requestNumber();
  const call = new Call(runtime, begin, at, number);
  call.isSampled = around ? around.isSampled : settings.sampleRate >= 1 || (number * GOLDEN) % 1 < settings.sampleRate;
  return !call.isSampled || runtime.emitter.offer(call) ? call : undefined;
}
