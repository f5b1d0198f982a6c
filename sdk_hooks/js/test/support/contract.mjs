// What every hook of an SDK has to keep: the host gets what it gets bare, and each pattern is one started and one ended call.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as hookline from "hookline";

async function outcome(act, client) {
  try {
    return { value: JSON.parse(JSON.stringify((await act(client)) ?? null)) };
  } catch (error) {
    return { name: error.constructor.name, message: error.message, status: error.status ?? error.statusCode };
  }
}

/** So that what nobody holds is noticed. */
export async function collectGarbage() {
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    globalThis.gc();
  }
}

/** How often a method of a class is called during `act`, by a wrapper that is put there now and taken away after, as another tool's. */
export async function callsOnTheClass(prototype, name, act) {
  const below = prototype[name];
  let seen = 0;
  prototype[name] = function (...args) {
    seen++;
    return below.apply(this, args);
  };
  try {
    await act();
  } finally {
    prototype[name] = below;
  }
  return seen;
}

/** The events of one client, once at least `least` calls have ended. */
export async function endedEvents(collector, clientId, from = 0, least = 1) {
  let events;
  // A helper that is left hangs up a moment after its loop.
  for (let tries = 1; tries <= 1000; tries++) {
    await hookline.flush();
    events = collector().events().slice(from).filter((event) => event.clientId === clientId);
    if (events.filter((event) => /:request:(completed|error|aborted)$/.test(event.type)).length >= least) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
    // What was dropped while something was on its way to it could not be collected then.
    if (tries % 5 === 0) globalThis.gc?.();
  }
  return events;
}

/** `patterns` is name: [how its call ends, or a list of how its calls end; what the host does]. */
export function keepsTheContract(patterns, newClient, collector) {
  for (const [name, [end, act]] of Object.entries(patterns)) {
    const wanted = [end].flat();
    test(`${name}: as bare, one started and one ended: ${wanted}`, async () => {
      const bare = await outcome(act, newClient());
      const from = collector().events().length;
      const hooked = await outcome(act, hookline.instrument(newClient(), { clientId: name }));
      assert.deepEqual(hooked, bare);

      const events = await endedEvents(collector, name, from, wanted.length);
      const ends = events.map((event) => event.type.split(":request:")[1]).filter(Boolean);
      assert.deepEqual(ends.sort(), [...wanted, ...wanted.map(() => "started")].sort());
      for (const event of events.filter((found) => /:request:(completed|error|aborted)$/.test(found.type))) {
        assert.equal(events.filter((found) => found.requestId === event.requestId && found.type.endsWith(":request:started")).length, 1);
        assert.ok(event.duration >= 0 && event.duration < 60_000);
        if (event.type.endsWith(":error")) assert.ok(event.error.name);
      }
    });
  }
}

/** Nothing came twice, and nothing is missing. */
export function idsAreWhole(collector) {
  test("ids are unique and without a gap, and nothing came twice", () => {
    const events = collector().events();
    const own = events.map((event) => event.sequence).sort((a, b) => a - b);
    assert.equal(new Set(events.map((event) => event.eventId)).size, events.length);
    assert.deepEqual(own, Array.from({ length: own.length }, (_, i) => i + 1));
  });
}
