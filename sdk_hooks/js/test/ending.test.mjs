// Processes that end before their loop has run empty: what waits arrives once, and they end as they would without us.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { afterEach, beforeEach, test } from "node:test";
import { startCollector } from "./support/collector.mjs";

const HERE = new URL(".", import.meta.url);
let collector;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(() => collector.close());

/** How a process ends that has a finished call waiting, unless it is bare, and then does what `then` says. */
async function run(then, { isBare = false, limitMs = 60_000, env = {} } = {}) {
  const program = `
    import OpenAI from "openai";
    const answer = JSON.stringify({ id: "c", object: "chat.completion", model: "m", created: 1, choices: [
      { index: 0, finish_reason: "stop", message: { role: "assistant", content: "yes" } }] });
    const fetch = async () => new Response(answer, { headers: { "content-type": "application/json" } });
    let client = new OpenAI({ apiKey: "k", fetch });
    if (${!isBare}) {
      const hookline = await import("hookline");
      hookline.configure({ flushIntervalMs: 1_000_000, exitTimeoutMs: ${limitMs} });
      client = hookline.instrument(client);
    }
    await client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "x".repeat(5_000) }] });
    // Only until the signal that the test sends itself is here.
    const wait = () => void setTimeout(() => process.exit(99), 100_000);
    ${then}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd: HERE, env: { PATH: process.env.PATH, HOOKLINE_URL: collector.url, HOOKLINE_API_KEY: "k1", ...env }, timeout: 200_000,
  });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.resume();
  const [code, signal] = await new Promise((resolve) => child.on("close", (...how) => resolve(how)));
  return { code, signal, stdout };
}

const types = () => collector.events().map((event) => event.type);
const WHOLE = ["text:request:started", "text:request:completed"];
const ENDS = {
  "process.exit": "process.exit(3);",
  "an error that nobody catches": "throw new Error('mine');",
  "a promise that nobody catches": "void Promise.reject(new Error('mine')); wait();",
  SIGTERM: "process.kill(process.pid, 'SIGTERM'); wait();",
  SIGINT: "process.kill(process.pid, 'SIGINT'); wait();",
};

for (const [name, then] of Object.entries(ENDS)) {
  test(`${name}: the call that waits arrives once, and the end is the bare one`, async () => {
    const [bare, hooked] = await Promise.all([run(then, { isBare: true }), run(then)]);
    assert.deepEqual(hooked, bare);
    assert.notDeepEqual([bare.code, bare.signal], [0, null]);
    assert.deepEqual(types(), WHOLE);
    const [{ headers }] = collector.posts;
    assert.equal(headers.authorization, "Bearer k1");
    assert.match(headers["x-hookline-client"], /^hookline-js\//);
  });
}

test("an end between two slices loses nothing, nor what came behind them", async () => {
  const then = `let nowMs = performance.now(); performance.now = () => (nowMs += 1000);
    const ask = () => client.chat.completions.create({ model: "m", messages: [] });
    for (let n = 0; n < 20; n++) await ask();
    (await import("hookline")).configure({ delivery: "sync" }); await ask();
    (await import("hookline")).configure({ delivery: "background" });
    setImmediate(() => setImmediate(async () => { await ask(); process.exit(); }));`;
  await run(then);
  assert.deepEqual(collector.events().map((event) => event.sequence), Array.from({ length: 46 }, (_, at) => at + 1));
});

test("an open stream ends as aborted", async () => {
  const then = `const open = new ReadableStream({ start(controller) { controller.enqueue(new TextEncoder().encode(
      'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a"}}]}\\n\\n')); } });
    const other = new OpenAI({ apiKey: "k", fetch: async () => new Response(open, { headers: { "content-type": "text/event-stream" } }) });
    (await import("hookline")).instrument(other);
    for await (const _ of await other.chat.completions.create({ model: "m", messages: [], stream: true })) process.exit();`;
  await run(then);
  assert.deepEqual(types().slice(2), ["text:request:started", "text:chunk:content", "text:request:aborted"]);
});

test("a host's own listener decides, also one that listens once", async () => {
  for (const how of ["on", "once"]) {
    const then = `process.${how}("SIGTERM", () => setImmediate(() => { console.log(process.listenerCount("SIGTERM")); process.exit(7); }));
      process.kill(process.pid, "SIGTERM"); wait();`;
    assert.deepEqual(await run(then), await run(then, { isBare: true }));
  }
  assert.deepEqual(types(), [...WHOLE, ...WHOLE]);
});

test("a listener that ends the process if it is the only one still does", async () => {
  const then = `const ours = () => { if (process.listenerCount("SIGTERM") === 1) { process.removeListener("SIGTERM", ours); process.exit(8); } };
    process.on("SIGTERM", ours); process.kill(process.pid, "SIGTERM"); wait();`;
  assert.equal((await run(then)).code, 8);
});

test("a collector that never answers does not keep the process beyond the limit", async () => {
  for (const then of [ENDS["process.exit"], ENDS.SIGTERM]) {
    collector.answers.push({ isSilent: true });
    const { code, signal } = await run(then, { limitMs: 500 });
    assert.ok(code === 3 || signal === "SIGTERM");
  }
});

test("a collector that is not there, and a limit of nothing, change no end", async () => {
  assert.equal((await run(ENDS["process.exit"], { env: { HOOKLINE_URL: "http://127.0.0.1:9" } })).code, 3);
  assert.equal((await run(ENDS["process.exit"], { limitMs: 0 })).code, 3);
  assert.equal(collector.posts.length, 0);
});

test("where nothing waits no process is started", async () => {
  // Who would start one says so instead.
  const then = `await (await import("hookline")).flush(); const { default: child } = await import("node:child_process");
    const { syncBuiltinESMExports } = await import("node:module"); child.spawnSync = () => console.log("started"); syncBuiltinESMExports();`;
  assert.equal((await run(`${then} process.exit()`)).stdout, "");
  assert.equal((await run(`${then} await client.chat.completions.create({ model: "m", messages: [] }); process.exit()`)).stdout, "started\n");
  assert.equal((await run(`${then} await client.chat.completions.create({ model: "m", messages: [] }); process.exit()`, {
    env: { HOOKLINE_DISABLED: "1" } })).stdout, "");
});
