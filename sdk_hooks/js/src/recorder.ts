// The life of one call, from a hook's remarks to events: one started, one terminal, packed chunks between.
// In the host's calls: a copy of the request and an append a chunk. Events are rendered when the emitter drains the record.
import { checked, type CallOptions, type CallSettings, type HooklineEvent } from "./config.js";
import { type Enclosing, enclosing } from "./context.js";
import { settingsFields } from "./fields.js";
import { Packer, type Piece } from "./packing.js";
import { guard } from "./guard.js";
import type { Fields } from "./platform.js";
import { traceparent } from "./hostspan.js";
import { currentRuntime, type Runtime } from "./runtime.js";
import { take } from "./snapshot.js";

/** Steps of the golden ratio spread the sampled calls evenly, whatever rhythm the host calls in. */
const GOLDEN = 0.618_033_988_749_895;
/** What a terminal event repeats of its started event. */
const CARRIED = ["messageCount", "hasTools", "inputLength", "documentCount", "requestType", "agentName", "dimensions"];

/** How calls of one kind become events: pure functions, run when the record is drained. */
export interface Shape {
  /** First part of the event types: text, image, embedding, … */
  readonly activity: string;
  started(request: unknown): Fields;
}

/** What was answered; or how to read it from a copy, when the record is drained. */
export type Answer = Fields | (() => Fields);

interface End {
  readonly what: "completed" | "error" | "aborted";
  readonly atMs: number;
  readonly answer: Answer | undefined;
  readonly error: { name: string; message: string } | undefined;
}

export interface Begin {
  readonly shape: Shape;
  /** The host's, until the call has made its copy. */
  request: unknown;
  readonly provider: string | undefined;
  readonly model: string | undefined;
  readonly streaming?: boolean;
  /** Shares the trace of the call with this id, without being inside it. */
  readonly rootRequestId?: string | undefined;
}

export class Call {
  messageId: string | undefined;
  isDone = false;
  isSampled = true;
  readonly sizeBytes: number;
  private scope: Enclosing | undefined;
  private pieces: Piece[] | undefined;
  private end: End | undefined;
  private isAnnounced = false;
  private packer: Packer | undefined;
  private firstMs: number | undefined;
  private lastMs: number;
  private carried: Fields | undefined;

  /** `id`: of a call inside another one, the whole of it; else its number, put into words when it is asked for. */
  constructor(private readonly runtime: Runtime, private readonly begin: Begin, private readonly at: Moment, private id: string | number) {
    this.lastMs = at.startedMs;
    const snapshot = take(begin.request);
    begin.request = snapshot.value;
    this.sizeBytes = snapshot.sizeBytes + 512;
  }

  get settings(): CallSettings {
    return this.at.settings;
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
    if (this.isSampled) (this.pieces ??= []).push(piece);
  }

  complete(answer?: Answer): void {
    this.finish("completed", answer);
  }

  fail(error: { name: string; message: string }, answer?: Answer): void {
    this.finish("error", answer, error);
  }

  /** The host left a stream early. Sent with what was seen so far. */
  abort(answer?: Answer): void {
    this.finish("aborted", answer);
  }

  /** Nobody reads on, and nobody said so: it ended, for the host, with the last piece. */
  left(): void {
    this.finish("aborted", undefined, undefined, this.lastMs);
  }

  get hasEnded(): boolean {
    return this.end !== undefined;
  }

  /** A call inside this one's stream, like an image of a Responses stream: `<requestId>/<item id>`. */
  child(shape: Shape, itemId: string, model: string | undefined, startedMs = performance.now()): Call | undefined {
    const begin: Begin = { shape, request: {}, provider: this.begin.provider, model };
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

  private finish(what: End["what"], answer?: Answer, error?: End["error"], atMs = performance.now()): void {
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

  *drain(): Iterable<HooklineEvent> {
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

  private startedEvent(): HooklineEvent {
    const fields = this.begin.shape.started(this.begin.request);
    this.begin.request = undefined;
    this.carried = {};
    for (const name of CARRIED) if (name in fields) this.carried[name] = fields[name];
    return Object.assign(this.event("started", this.startMs), fields);
  }

  private *chunkEvents(pieces: readonly Piece[]): Iterable<HooklineEvent> {
    this.firstMs ??= pieces[0]?.atMs;
    this.packer ??= new Packer(this.requestId);
    this.packer.messageId = this.messageId;
    const context = settingsFields(this.settings);
    for (const event of this.packer.pack(pieces, this.toWallMs(0))) yield Object.assign(event, context);
  }

  private terminalEvent(end: End): HooklineEvent {
    const event = Object.assign(this.event(end.what, end.atMs), this.carried);
    event["duration"] = Math.max(0, end.atMs - this.startMs);
    if (this.firstMs !== undefined) event["timeToFirstChunk"] = this.firstMs - this.startMs;
    if (this.packer) Object.assign(event, this.packer.seen());
    const { answer } = end;
    Object.assign(event, typeof answer === "function" ? guard("answer", answer) : answer);
    if (end.error) event["error"] = end.error;
    return event;
  }

  private event(what: string, atMs: number): HooklineEvent {
    const { activity } = this.begin.shape;
    const event: HooklineEvent = {
      type: `${activity}:request:${what}`, timestamp: this.toWallMs(atMs), requestId: this.requestId,
    };
    if (activity === "text") event["streamId"] = this.requestId;
    if (this.begin.provider) event["provider"] = this.begin.provider;
    if (this.begin.model) event["model"] = this.begin.model;
    if (this.begin.streaming || activity === "text") event["streaming"] = this.begin.streaming ?? false;
    Object.assign(event, settingsFields(this.settings));
    this.addPlace(event);
    return event;
  }

  /** From the start's wall clock and the steady clock: a clock that is set back in between can't turn a call around. */
  private toWallMs(steadyMs: number): number {
    return this.at.startedWallMs - this.at.startedMs + steadyMs;
  }

  /** What the first and the last event of a call have, and those between have not. */
  private addPlace(event: HooklineEvent): void {
    const { settings, traceparent, around: parent } = this.at;
    if (settings.tags) event["tags"] = settings.tags;
    if (traceparent) event["traceparent"] = traceparent;
    if (settings.sampleRate < 1) event["sampleRate"] = this.isSampled ? settings.sampleRate : 1;
    const rootRequestId = parent?.rootRequestId ?? this.begin.rootRequestId;
    if (rootRequestId && rootRequestId !== this.requestId) event["rootRequestId"] = rootRequestId;
    if (parent) event["parentRequestId"] = parent.requestId;
    if (parent?.toolCallId) event["parentToolCallId"] = parent.toolCallId;
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
export function startCall(begin: Begin, at: Moment): Call | undefined {
  const { settings, around } = at;
  if (settings.disabled || at.isSilent) return undefined;
  const runtime = currentRuntime();
  const number = runtime.identity.requestNumber();
  const call = new Call(runtime, begin, at, number);
  call.isSampled = around ? around.isSampled : settings.sampleRate >= 1 || (number * GOLDEN) % 1 < settings.sampleRate;
  return !call.isSampled || runtime.emitter.offer(call) ? call : undefined;
}
