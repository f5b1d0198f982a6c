// Replace a member of the host's object, and give it back as it was. Pure but for that.
import type { CallOptions } from "../config.js";

export type Callable = (...args: never[]) => unknown;

/** The settings of a client that is recorded no more, where our methods can't be taken out from under another's. */
export const SILENT: CallOptions = { disabled: true };

/**
 * A method that stands behind one of ours, as it is when it is called: the object's own, or what its class has by then. What a test
 * or another tool puts on the class later is in effect, and gone when it is taken away.
 */
export function behind<M extends Callable>(owner: object, name: PropertyKey): M {
  if (Object.hasOwn(owner, name)) return (owner as Record<PropertyKey, M>)[name] as M;
  return function (this: unknown, ...args: never[]): unknown {
    return (Reflect.get(Object.getPrototypeOf(owner) as object, name, owner) as M).apply(this, args);
  } as M;
}

interface Member {
  readonly owner: object;
  readonly name: PropertyKey;
  readonly ours: unknown;
  /** Its own property, or undefined where it is inherited. */
  readonly was: PropertyDescriptor | undefined;
}

export class Replaced {
  private readonly members: Member[] = [];

  replace(owner: object, name: PropertyKey, value: unknown): void {
    const was = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, { value, configurable: true, writable: true, enumerable: was?.enumerable ?? false });
    this.members.push({ owner, name, ours: value, was });
  }

  has(owner: object, name: PropertyKey): boolean {
    return this.members.some((member) => member.owner === owner && member.name === name);
  }

  /** What somebody else has replaced since is theirs. */
  restore(): void {
    for (const { owner, name, ours, was } of this.members.splice(0).reverse()) {
      if (Object.getOwnPropertyDescriptor(owner, name)?.value !== ours) continue;
      if (was) Object.defineProperty(owner, name, was);
      else delete (owner as Record<PropertyKey, unknown>)[name];
    }
  }
}
