// Messages that the collector has are sent as references, and whoever fills them in again has what was sent.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { after, before, beforeEach, test } from "node:test";
import { promisify } from "node:util";
import * as hookline from "hookline";
import OpenAI from "openai";
import { startCollector } from "./support/collector.mjs";
import { endedEvents } from "./support/contract.mjs";

/** What a collector keeps: contents by their hash, under the name of its store. */
let store;
let contents;
const digest = (message) => `sha256:${createHash("sha256").update(JSON.stringify(message)).digest("hex")}`;
const started = (events) => events.filter((event) => event.type === "text:request:started");

/** As a collector answers that knows of references. */
function replying({ store: asked, events }) {
  const rejected = [];
  events.forEach((event, index) => {
    const messages = event.messages ?? [];
    if (messages.some((message) => message.ref && (asked !== store || !contents.has(message.ref)))) rejected.push({ index, code: "unknown_ref" });
  });
  const refused = new Set(rejected.map(({ index }) => index));
  for (const event of started(events.filter((_, index) => !refused.has(index)))) {
    for (const message of event.messages) if (!message.ref) contents.set(digest(message), message);
  }
  return { body: JSON.stringify({ accepted: events.length - rejected.length, duplicates: 0, rejected, ...(asked === undefined ? {} : { store }) }) };
}

let collector;
before(async () => {
  collector = await startCollector((post) => replying(post));
});
after(() => collector.close());
beforeEach(() => {
  store = "s1";
  contents = new Map();
  // Another key is another collector, to the client.
  hookline.configure({ url: collector.url, flushIntervalMs: 1_000_000, apiKey: `k${Math.random()}` });
});

const CHAT = { id: "c", object: "chat.completion", model: "m", created: 1, choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "yes" } }] };
const fetch = async () => new Response(JSON.stringify(CHAT), { headers: { "content-type": "application/json" } });
const client = hookline.instrument(new OpenAI({ apiKey: "k", fetch }));
const long = (n) => ({ role: n % 2 ? "assistant" : "user", content: `${n} ${"Gr\u00fc\u00dfe, \ud83d\ude80 \"quoted\" ".repeat(120)}` });

/** One call with these messages, delivered; how each message of it went, POST by POST. */
async function call(messages) {
  const from = collector.posts.length;
  await client.chat.completions.create({ model: "m", messages });
  const isDelivered = await hookline.flush();
  const sent = collector.posts.slice(from).flatMap((post) => started(post.events));
  return { isDelivered, sent, ways: sent.map((event) => event.messages.map((message) => (message.ref ? "ref" : "whole")).join(" ")) };
}

test("a history goes whole once, and is the same again when it is filled in", async () => {
  const history = [{ role: "system", content: "short" }];
  const ways = [];
  for (let n = 0; n < 3; n++) {
    history.push(long(n));
    const { isDelivered, sent, ways: found } = await call(history);
    assert.equal(isDelivered, true);
    assert.deepEqual(sent[0].messages.map((message) => (message.ref ? contents.get(message.ref) : message)), history);
    for (const [at, message] of sent[0].messages.entries()) assert.equal(message.role, history[at].role);
    ways.push(...found);
  }
  assert.deepEqual(ways, ["whole whole", "whole ref whole", "whole ref ref whole"]);
});

test("a collector that names no store gets everything whole", async () => {
  collector.answers.push({}, {});
  assert.deepEqual([(await call([long(1)])).ways, (await call([long(1)])).ways], [["whole"], ["whole"]]);
});

test("what the collector lacks goes again, whole and once, and is no loss; what it lacks twice is not tried again", async () => {
  const before = hookline.losses();
  assert.deepEqual((await call([long(1)])).ways, ["whole"]);
  for (const _ of "ab") {
    contents.clear();
    const { isDelivered, ways } = await call([long(1)]);
    assert.deepEqual([isDelivered, ways], [true, ["ref", "whole"]]);
  }
  assert.deepEqual((await call([long(1)])).ways, ["whole"]);
  assert.deepEqual(hookline.losses(), before);
});

test("only the one event of a batch goes again", async () => {
  await call([long(1)]);
  contents.clear();
  const from = collector.posts.length;
  for (const n of [1, 2]) await client.chat.completions.create({ model: "m", messages: [long(n)] });
  assert.equal(await hookline.flush(), true);
  const [first, second, ...more] = collector.posts.slice(from);
  assert.deepEqual([first.events.length, second.events.length, more.length], [4, 1, 0]);
  assert.deepEqual(second.events[0].eventId, first.events[0].eventId);
  assert.deepEqual(second.events[0].messages, [long(1)]);
});

test("another store, or a rejection beside it, and nothing is known", async () => {
  await call([long(1), long(3)]);
  store = "s2";
  assert.deepEqual((await call([long(1)])).ways, ["ref", "whole"]);
  assert.deepEqual((await call([long(3)])).ways, ["whole"]);
  assert.deepEqual((await call([long(1)])).ways, ["ref"]);
  const { rejected, rejected_bad_timestamp: bad = 0 } = hookline.losses();
  collector.answers.push({ body: JSON.stringify({ rejected: [{ index: 1, code: "bad_timestamp" }], store }) });
  await call([long(2)]);
  assert.deepEqual((await call([long(2)])).ways, ["whole"]);
  const losses = hookline.losses();
  assert.deepEqual([losses.rejected, losses.rejected_bad_timestamp], [rejected + 1, bad + 1]);
});

test("what is short, or is kept in another form, is never a reference", async () => {
  const image = { type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(2_000)}` } };
  const parts = { role: "user", content: [{ type: "text", text: "x".repeat(2_000) }] };
  const messages = [{ role: "user", content: "x".repeat(900) }, { role: "user", content: [image] }, parts];
  await call(messages);
  assert.deepEqual((await call(messages)).ways, ["whole whole ref"]);
});

test("what is too long is cut all the same, and what was cut goes once, too", async () => {
  const wide = { role: "user", content: "\u6f22".repeat(22_000) };
  assert.ok((await call([wide])).sent[0].truncated["messages[0].content"] > 0);
  assert.deepEqual((await call([wide])).ways, ["ref"]);
  const { sent } = await call(Array.from({ length: 40 }, (_, n) => ({ role: "user", content: `${n}${"x".repeat(20_000)}` })));
  assert.ok(sent[0].messages.length < 40 && Object.keys(sent[0].truncated)[0].startsWith("messages["));
});

test("a process that ends at once sends what waits whole", async () => {
  const program = `
    import * as hookline from "hookline";
    import OpenAI from "openai";
    const fetch = async () => new Response(${JSON.stringify(JSON.stringify(CHAT))}, { headers: { "content-type": "application/json" } });
    hookline.configure({ flushIntervalMs: 1_000_000, exitTimeoutMs: 60_000 });
    const client = hookline.instrument(new OpenAI({ apiKey: "k", fetch }), { clientId: "ending" });
    const messages = [${JSON.stringify(long(1))}];
    for (const _ of "ab") { await client.chat.completions.create({ model: "m", messages }); await hookline.flush(); }
    await client.chat.completions.create({ model: "m", messages });
    process.exit();`;
  await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    cwd: new URL(".", import.meta.url), env: { PATH: process.env.PATH, HOOKLINE_URL: collector.url }, timeout: 200_000,
  });
  const events = await endedEvents(() => collector, "ending", 0, 3);
  assert.deepEqual(started(events).map((event) => (event.messages[0].ref ? "ref" : "whole")), ["whole", "ref", "whole"]);
});
