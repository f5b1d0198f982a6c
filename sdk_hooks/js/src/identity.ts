// The prefix of this process's (or page's) event and request ids: it begins with its time, so that ids sort by time.
export class Identity {
  readonly prefix: string;
  private requests = 0;

  constructor() {
    const random = new Uint8Array(6);
    globalThis.crypto.getRandomValues(random);
    const hex = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.prefix = Date.now().toString(16).padStart(12, "0") + hex;
  }

  requestNumber(): number {
    return ++this.requests;
  }

  requestId(number: number): string {
    return `req-${this.prefix}-${number}`;
  }
}
