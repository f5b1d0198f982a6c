// What surrounds a call: the call, or the tool of it, that it is made in; and whether a framework's hook speaks for it already.
// Read at the start of a call, in the caller's context. Browsers follow no context through an `await`: there it ends at the first.
import { currentRuntime } from "./runtime.js";

export interface Enclosing {
  readonly requestId: string;
  readonly rootRequestId: string;
  readonly toolCallId: string | undefined;
  readonly traceparent: string | undefined;
  readonly isSampled: boolean;
  readonly around: Enclosing | undefined;
  /** A context outlives what it was made for: what is over encloses nothing more. */
  isOver: boolean;
}

export interface Surroundings {
  readonly enclosing?: Enclosing | undefined;
  readonly isSilent?: boolean;
  /** What a framework's hook keeps of the run that it is in. */
  readonly run?: object | undefined;
}

export function surroundings(): Surroundings {
  return currentRuntime().surroundings.current() ?? {};
}

export function enclosing(here = surroundings()): Enclosing | undefined {
  let found = here.enclosing;
  while (found?.isOver) found = found.around;
  return found;
}

/** Whether what surrounds a call is known after an `await`. */
export function followsAwaits(): boolean {
  return currentRuntime().platform.followsAwaits;
}

export function isSilent(): boolean {
  return surroundings().isSilent === true;
}

/** Inside `inner`, however deep, this holds besides what holds already. */
export function within<R>(more: Surroundings, inner: () => R): R {
  return currentRuntime().surroundings.run({ ...surroundings(), ...more }, inner);
}

/** The same from here on, in this chain of `await`s and what it starts. */
export function enter(more: Surroundings): void {
  currentRuntime().surroundings.enter({ ...surroundings(), ...more });
}

/** Calls that `inner` makes are recorded by somebody else. */
export function silently<R>(inner: () => R): R {
  return within({ isSilent: true }, inner);
}
