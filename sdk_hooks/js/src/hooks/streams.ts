// Watch a stream object without changing what it is to the host: same object, same class, same generator.
//
// Flow: Stream of the SDK -> **its `iterator` watched** -> host. `tee`, `toReadableStream` and the helpers all read through it.
import { guard, report } from "../guard.js";
import type { Fields } from "../platform.js";
import type { Notes } from "./openai-notes.js";
import type { Hears } from "./readable.js";

export interface StreamLike {
  iterator: () => AsyncIterator<unknown>;
  readonly controller?: AbortController;
}

/** What is dropped without a word was left. Best effort: a collection may never come; the process's end is the last chance. */
const dropped = new FinalizationRegistry<Notes>((notes) => guard("dropped", () => notes.left(false)));

export function isStream(value: unknown): value is StreamLike {
  return value !== null && typeof value === "object" && typeof (value as StreamLike).iterator === "function" && Symbol.asyncIterator in value;
}

export function watch(stream: StreamLike, notes: Notes): void {
  const token = {};
  dropped.register(stream, notes, token);
  const original = stream.iterator;
  const { controller } = stream;
  stream.iterator = function iterator(this: unknown): AsyncIterator<unknown> {
    const items = original.call(this);
    guard("stream", () => {
      if (notes.call.hasEnded) return;
      dropped.unregister(token);
      dropped.register(items, notes);
      observe(items, notes, controller);
    });
    return items;
  };
}

/** Anything that can be iterated, where no way of ending is known but its own. `around` is what the SDK works in. */
export function watchIterable(stream: AsyncIterable<unknown>, notes: Notes, around: Around): void {
  const token = {};
  dropped.register(stream, notes, token);
  if (typeof (stream as Partial<AsyncIterator<unknown>>).next === "function") {
    observe(stream as unknown as AsyncIterator<unknown>, notes, undefined, around);
    return;
  }
  const iterate = stream[Symbol.asyncIterator];
  const value = (): AsyncIterator<unknown> => {
    const items = around(() => iterate.call(stream));
    guard("stream", () => {
      if (notes.call.hasEnded) return;
      dropped.unregister(token);
      dropped.register(items, notes);
      observe(items, notes, undefined, around);
    });
    return items;
  };
  Object.defineProperty(stream, Symbol.asyncIterator, { value, configurable: true, writable: true, enumerable: false });
}

type Around = <R>(inner: () => R) => R;
const bare: Around = (inner) => inner();

function observe(items: AsyncIterator<unknown>, notes: Notes, controller: AbortController | undefined, around = bare): void {
  const { next, return: leave, throw: raise } = items;
  let isOver = false;

  function heard(result: IteratorResult<unknown>): IteratorResult<unknown> {
    try {
      if (!result.done) notes.item(result.value as Fields);
      else if (!isOver) {
        isOver = true;
        // The SDK ends a stream quietly whose controller the host has aborted.
        if (controller?.signal.aborted) notes.left();
        else notes.ended();
      }
    } catch (error) {
      report("chunk", error);
    }
    return result;
  }

  function failed(error: unknown): never {
    isOver = true;
    guard("stream", () => notes.raised(error));
    throw error;
  }

  items.next = (...args: [] | [undefined]) => {
    let found: Promise<IteratorResult<unknown>>;
    try {
      found = around === bare ? next.apply(items, args) : around(() => next.apply(items, args));
    } catch (error) {
      return failed(error);
    }
    // `for await` takes items without a promise, too; a host's own iterator may give such.
    return typeof found?.then === "function" ? found.then(heard, failed) : (heard(found as unknown as IteratorResult<unknown>) as unknown as typeof found);
  };
  if (leave) {
    items.return = function (value?: unknown) {
      isOver = true;
      guard("left", () => notes.left());
      return around(() => leave.call(items, value));
    };
  }
  if (raise) {
    items.throw = function (error?: unknown) {
      isOver = true;
      guard("left", () => notes.left());
      return raise.call(items, error);
    };
  }
}

/** What is read out of a stream of objects, for its notes. `wire` gives an item the names that notes know. */
export class StreamReading implements Hears {
  constructor(private readonly notes: Notes, private readonly wire: (item: unknown) => unknown) {}

  heard(result: { done?: boolean | undefined; value?: unknown }): void {
    if (this.notes.call.hasEnded) return;
    if (result.done) this.notes.ended();
    else this.notes.item(this.wire(result.value) as Fields);
  }

  failed(error: unknown): void {
    this.notes.raised(error);
  }

  left(): void {
    this.notes.left();
  }

  handedOn(): void {
    this.notes.call.completeUnread();
  }

  dropped(): void {
    this.notes.left(false);
  }
}
