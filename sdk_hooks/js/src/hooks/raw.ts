// Watch a `Response` that the host reads itself (`asResponse()`, speech): the same object, its reading methods watched.
//
// What is read whole gives the whole answer. A body that is read piece by piece is followed to its end, an SSE one is understood.
import { guard } from "../guard.js";
import type { Fields } from "../platform.js";
import type { Call } from "../recorder.js";
import type { Endpoint } from "./openai-endpoints.js";
import type { Notes } from "./openai-notes.js";
import { type Hears, watchReadable } from "./readable.js";
import { errorOf, isAbort } from "./reading.js";
import { method, Shadow } from "./shadowing.js";

const MAX_BODY = 8 * 1024 * 1024;
const dropped = new FinalizationRegistry<Reader>((reader) => guard("dropped", () => reader.droppedUnread()));

export interface Followed {
  /** The SDK parses the response after all: what it reads is its own. */
  isParsed: boolean;
}

type Whole = "json" | "text" | "arrayBuffer" | "bytes" | "blob";
type Read = (this: Response) => Promise<never>;
const WATCH = Symbol("hookline.watch");

interface Watch {
  readonly reader: Reader;
  readonly isOurs: () => boolean;
  /** As the response had them. */
  readonly was: Readonly<Record<Whole, Read>> & { readonly clone: () => Response };
}

type Watched = Response & { [WATCH]?: Watch };

export function watchResponse(response: Response, call: Call, endpoint: Endpoint, followed: Followed): void {
  // It may be asked for twice.
  if (WATCH in response) return;
  const isOurs = (): boolean => !followed.isParsed && !call.hasEnded;
  const reader = new Reader(call, endpoint, response.headers.get("content-type") ?? "", followed);
  dropped.register(response, reader);
  const { json, text, arrayBuffer, bytes, blob, clone } = response as unknown as Watch["was"];
  const value: Watch = { reader, isOurs, was: { json, text, arrayBuffer, bytes, blob, clone } };
  (response as Watched)[WATCH] = value;
  (typeof bytes === "function" ? WITH_BYTES : WHOLE).over(response);
  const { body } = response;
  if (typeof body?.getReader === "function") watchBody(body, reader, isOurs);
  // A `fetch` of the host's may have bodies of another kind.
  else reader.isUnseen = true;
}

function reading(name: Whole, read: (reader: Reader, found: never) => void): PropertyDescriptor {
  const value = async function (this: Watched): Promise<never> {
    const { reader, isOurs, was } = this[WATCH] as Watch;
    if (!isOurs()) return was[name].call(this);
    reader.isRead = reader.isWhole = true;
    try {
      const found = await was[name].call(this);
      guard("raw", () => read(reader, found));
      return found;
    } catch (error) {
      guard("raw", () => reader.failed(error));
      throw error;
    }
  };
  return method(value);
}

function clone(this: Watched): Response {
  const { reader, isOurs, was } = this[WATCH] as Watch;
  const copy = was.clone.call(this);
  if (isOurs()) guard("raw", () => reader.handedOn());
  return copy;
}

const METHODS = {
  json: reading("json", (reader, found) => reader.json(found)),
  text: reading("text", (reader, found) => reader.whole(new TextEncoder().encode(found))),
  arrayBuffer: reading("arrayBuffer", (reader, found) => reader.whole(new Uint8Array(found))),
  blob: reading("blob", (reader, found: Blob) => {
    void found.arrayBuffer().then((bytes) => guard("raw", () => reader.whole(new Uint8Array(bytes))), () => undefined);
  }),
  clone: method(clone),
};
const WHOLE = new Shadow(METHODS);
/** Not every platform's responses have it. */
const WITH_BYTES = new Shadow({ ...METHODS, bytes: reading("bytes", (reader, found) => reader.whole(found)) });

/** A body without its response, as an SDK may hand it out. */
export function watchAudio(body: ReadableStream<Uint8Array>, call: Call, endpoint: Endpoint, contentType: string): void {
  watchBody(body, new Reader(call, endpoint, contentType, { isParsed: false }), () => !call.hasEnded);
}

function watchBody(body: ReadableStream<Uint8Array>, reader: Reader, isOurs: () => boolean): void {
  watchReadable(body, reader, () => {
    // Node's own methods read the body by its reader, too.
    if (reader.isWhole) return false;
    if (isOurs()) reader.isRead = true;
    return isOurs();
  });
}

class Reader implements Hears {
  /** Somebody reads: the response itself may be let go of. */
  isRead = false;
  /** By a method that gives the whole of it. */
  isWhole = false;
  /** Whether anybody reads can't be seen. */
  isUnseen = false;
  private parts: Uint8Array[] = [];
  private length = 0;
  private events: EventReader | undefined;

  constructor(
    private readonly call: Call, private readonly endpoint: Endpoint, private readonly contentType: string, private readonly followed: Followed,
  ) {}

  heard(result: { done?: boolean | undefined; value?: unknown }): void {
    if (!result.done) this.add(bytesOf(result.value as ArrayBufferView));
    else if (this.isEvents) this.notes().ended();
    else this.whole(this.content(), this.length);
  }

  json(found: unknown): void {
    this.endpoint.end(this.call, found);
  }

  whole(content: Uint8Array, length = content.length): void {
    if (this.call.hasEnded) return;
    const { bytes } = this.endpoint;
    const isTooLong = length > MAX_BODY;
    if (bytes) this.call.complete(bytes(isTooLong ? undefined : content, length, this.contentType));
    else if (isTooLong) this.call.completeUnread();
    else if (this.isEvents) {
      this.add(content);
      this.notes().ended();
    } else if (this.contentType.includes("json")) this.endpoint.end(this.call, JSON.parse(new TextDecoder().decode(content)));
    else this.endpoint.end(this.call, new TextDecoder().decode(content));
  }

  left(): void {
    if (this.isEvents) this.notes().left();
    else this.call.abort();
  }

  failed(error: unknown): void {
    if (this.isEvents) this.notes().raised(error);
    else if (isAbort(error)) this.call.abort();
    else this.call.fail(errorOf(error));
  }

  handedOn(): void {
    this.call.completeUnread();
  }

  dropped(): void {
    if (this.isEvents) this.notes().left(false);
    else this.call.left();
  }

  droppedUnread(): void {
    if (this.isRead || this.followed.isParsed) return;
    if (this.isUnseen) this.handedOn();
    else this.dropped();
  }

  private get isEvents(): boolean {
    return this.contentType.includes("event-stream");
  }

  private notes(): Notes {
    return (this.events ??= new EventReader(this.endpoint.notes(this.call))).notes;
  }

  private add(part: Uint8Array): void {
    if (this.isEvents) {
      this.notes();
      this.events?.add(part);
      return;
    }
    this.length += part.length;
    if (this.length <= MAX_BODY) this.parts.push(part.slice());
    else this.parts = [];
  }

  private content(): Uint8Array {
    const all = new Uint8Array(this.parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

/** Who reads into a buffer gets a view of his own kind. */
function bytesOf(view: ArrayBufferView): Uint8Array {
  return view instanceof Uint8Array ? view : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** Server-sent events out of pieces of bytes, as they come. */
class EventReader {
  private readonly decoder = new TextDecoder();
  private rest = "";
  /** What the provider calls the next event. */
  private kind = "";

  constructor(readonly notes: Notes) {}

  add(part: Uint8Array): void {
    const text = this.decoder.decode(part, { stream: true });
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      this.line(this.rest + text.slice(from, end));
      this.rest = "";
      from = end + 1;
    }
    // A line of a picture's megabytes comes in hundreds of parts: none is looked through twice.
    this.rest = this.rest.length > MAX_BODY ? "" : this.rest + text.slice(from);
  }

  private line(line: string): void {
    if (line.startsWith("event:")) this.kind = line.slice(6).trim();
    if (!line.startsWith("data:")) return;
    const data = line.slice(5).trim();
    const kind = this.kind || (TYPED.exec(data)?.[1] ?? "");
    this.kind = "";
    if (!data.startsWith("{") || (kind && this.notes.unparsed(kind, data))) return;
    let event: Fields;
    try {
      event = JSON.parse(data) as Fields;
    } catch {
      return;
    }
    this.notes.item(event);
  }
}

/** An event that says first of what type it is. */
const TYPED = /^\{"type":\s*"([\w.]+)"/;
