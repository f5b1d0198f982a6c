// Watch a `Response` that the host reads itself (`asResponse()`, speech): the same object, its reading methods watched.
//
// What is read whole gives the whole answer. A body that is read piece by piece is followed to its end, an SSE one is understood.
import { guard } from "../guard.js";
import type { Fields } from "../platform.js";
import type { Call } from "../recorder.js";
import { speechAnswer } from "./openai-answers.js";
import type { Endpoint } from "./openai-endpoints.js";
import { errorOf, isAbort } from "./reading.js";

const MAX_BODY = 8 * 1024 * 1024;
const dropped = new FinalizationRegistry<Call>((call) => guard("dropped", () => call.left()));

export interface Followed {
  /** The SDK parses the response after all: what it reads is its own. */
  isParsed: boolean;
}

export function watchResponse(response: Response, call: Call, endpoint: Endpoint, followed: Followed): void {
  dropped.register(response, call);
  const isOurs = (): boolean => !followed.isParsed && !call.hasEnded;
  const reader = new Reader(call, endpoint, response.headers.get("content-type") ?? "");
  const whole = (name: "json" | "text" | "arrayBuffer" | "blob", read: (found: never) => void | Promise<void>): void => {
    const original = response[name] as () => Promise<never>;
    Object.defineProperty(response, name, {
      configurable: true, writable: true,
      value: async () => {
        if (!isOurs()) return original.call(response);
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
  whole("blob", (found: Blob) => void found.arrayBuffer().then((bytes) => guard("raw", () => reader.whole(new Uint8Array(bytes)))));
  if (response.body) watchBody(response.body, reader, isOurs);
}

function watchBody(body: ReadableStream<Uint8Array>, reader: Reader, isOurs: () => boolean): void {
  const getReader = body.getReader;
  const define = (name: PropertyKey, value: unknown): void => void Object.defineProperty(body, name, { configurable: true, writable: true, value });
  define("getReader", (...args: []) => {
    const found = getReader.apply(body, args) as ReadableStreamDefaultReader<Uint8Array>;
    if (isOurs() && !args.length) guard("raw", () => watchReader(found, reader));
    return found;
  });
  const values = (body as { values?: (options?: object) => AsyncIterator<Uint8Array> }).values;
  if (values) {
    const iterate = (options?: object): AsyncIterator<Uint8Array> => {
      const found = values.call(body, options);
      if (isOurs()) guard("raw", () => watchIterator(found, reader));
      return found;
    };
    define("values", iterate);
    define(Symbol.asyncIterator, iterate);
  }
  for (const name of ["pipeTo", "pipeThrough", "tee"] as const) {
    const original = body[name] as (...args: unknown[]) => unknown;
    define(name, (...args: unknown[]) => {
      // Handed on out of our sight: the call is recorded, its content is unknown.
      if (isOurs()) guard("raw", () => reader.handedOn());
      return original.apply(body, args);
    });
  }
}

function watchReader(found: ReadableStreamDefaultReader<Uint8Array>, reader: Reader): void {
  const { read, cancel } = found;
  found.read = () => read.call(found).then((result) => reader.heard(result), (error: unknown) => reader.rethrow(error));
  found.cancel = (reason) => {
    guard("raw", () => reader.left());
    return cancel.call(found, reason);
  };
}

function watchIterator(found: AsyncIterator<Uint8Array>, reader: Reader): void {
  const { next, return: leave } = found;
  found.next = () => next.call(found).then((result) => reader.heard(result), (error: unknown) => reader.rethrow(error));
  if (leave) {
    found.return = (value) => {
      guard("raw", () => reader.left());
      return leave.call(found, value);
    };
  }
}

class Reader {
  private parts: Uint8Array[] = [];
  private length = 0;
  private firstMs: number | undefined;

  constructor(private readonly call: Call, private readonly endpoint: Endpoint, private readonly contentType: string) {}

  heard<T extends { done?: boolean | undefined; value?: Uint8Array | undefined }>(result: T): T {
    guard("raw", () => {
      if (result.done) this.whole(this.content());
      else if (result.value) this.add(result.value);
    });
    return result;
  }

  rethrow(error: unknown): never {
    guard("raw", () => this.failed(error));
    throw error;
  }

  json(found: unknown): void {
    this.endpoint.end(this.call, found);
  }

  whole(content: Uint8Array): void {
    if (this.call.hasEnded) return;
    if (content.length > MAX_BODY || this.length > MAX_BODY) this.call.complete();
    else if (this.endpoint.isBinary) this.call.complete(speechAnswer(content, this.contentType));
    else if (this.contentType.includes("event-stream")) this.events(content, (notes) => notes.ended());
    else if (this.contentType.includes("json")) this.endpoint.end(this.call, JSON.parse(new TextDecoder().decode(content)));
    else this.endpoint.end(this.call, new TextDecoder().decode(content));
  }

  left(): void {
    if (this.contentType.includes("event-stream")) this.events(this.content(), (notes) => notes.left());
    else this.call.abort();
  }

  failed(error: unknown): void {
    if (isAbort(error)) this.call.abort();
    else this.call.fail(errorOf(error));
  }

  handedOn(): void {
    this.call.complete();
  }

  private add(part: Uint8Array): void {
    this.firstMs ??= performance.now() - this.call.startMs;
    this.length += part.length;
    if (this.length <= MAX_BODY) this.parts.push(part.slice());
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

  /** All of them when the reading is over: the pieces' own times are not known. */
  private events(content: Uint8Array, end: (notes: ReturnType<Endpoint["notes"]>) => void): void {
    const notes = this.endpoint.notes(this.call);
    for (const line of new TextDecoder().decode(content).split("\n")) {
      const data = line.startsWith("data:") ? line.slice(5).trim() : "";
      if (!data.startsWith("{")) continue;
      let event: Fields;
      try {
        event = JSON.parse(data) as Fields;
      } catch {
        // Cut off where the host stopped reading.
        break;
      }
      notes.item(event);
    }
    end(notes);
  }
}
