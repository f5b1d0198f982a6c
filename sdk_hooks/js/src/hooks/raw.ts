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

const MAX_BODY = 8 * 1024 * 1024;
const dropped = new FinalizationRegistry<Reader>((reader) => guard("dropped", () => reader.droppedUnread()));

export interface Followed {
  /** The SDK parses the response after all: what it reads is its own. */
  isParsed: boolean;
}

export function watchResponse(response: Response, call: Call, endpoint: Endpoint, followed: Followed): void {
  const isOurs = (): boolean => !followed.isParsed && !call.hasEnded;
  const reader = new Reader(call, endpoint, response.headers.get("content-type") ?? "", followed);
  dropped.register(response, reader);
  const whole = (name: "json" | "text" | "arrayBuffer" | "blob", read: (found: never) => void | Promise<void>): void => {
    const original = response[name] as () => Promise<never>;
    Object.defineProperty(response, name, {
      configurable: true, writable: true,
      value: async () => {
        if (!isOurs()) return original.call(response);
        reader.isRead = true;
        try {
          const found = await original.call(response);
          guard("raw", () => void read(found));
          return found;
        } catch (error) {
          guard("raw", () => reader.failed(error));
          throw error;
        }
      },
    });
  };
  whole("json", (found) => reader.json(found));
  whole("text", (found) => reader.whole(new TextEncoder().encode(found)));
  whole("arrayBuffer", (found) => reader.whole(new Uint8Array(found)));
  whole("blob", (found: Blob) => void found.arrayBuffer().then((bytes) => guard("raw", () => reader.whole(new Uint8Array(bytes))), () => undefined));
  if (response.body) watchBody(response.body, reader, isOurs);
}

/** A body without its response, as an SDK may hand it out. */
export function watchAudio(body: ReadableStream<Uint8Array>, call: Call, endpoint: Endpoint, contentType: string): void {
  watchBody(body, new Reader(call, endpoint, contentType, { isParsed: false }), () => !call.hasEnded);
}

function watchBody(body: ReadableStream<Uint8Array>, reader: Reader, isOurs: () => boolean): void {
  watchReadable(body, reader, () => {
    if (isOurs()) reader.isRead = true;
    return isOurs();
  });
}

class Reader implements Hears {
  /** Somebody reads: the response itself may be let go of. */
  isRead = false;
  private parts: Uint8Array[] = [];
  private length = 0;
  private events: EventReader | undefined;

  constructor(
    private readonly call: Call, private readonly endpoint: Endpoint, private readonly contentType: string, private readonly followed: Followed,
  ) {}

  heard(result: { done?: boolean | undefined; value?: unknown }): void {
    if (!result.done) this.add(result.value as Uint8Array);
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
    if (!this.isRead && !this.followed.isParsed) this.dropped();
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

/** Server-sent events out of pieces of bytes, as they come. */
class EventReader {
  private readonly decoder = new TextDecoder();
  private rest = "";

  constructor(readonly notes: Notes) {}

  add(part: Uint8Array): void {
    const lines = (this.rest + this.decoder.decode(part, { stream: true })).split("\n");
    this.rest = lines.pop() ?? "";
    if (this.rest.length > MAX_BODY) this.rest = "";
    for (const line of lines) this.line(line);
  }

  private line(line: string): void {
    const data = line.startsWith("data:") ? line.slice(5).trim() : "";
    if (!data.startsWith("{")) return;
    let event: Fields;
    try {
      event = JSON.parse(data) as Fields;
    } catch {
      return;
    }
    this.notes.item(event);
  }
}
