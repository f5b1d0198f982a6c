// A way to the provider that a test may block: what waits there is told to leave when its request is on its way, not after a time.
let instead;

/** For the clients under test. */
export const fetching = (input, init) => (instead ?? fetch)(input, init);

/** While `act` runs, no request is answered, each ends when it is aborted. `onAsked` is called when one is on its way. */
export async function unanswered(act, onAsked = () => {}) {
  instead = (input, init) => new Promise((_, reject) => {
    const signal = init?.signal ?? input.signal;
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
    else onAsked();
  });
  try {
    return await act();
  } finally {
    instead = undefined;
  }
}

/** `act` is given a signal that is aborted as soon as its request is on its way. */
export function leaving(act) {
  const controller = new AbortController();
  return unanswered(() => act(controller.signal), () => controller.abort());
}
