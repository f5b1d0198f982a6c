// Messages that the collector has already: agents resend their whole history with every call.
//
// Flow: emitter -> **encodeLong** -> delivery -> **Repeats** -> one POST.
// An event waits whole. Only for one POST long messages become references, and only those whose content this collector has
// acknowledged; it says when it has one no more, and then the event goes again, whole. Hashes are made where the event is, in the
// emitter's slices; a page, whose hashes come by an `await` only, sends everything whole.
import type { HooklineEvent } from "./config.js";
import { MESSAGE_MAX, MESSAGES_MAX } from "./cutting.js";
import type { Digest } from "./platform.js";

const LEAST_CHARACTERS = 1024;
/** Contents whose hashes are remembered: less than a megabyte. */
const MOST_KNOWN = 4096;
/** A content that the collector did not keep as we sent it (its rules changed it) is not tried for ever. */
const MOST_TRIES = 2;
const TYPE = "text:request:started";
/** What the collector keeps in another form than it was sent; texts alone are searched for nothing that is so. */
const MEDIA = /"data:|b64|B64|base64/;

/** How many bytes may be behind a character of JSON: of text, and of anything else, as `cutting` counts. */
const TEXT_BYTES = 3;
const OTHER_BYTES = 5;

interface Piece {
  readonly text: string;
  readonly mostBytes: number;
  /** Of a long message: by which it is known, and what stands in its place. */
  readonly digest: string;
  readonly reference: string;
}

/** An encoded event whose messages are apart. */
export class LongEvent {
  readonly length: number;

  constructor(private readonly before: string, readonly pieces: readonly Piece[]) {
    this.length = pieces.reduce((sum, piece) => sum + piece.text.length + 1, before.length + 1);
  }

  /** Nothing of it is to be cut; told by less than counting its bytes takes. */
  get surelyFits(): boolean {
    const { before, pieces } = this;
    let mostBytes = 0;
    for (const piece of pieces) {
      if (piece.mostBytes > MESSAGE_MAX) return false;
      mostBytes += piece.mostBytes;
    }
    return mostBytes <= MESSAGES_MAX && before.length * OTHER_BYTES <= MESSAGE_MAX;
  }

  whole(): string {
    return this.written((piece) => piece.text);
  }

  written(as: (piece: Piece) => string): string {
    return `${this.before}${this.pieces.map(as).join(",")}]}`;
  }
}

/** What waits: text, or text with long messages. */
export type Waiting = string | LongEvent;

export const textOf = (event: Waiting): string => (typeof event === "string" ? event : event.whole());

/** The event as `encode` gives it, or piece by piece where it has long messages. */
export function encodeLong(event: HooklineEvent, encode: (value: unknown) => string, digest: Digest | undefined): Waiting {
  const { type, messages } = event;
  if (!digest || type !== TYPE || !Array.isArray(messages) || !messages.some(mayBeLong)) return encode(event);
  const { messages: _, ...rest } = event;
  let isLong = false;
  const pieces = messages.map((message: unknown): Piece => {
    const text = encode(message) ?? "null";
    const isPlain = isText(message);
    const mostBytes = text.length * (isPlain ? TEXT_BYTES : OTHER_BYTES);
    if (text.length < LEAST_CHARACTERS || !isObject(message) || (!isPlain && MEDIA.test(text))) return { text, mostBytes, digest: "", reference: "" };
    isLong = true;
    const found = digest(text);
    return { text, mostBytes, digest: found, reference: `{${role(message)}"ref":"sha256:${found}"}` };
  });
  const long = new LongEvent(`${encode(rest).slice(0, -1)},"messages":[`, pieces);
  return isLong ? long : long.whole();
}

/** Told by little: a long text, or a content of parts. */
function mayBeLong(message: unknown): boolean {
  if (!isObject(message)) return false;
  for (const name in message) {
    const value = message[name];
    if (typeof value === "string" ? value.length >= LEAST_CHARACTERS / 2 : value !== null && typeof value === "object") return true;
  }
  return false;
}

function isObject(message: unknown): message is Record<string, unknown> {
  return message !== null && typeof message === "object" && !Array.isArray(message);
}

function isText(message: unknown): boolean {
  return isObject(message) && Object.values(message).every((value) => typeof value === "string");
}

function role(message: unknown): string {
  const { role } = message as { role?: unknown };
  return typeof role === "string" && /^[a-z0-9]+$/i.test(role) ? `"role":"${role}",` : "";
}

/** The events of one POST, as they go. */
export interface Parcel {
  readonly events: readonly string[];
  /** Hashes of the messages that go whole: with the answer the collector has them. */
  readonly told: readonly string[];
  /** Hashes of those that do not, by the event's place. */
  readonly referred: ReadonlyMap<number, readonly string[]>;
  /** For which store the references are; empty asks for its name. Undefined: there is nothing to refer to. */
  readonly store: string | undefined;
}

/** What one collector is known to have. */
export class Repeats {
  private store = "";
  /** In the order in which they were used: the oldest first. */
  private readonly known = new Set<string>();
  private readonly tries = new Map<string, number>();

  /** The events with references for what the collector has. */
  shorten(events: readonly Waiting[]): Parcel {
    const told: string[] = [];
    const referred = new Map<number, string[]>();
    let store: string | undefined;
    const going = events.map((event, at) => {
      if (typeof event === "string") return event;
      store = this.store;
      const there: string[] = [];
      const text = event.written((piece) => {
        if (!piece.digest) return piece.text;
        const isThere = this.known.has(piece.digest);
        (isThere ? there : told).push(piece.digest);
        return isThere ? piece.reference : piece.text;
      });
      if (there.length) referred.set(at, there);
      return text;
    });
    return { events: going, told, referred, store };
  }

  /** The collector has answered; `isWhole`: it took all of the events. Another name is another store, or none. */
  learn(store: string, { told, referred, store: asked }: Parcel, isWhole: boolean): void {
    if (asked === undefined) return;
    if (store !== this.store) {
      this.known.clear();
      this.tries.clear();
      this.store = store;
    }
    if (!store || !isWhole) return;
    for (const digests of [told, ...referred.values()]) {
      for (const digest of digests) {
        if ((this.tries.get(digest) ?? 0) >= MOST_TRIES) continue;
        this.known.delete(digest);
        this.known.add(digest);
      }
    }
    bound(this.known);
  }

  /** The collector has these no more, or never had them in this form. */
  forget(digests: Iterable<string>): void {
    for (const digest of digests) {
      this.known.delete(digest);
      const before = this.tries.get(digest) ?? 0;
      this.tries.delete(digest);
      this.tries.set(digest, before + 1);
    }
    bound(this.tries);
  }
}

function bound(remembered: Set<string> | Map<string, number>): void {
  for (const oldest of remembered.keys()) {
    if (remembered.size <= MOST_KNOWN) return;
    remembered.delete(oldest);
  }
}
