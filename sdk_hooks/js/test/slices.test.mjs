// Rendering takes turns with the host. No test here looks at a time: the clock of the child says that every record takes long.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { afterEach, beforeEach, test } from "node:test";
import { promisify } from "node:util";
import { startCollector } from "./support/collector.mjs";

const HERE = new URL(".", import.meta.url);
const CALLS = 500;
let collector;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(() => collector.close());

/** What a process prints that has `CALLS` large calls waiting, and starts a round; `seen` grows by what each slice renders. */
async function run(then) {
  const program = `
    import * as hookline from "hookline";
    import OpenAI from "openai";
    let rendered = 0;
    const redact = (event) => { rendered += 1; return event; };
    hookline.configure({ flushIntervalMs: 1_000_000, redact });
    const answer = JSON.stringify({ id: "c", object: "chat.completion", model: "m", created: 1, choices: [
      { index: 0, finish_reason: "stop", message: { role: "assistant", content: "yes" } }] });
    const fetch = async () => new Response(answer, { headers: { "content-type": "application/json" } });
    const client = hookline.instrument(new OpenAI({ apiKey: "k", fetch }));
    const ask = (n) => client.chat.completions.create({ model: "m", user: String(n), messages: [{ role: "user", content: n + "x".repeat(20_000) }] });
    for (let n = 0; n < ${CALLS}; n++) await ask(n);
    let nowMs = performance.now();
    performance.now = () => (nowMs += 1000);
    const seen = [];
    const turn = () => new Promise((resolve) => setImmediate(() => resolve(seen.push(rendered))));
    hookline.configure({ delivery: "sync" });
    await ask(${CALLS});
    hookline.configure({ delivery: "background" });
    ${then}`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    cwd: HERE, env: { PATH: process.env.PATH, HOOKLINE_URL: collector.url }, timeout: 200_000,
  });
  return JSON.parse(stdout);
}

/** Each call is there, in the order in which it was made, and nothing came twice. */
function areWhole(calls) {
  const events = collector.events();
  assert.deepEqual(events.map((event) => event.sequence), Array.from({ length: 2 * calls }, (_, at) => at + 1));
  const started = events.filter((event) => event.type.endsWith(":started")).map((event) => Number.parseInt(event.messages[0].content, 10));
  assert.deepEqual(started, Array.from({ length: calls }, (_, at) => at));
}

test("the host has a turn after each slice, and all slices of a round make its batches", async () => {
  const seen = await run(`while (rendered < ${2 * CALLS + 2}) await turn(); await hookline.flush({ timeoutMs: 100_000 });
    console.log(JSON.stringify(seen))`);
  assert.ok(seen.length >= CALLS - 10, `${seen.length} turns`);
  for (const [at, count] of seen.entries()) assert.ok(count - (seen[at - 1] ?? count) <= 2, `${count} at ${at}`);
  areWhole(CALLS + 1);
});

test("a flush between two slices delivers everything that was recorded before it, in order and once", async () => {
  const [before, isDelivered, losses] = await run(`while (rendered < 200) await turn();
    const before = rendered; await ask(${CALLS + 1}); const isDelivered = await hookline.flush({ timeoutMs: 100_000 });
    console.log(JSON.stringify([before, isDelivered, Object.values(hookline.losses()).reduce((sum, count) => sum + count)]))`);
  assert.ok(before < 2 * CALLS);
  assert.deepEqual([isDelivered, losses], [true, 0]);
  areWhole(CALLS + 2);
});

test("what waits between two slices counts for the buffer's bounds, and is let go when it is rendered", async () => {
  const [refused, taken] = await run(`while (rendered < 200) await turn();
    hookline.configure({ bufferMaxEvents: 50 }); await ask(${CALLS + 1}); const refused = hookline.losses().buffer_full;
    hookline.configure({ bufferMaxEvents: 10_000 }); await hookline.flush({ timeoutMs: 100_000 });
    hookline.configure({ bufferMaxEvents: 1 }); await ask(${CALLS + 1}); const taken = hookline.losses().buffer_full;
    console.log(JSON.stringify([refused, taken])); await hookline.flush({ timeoutMs: 100_000 })`);
  assert.deepEqual([refused, taken], [1, 1]);
});
