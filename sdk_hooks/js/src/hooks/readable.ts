// Watch a ReadableStream that the host reads, however it reads it: the same object, its ways of reading watched.
import { guard, report } from "../guard.js";
import { method, Shadow } from "./shadowing.js";

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

const WATCH = Symbol("hookline.watch");
type Method = (this: object, ...args: unknown[]) => unknown;
type Name = "getReader" | "values" | "cancel" | "pipeTo" | "pipeThrough" | "tee";

interface Watch {
  readonly hears: Hears;
  readonly isOurs: () => boolean;
  /** As the stream had them. */
  readonly was: Readonly<Record<Name, Method>>;
}

type Watched = ReadableStream<unknown> & { [WATCH]?: Watch };
const always = (): boolean => true;

export function watchReadable(stream: ReadableStream<unknown>, hears: Hears, isOurs: () => boolean = always): void {
  // A response may be asked for twice.
  if (WATCH in stream) return;
  const { getReader, values, cancel, pipeTo, pipeThrough, tee } = stream as unknown as Record<Name, Method>;
  const value: Watch = { hears, isOurs, was: { getReader, values, cancel, pipeTo, pipeThrough, tee } };
  dropped.register(stream, hears, value);
  (stream as Watched)[WATCH] = value;
  (typeof values === "function" ? ITERABLE : READABLE).over(stream);
}

/** Whoever reads may let go of the stream itself. */
function follow(watch: Watch, reading: object, replace: () => void): void {
  if (!watch.isOurs()) return;
  dropped.unregister(watch);
  dropped.register(reading, watch.hears, watch);
  guard("read", replace);
}

function getReader(this: Watched, ...args: unknown[]): unknown {
  const watch = this[WATCH] as Watch;
  const found = watch.was.getReader.apply(this, args) as ReadableStreamDefaultReader<unknown>;
  follow(watch, found, () => watchReader(found, this, watch));
  return found;
}

function values(this: Watched, ...args: unknown[]): unknown {
  const watch = this[WATCH] as Watch;
  const found = watch.was.values.apply(this, args) as AsyncIterator<unknown>;
  follow(watch, found, () => watchIterator(found, watch.hears));
  return found;
}

function cancel(this: Watched, ...args: unknown[]): unknown {
  const { isOurs, hears, was } = this[WATCH] as Watch;
  if (isOurs()) guard("read", () => hears.left());
  return was.cancel.apply(this, args);
}

function handingOn(name: "pipeTo" | "pipeThrough" | "tee"): Method {
  return function (this: object, ...args: unknown[]) {
    const { isOurs, hears, was } = (this as Watched)[WATCH] as Watch;
    if (isOurs()) guard("read", () => hears.handedOn());
    return was[name].apply(this, args);
  };
}

const METHODS = {
  getReader: method(getReader), cancel: method(cancel),
  pipeTo: method(handingOn("pipeTo")), pipeThrough: method(handingOn("pipeThrough")), tee: method(handingOn("tee")),
};
const READABLE = new Shadow(METHODS);
/** Not every browser's streams can be iterated. */
const ITERABLE = new Shadow({ ...METHODS, values: method(values), [Symbol.asyncIterator]: method(values) });

function watchReader(found: ReadableStreamDefaultReader<unknown>, stream: object, watch: Watch): void {
  const { read, cancel, releaseLock } = found;
  const { hears } = watch;
  const [heard, failed] = ears<ReadableStreamReadResult<unknown>>(hears);
  // One that reads into a buffer is given it.
  found.read = (...args: []) => read.apply(found, args).then(heard, failed);
  found.cancel = (reason) => {
    guard("read", () => hears.left());
    return cancel.call(found, reason);
  };
  found.releaseLock = () => {
    releaseLock.call(found);
    // Another one may go on.
    dropped.unregister(watch);
    dropped.register(stream, hears, watch);
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
