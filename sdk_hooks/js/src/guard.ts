// Errors of ours stay ours: all code that runs inside the host's calls runs under `guard`.
const SELDOM_MS = 60_000;
const lastSaidMs = new Map<string, number>();

export function log(message: string): void {
  try {
    console.warn(`hookline: ${message}`);
  } catch {
    // A host that replaced the console by something that throws.
  }
}

/** What nobody needs to see who does not look for it: a page's console is a visitor's. */
export function whisper(message: string): void {
  try {
    console.debug(`hookline: ${message}`);
  } catch {
    // As above.
  }
}

/** At most once a minute for each place. */
export function logSeldom(place: string, message: string): void {
  const nowMs = Date.now();
  if (nowMs - (lastSaidMs.get(place) ?? 0) >= SELDOM_MS) {
    lastSaidMs.set(place, nowMs);
    log(message);
  }
}

export function report(place: string, error: unknown): void {
  const name = error instanceof Error ? error.name : typeof error;
  logSeldom(place, `an error of its own in ${place} (${name}); the application is not affected`);
}

export function guard<T>(place: string, run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    report(place, error);
    return undefined;
  }
}
