// Replace a member of the host's object, and give it back as it was. Pure but for that.
import type { CallOptions } from "../config.js";

export type Callable = (...args: never[]) => unknown;

/** The settings of a client that is recorded no more, where our methods can't be taken out from under another's. */
export const SILENT: CallOptions = { disabled: true };

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
