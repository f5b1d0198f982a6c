// Replace a member of the host's object, and give it back as it was. Pure but for that.
export type Callable = (...args: never[]) => unknown;

/** What was there, by object and name: its own property, or undefined where it is inherited. */
export class Replaced {
  private readonly was: [object, PropertyKey, PropertyDescriptor | undefined][] = [];

  replace(owner: object, name: PropertyKey, value: unknown): void {
    const was = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, { value, configurable: true, writable: true, enumerable: was?.enumerable ?? false });
    this.was.push([owner, name, was]);
  }

  has(owner: object, name: PropertyKey): boolean {
    return this.was.some(([known, called]) => known === owner && called === name);
  }

  restore(): void {
    for (const [owner, name, descriptor] of this.was.splice(0).reverse()) {
      if (descriptor) Object.defineProperty(owner, name, descriptor);
      else delete (owner as Record<PropertyKey, unknown>)[name];
    }
  }
}
