// Watch a ReadableStream that the host reads, however it reads it: the same object, its ways of reading watched.
import { guard, report } from "../guard.js";

/** What hears of what the host gets out of a stream. */
export interface Hears {
  heard(result: { done?: boolean | undefined; value?: unknown }): void;
  failed(error: unknown): void;
  /** The host stops before the end. */
  left(): void;
  /** Out of our sight: piped or split. */
  handedOn(): void;
  /** Nobody holds it any more, read or not. */
  dropped(): void;
}

/** Best effort: a collection may never come; the process's end is the last chance. */
const dropped = new FinalizationRegistry<Hears>((hears) => guard("dropped", () => hears.dropped()));

export function watchReadable(stream: ReadableStream<unknown>, hears: Hears, isOurs: () => boolean = () => true): void {
  const token = {};
  dropped.register(stream, hears, token);
  const define = (name: PropertyKey, value: unknown): void => void Object.defineProperty(stream, name, { configurable: true, writable: true, value });
  // Whoever reads may let go of the stream itself.
  const follow = (reading: object, replace: () => void): void => {
    if (!isOurs()) return;
    dropped.unregister(token);
    dropped.register(reading, hears);
    guard("read", replace);
  };
  const { getReader, cancel } = stream;
  define("getReader", (...args: []) => {
    const found = getReader.apply(stream, args) as ReadableStreamDefaultReader<unknown>;
    if (!args.length) follow(found, () => watchReader(found, hears));
    return found;
  });
  const values = (stream as { values?: (options?: object) => AsyncIterator<unknown> }).values;
  if (values) {
    const iterate = (options?: object): AsyncIterator<unknown> => {
      const found = values.call(stream, options);
      follow(found, () => watchIterator(found, hears));
      return found;
    };
    define("values", iterate);
    define(Symbol.asyncIterator, iterate);
  }
  define("cancel", (reason?: unknown) => {
    if (isOurs()) guard("read", () => hears.left());
    return cancel.call(stream, reason);
  });
  for (const name of ["pipeTo", "pipeThrough", "tee"] as const) {
    const original = stream[name] as (...args: unknown[]) => unknown;
    define(name, (...args: unknown[]) => {
      if (isOurs()) guard("read", () => hears.handedOn());
      return original.apply(stream, args);
    });
  }
}

function watchReader(found: ReadableStreamDefaultReader<unknown>, hears: Hears): void {
  const { read, cancel } = found;
  const [heard, failed] = ears<ReadableStreamReadResult<unknown>>(hears);
  found.read = () => read.call(found).then(heard, failed);
  found.cancel = (reason) => {
    guard("read", () => hears.left());
    return cancel.call(found, reason);
  };
}

function watchIterator(found: AsyncIterator<unknown>, hears: Hears): void {
  const { next, return: leave } = found;
  const [heard, failed] = ears<IteratorResult<unknown>>(hears);
  found.next = () => next.call(found).then(heard, failed);
  if (leave) {
    found.return = (value) => {
      guard("read", () => hears.left());
      return leave.call(found, value);
    };
  }
}

/** What follows each read, made once: reads come by the hundred. */
function ears<T extends { done?: boolean | undefined; value?: unknown }>(hears: Hears): [(result: T) => T, (error: unknown) => never] {
  const heard = (result: T): T => {
    try {
      hears.heard(result);
    } catch (error) {
      report("read", error);
    }
    return result;
  };
  const failed = (error: unknown): never => {
    guard("read", () => hears.failed(error));
    throw error;
  };
  return [heard, failed];
}
