// The way to the collector: batches, retries, bounds, and a process that ends when the application does.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { afterEach, beforeEach, test } from "node:test";
import { promisify } from "node:util";
import { startCollector } from "./support/collector.mjs";

const HERE = new URL(".", import.meta.url);
let collector;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(() => collector.close());

/** What a process of its own prints; it emits `count` messages of TanStack's bus and then does what `then` says. */
async function run({ count = 3, then = "", env = {}, size = 10, onStart = () => {} }) {
  const program = `
    import * as hookline from "hookline";
    for (let n = 0; n < ${count}; n++) hookline.recordTanStack({
      type: "tanstack-ai-devtools:text:chunk:content", pluginId: "tanstack-ai-devtools",
      payload: { requestId: "r", timestamp: Date.now(), n, delta: "x".repeat(${size}) },
    });
    ${then}`;
  const started = Date.now();
  const running = promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    cwd: HERE, env: { PATH: process.env.PATH, HOOKLINE_URL: collector.url, ...env }, timeout: 200_000,
  });
  onStart(running.child);
  const done = await running;
  return { ...done, elapsedMs: Date.now() - started };
}

const numbers = () => collector.events().map((event) => event.payload.n);

test("what was recorded is sent when the process ends by itself", async () => {
  const { stderr } = await run({ env: { HOOKLINE_API_KEY: "k1", OTEL_SERVICE_NAME: "shop", OTEL_RESOURCE_ATTRIBUTES: "a=b%20c,bad" } });
  assert.equal(stderr, "");
  assert.deepEqual(numbers(), [0, 1, 2]);
  const [post] = collector.posts;
  assert.equal(post.headers.authorization, "Bearer k1");
  assert.deepEqual([post.resource["service.name"], post.resource.a, post.path], ["shop", "b c", "/v1/events"]);
  assert.deepEqual(post.events.map((event) => event.context.sequence), [1, 2, 3]);
});

test("a password in the collector's address is in no log", async () => {
  const { stderr } = await run({ env: { HOOKLINE_URL: "http://me:hunter2@127.0.0.1:9" }, then: "await hookline.flush({ timeoutMs: 400 })" });
  assert.match(stderr, /delivered to http:\/\/127\.0\.0\.1:9 /);
  assert.ok(!stderr.includes("hunter2"));
});

/** What is said of the addresses, configured one after the other, without a packet sent. */
async function saidOf(...urls) {
  const then = `
    const { default: http } = await import("node:http"), { default: https } = await import("node:https");
    const asked = [];
    http.request = https.request = (url) => { asked.push(url); throw new Error("no network"); };
    (await import("node:module")).syncBuiltinESMExports();
    for (const url of ${JSON.stringify(urls)}) {
      hookline.configure({ url, apiKey: "hk_secret" });
      hookline.recordTanStack({ type: "tanstack-ai-devtools:x", pluginId: "tanstack-ai-devtools", payload: {} });
      while (asked.filter((found) => found === url + "/v1/events").length < 2) await hookline.flush({ timeoutMs: 1 });
    }
    process.exit()`;
  const { stderr } = await run({ count: 0, then });
  assert.match(stderr, /can't be delivered/);
  assert.doesNotMatch(stderr, /hunter2|hk_secret/);
  return stderr.match(/[^ ]+ over plain http/g) ?? [];
}

test("plain http to this machine and TLS to any are no matter", async () => {
  const urls = [
    "http://127.0.0.1:4319", "http://127.8.9.1", "http://LOCALHOST:1", "http://hookline.localhost", "http://[::1]:4319",
    "http://me:hunter2@localhost/path", "https://collector.internal", "https://10.0.0.5",
  ];
  assert.deepEqual(await saidOf(...urls), []);
});

for (const [url, host] of [
  ["http://collector.internal:4319", "collector.internal"],
  ["http://me:hunter2@10.0.0.5/path", "10.0.0.5"],
  ["http://127.0.0.1.example", "127.0.0.1.example"],
  ["http://127.evil.example.org", "127.evil.example.org"],
  ["http://notlocalhost", "notlocalhost"],
  ["http://localhost.example.org", "localhost.example.org"],
  ["http://[2001:db8::1]:4319", "[2001:db8::1]"],
]) {
  test(`plain http to another machine is said once, without the key: ${host}`, async () => {
    assert.deepEqual(await saidOf("http://127.0.0.1:9", url, "http://other.example"), [`${host} over plain http`]);
  });
}

test("busy and limited collectors get it later, once each", async () => {
  collector.answers.push({ status: 503, headers: { "retry-after": "0" } }, { status: 429 });
  const { stdout } = await run({ then: "console.log(await hookline.flush({ timeoutMs: 5000 }), JSON.stringify(hookline.losses()))" });
  assert.match(stdout, /^true/);
  assert.deepEqual(collector.posts.map((post) => post.status), [503, 429, 200]);
  assert.deepEqual(numbers(), [0, 1, 2]);
});

test("Retry-After is waited for, even by flush", async () => {
  collector.answers.push({ status: 503, headers: { "retry-after": "60" } });
  const { stdout } = await run({ then: "console.log(await hookline.flush({ timeoutMs: 400 })); process.exit()" });
  assert.equal(stdout, "false\n");
  assert.equal(collector.posts.length, 1);
});

test("a batch that is too large goes in halves, down to the event that nobody takes", async () => {
  collector.answers.push({ status: 413 }, { status: 413 }, { status: 413 });
  const { stdout } = await run({ count: 4, then: "console.log(await hookline.flush(), hookline.losses().too_large)" });
  assert.equal(stdout, "false 1\n");
  assert.deepEqual(numbers(), [1, 2, 3]);
});

test("after a batch that was too large they grow again", async () => {
  collector.answers.push({ status: 413 }, { status: 413 });
  const { stdout } = await run({ count: 16, then: "console.log(await hookline.flush())" });
  assert.equal(stdout, "true\n");
  assert.deepEqual(collector.posts.filter((post) => post.status === 200).map((post) => post.events.length), [4, 8, 4]);
});

const SAYS = `const say = () => hookline.recordTanStack({ type: "tanstack-ai-devtools:x", pluginId: "tanstack-ai-devtools", payload: {} });
  const setBack = () => { const { now } = Date; Date.now = () => now() - 3_600_000; };`;

test("a clock that is set back keeps nothing waiting, neither what is tried again nor the process", async () => {
  collector.answers.push({ status: 503 });
  // It ends when it is told that its second POST is here.
  const then = `${SAYS} hookline.configure({ flushIntervalMs: 1 }); say();
    await new Promise((resolve) => process.stdin.once("data", resolve));
    setBack();
    setTimeout(() => process.exit(9), 30_000).unref();
    await new Promise((resolve) => process.stdin.on("end", resolve).resume())`;
  const onStart = (child) => void collector.posted.then(async () => {
    child.stdin.write("set back");
    await collector.postedAgain;
    child.stdin.end();
  });
  await run({ count: 0, then, onStart });

  collector.answers.push(...Array.from({ length: 100 }, () => ({ status: 503 })));
  await run({ count: 0, then: `${SAYS} say(); const flushed = hookline.flush({ timeoutMs: 300 }); setBack();
    setTimeout(() => process.exit(9), 30_000).unref(); await flushed;` });
});

test("a connection that the collector closed meanwhile is no failure", async () => {
  collector.answers.push({}, { isCut: true });
  const { stdout, stderr } = await run({ count: 0, then: `${SAYS} for (const _ of "ab") { say(); console.log(await hookline.flush()); }` });
  assert.deepEqual([stdout, stderr], ["true\ntrue\n", ""]);
  assert.equal(collector.posts.length, 3);
});

test("of a page that is left, what is too large for its last request does not keep the rest", async () => {
  const program = `
    const heard = {};
    globalThis.addEventListener = (name, listener) => (heard[name] = listener);
    const hookline = await import("../dist/esm/browser.js");
    hookline.configure({ url: ${JSON.stringify(collector.url)}, flushIntervalMs: 1_000_000 });
    for (const n of [100_000, 1, 2]) hookline.recordTanStack({
      type: "tanstack-ai-devtools:x", pluginId: "tanstack-ai-devtools", payload: { n, delta: "x".repeat(n) } });
    const { fetch } = globalThis;
    globalThis.fetch = async (...args) => { const found = await fetch(...args); setImmediate(() => process.exit()); return found; };
    setTimeout(() => process.exit(9), 30_000);
    heard.pagehide({ persisted: false });`;
  await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], { cwd: HERE, timeout: 200_000 });
  assert.deepEqual(numbers(), [1, 2]);
  assert.equal(collector.posts[0].resource["telemetry.sdk.language"], "webjs");
});

test("rejected and refused events are counted by reason", async () => {
  collector.answers.push({ status: 422, body: '{"rejected":[{"index":0,"code":"too_deep"}]}' }, { status: 400 });
  const then = `await hookline.flush(); hookline.recordTanStack({ type: "tanstack-ai-devtools:x", pluginId: "tanstack-ai-devtools", payload: {} });
    await hookline.flush(); const { rejected_too_deep, refused } = hookline.losses(); console.log(rejected_too_deep, refused)`;
  assert.equal((await run({ count: 1, then })).stdout, "1 1\n");
});

test("while the collector is away memory is bounded, the oldest go, and they are counted", async () => {
  const env = { HOOKLINE_URL: "http://127.0.0.1:9" };
  const then = `hookline.configure({ bufferMaxEvents: 100, exitTimeoutMs: 100_000 });
    for (let n = 0; n < 300; n++) hookline.recordTanStack({ type: "tanstack-ai-devtools:x", pluginId: "tanstack-ai-devtools", payload: { n } });
    console.log(hookline.losses().undelivered)`;
  const { stdout, stderr, elapsedMs } = await run({ count: 0, then, env });
  assert.equal(stdout, "200\n");
  assert.equal(stderr.match(/can't be delivered/g).length, 1);
  assert.ok(elapsedMs < 60_000);
});

test("a collector that never answers does not keep the process", async () => {
  collector.answers.push({ isSilent: true }, { isSilent: true });
  const { elapsedMs } = await run({ then: "hookline.configure({ exitTimeoutMs: 300, postTimeoutMs: 100_000 })" });
  assert.ok(elapsedMs < 60_000, `${elapsedMs} ms`);
});

test("a POST on its way to a collector that never answers does not keep the process", async () => {
  collector.answers.push({ isSilent: true }, { isSilent: true });
  // It ends when it is told that its POST is here.
  const then = `hookline.configure({ flushIntervalMs: 1, exitTimeoutMs: 300, postTimeoutMs: 100_000 }); hookline.recordTanStack({
    type: "tanstack-ai-devtools:x", pluginId: "tanstack-ai-devtools", payload: {} });
    await new Promise((resolve) => process.stdin.on("end", resolve).resume())`;
  const { elapsedMs } = await run({ count: 0, then, onStart: (child) => void collector.posted.then(() => child.stdin.end()) });
  assert.equal(collector.posts.length, 1);
  assert.ok(elapsedMs < 60_000, `${elapsedMs} ms`);
});

test("batches have their bounds, and large bodies are compressed", async () => {
  await run({ count: 25, size: 400, then: "hookline.configure({ batchMaxEvents: 10 })" });
  assert.deepEqual(collector.posts.map((post) => post.events.length), [10, 10, 5]);
  assert.equal(collector.posts[0].headers["content-encoding"], "gzip");
});

test("what repeats itself so much that a collector takes it for an attack goes uncompressed", async () => {
  await run({ count: 20, size: 60_000 });
  assert.deepEqual(collector.posts.map((post) => post.headers["content-encoding"]), [undefined]);
  assert.equal(numbers().length, 20);
});

test("switched off, or given nonsense, nothing happens but a line", async () => {
  await run({ env: { HOOKLINE_DISABLED: "1" } });
  assert.equal(collector.posts.length, 0);
  const { stderr } = await run({ env: { HOOKLINE_SAMPLE_RATE: "lots" }, then: "hookline.configure({ url: 7, nope: 1 }); hookline.instrument({})" });
  assert.equal(stderr.split("hookline: ").length - 1, 4);
  assert.ok(!stderr.includes("lots"));
});

test("both kinds of module share one runtime", async () => {
  const then = `import { createRequire } from "node:module";
    const other = createRequire(process.cwd() + "/x.js")("hookline"); await other.flush(); console.log(other.flush !== hookline.flush)`;
  assert.equal((await run({ then })).stdout, "true\n");
  assert.deepEqual(numbers(), [0, 1, 2]);
});

/** What a process prints that has a service of aisbreaker's shape, whose `say` is what it streams, and `answer` its end. */
async function withService(program) {
  const text = `
    import * as hookline from "hookline";
    let say, answer;
    const process = (request) => new Promise((resolve) => {
      say = (content) => request.streamProgressFunction?.({ outputs: [{ text: { index: 0, role: "assistant", content, isDelta: true } }] });
      answer = () => resolve({ outputs: [{ text: { index: 0, role: "assistant", content: "" } }], usage: {} });
    });
    const service = hookline.instrument({ serviceProps: { serviceId: "chat:openai.com/gpt-4o" }, process });
    const ask = (more = {}) => service.process({ inputs: [], streamProgressFunction: () => undefined, ...more });
    ${program}`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", text], {
    cwd: HERE, env: { PATH: process.env.PATH, HOOKLINE_URL: collector.url }, timeout: 200_000,
  });
  return JSON.parse(stdout);
}

test("what an open stream has said counts for the buffer's bound, and is let go with its end", async () => {
  const refused = await withService(`
    hookline.configure({ bufferMaxBytes: 50_000, flushIntervalMs: 1_000_000 });
    const refused = [];
    const tryOne = async () => { ask(); await hookline.flush(); refused.push(hookline.losses().buffer_full); };
    const asked = ask();
    const [sayMore, end] = [say, answer];
    for (let n = 0; n < 6; n++) sayMore("x".repeat(10_000));
    await hookline.flush();
    await tryOne();
    end();
    await asked;
    await hookline.flush();
    await tryOne();
    console.log(JSON.stringify(refused));`);
  assert.deepEqual(refused, [1, 1]);
});

test("while the collector asks to be left alone, the oldest calls go and not the newest", async () => {
  collector.answers.push(...Array.from({ length: 10 }, () => ({ status: 503, headers: { "retry-after": "600" } })));
  const [losses, isInTime] = await withService(`
    let rendered = 0;
    const redact = (event) => { rendered += 1; return event; };
    hookline.configure({ flushIntervalMs: 1, bufferMaxEvents: 40, exitTimeoutMs: 0, redact });
    const giveUpMs = performance.now() + 20_000;
    let isInTime = true;
    for (let n = 1; n <= 60 && isInTime; n++) {
      const asked = ask();
      answer();
      await asked;
      while (rendered < 2 * n && isInTime) { await new Promise((resolve) => setTimeout(resolve, 1)); isInTime = performance.now() < giveUpMs; }
    }
    console.log(JSON.stringify([hookline.losses(), isInTime]));`);
  assert.deepEqual([isInTime, losses.buffer_full, losses.undelivered], [true, 0, 80]);
});

test("a request has its own members only, whatever somebody has given all objects", async () => {
  assert.equal(await withService(`
    Object.prototype.everywhere = { of: ["all"] };
    ask({ requested: { text: { size: "small" } } });
    answer();
    console.log(await hookline.flush());`), true);
  const [{ modelOptions }] = collector.events();
  assert.deepEqual(modelOptions, { text: { size: "small" } });
});
