// Replace a member of the host's object, and give it back as it was. Pure but for that.
export type Callable = (...args: never[]) => unknown;

/** What was there, by object and name: its own property, or undefined where it is inherited. */
export class Replaced {
  private readonly was: [object, PropertyKey, PropertyDescriptor | undefined][] = [];

  replace(owner: object, name: PropertyKey, value: unknown): void {
    this.was.push([owner, name, Object.getOwnPropertyDescriptor(owner, name)]);
    Object.defineProperty(owner, name, { value, configurable: true, writable: true, enumerable: false });
  }

  restore(): void {
    for (const [owner, name, descriptor] of this.was.splice(0).reverse()) {
      if (descriptor) Object.defineProperty(owner, name, descriptor);
      else delete (owner as Record<PropertyKey, unknown>)[name];
    }
  }
}
