// Hosts that do what few do: classes, promises, readers and tools of their own. They get what they get bare, and the call ends.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { HTTPClient, OpenRouter } from "@openrouter/sdk";
import { tool } from "@openrouter/sdk/lib/tool.js";
import * as hookline from "hookline";
import OpenAI from "openai";
import * as z from "zod";
import { startCollector } from "./support/collector.mjs";
import { collectGarbage, endedEvents, keepsTheContract } from "./support/contract.mjs";

let collector;
before(async () => {
  collector = await startCollector();
  hookline.configure({ url: collector.url, flushIntervalMs: 5 });
});
after(() => collector.close());

const CHAT = { id: "c", object: "chat.completion", model: "m", created: 1, choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "yes" } }] };
const PICTURE = { type: "image_generation_call", id: "ig_1", status: "completed", result: "iVBORw0KGgo=" };
const RESPONSE = { id: "r", object: "response", model: "m", status: "completed", output: [PICTURE], usage: null };
const says = { model: "m", messages: [{ role: "user", content: "Hello" }] };
const json = (body) => new Response(JSON.stringify(body), { headers: { "content-type": "application/json" } });
const answering = (body) => async () => json(body);
const unheard = (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

const newClient = (fetch = answering(CHAT), Class = OpenAI) => new Class({ apiKey: "k", maxRetries: 0, fetch });
const raw = (c) => c.chat.completions.create(says).asResponse();
const decoded = (parts) => Buffer.concat(parts).toString();

/** A client whose own `request` gives a promise of the answer, no more the SDK's own. */
class Async extends OpenAI {
  async request(...args) {
    return super.request(...args);
  }
}

class Throwing extends OpenAI {
  request() {
    throw new RangeError("host's");
  }
}

async function readAll(reader, read = () => reader.read()) {
  const parts = [];
  for (let item = await read(); !item.done; item = await read()) parts.push(item.value);
  return decoded(parts);
}

const PATTERNS = {
  "a request that is async": ["completed", (c) => c.moderations.create({ input: "Hello" }), () => newClient(answering({ id: "m", results: [] }), Async)],
  "a request that is async, refused": ["error", (c) => c.moderations.create({ input: "Hello" }), () => newClient(async () => new Response("no", { status: 400 }), Async)],
  "a request that throws": ["error", async (c) => c.chat.completions.create(says), () => newClient(undefined, Throwing)],
  "read with options": ["completed", async (c) => readAll((await raw(c)).body.getReader({}))],
  "read into a buffer": ["completed", async (c) => {
    const reader = (await raw(c)).body.getReader({ mode: "byob" });
    return readAll(reader, () => reader.read(new Uint8Array(16)));
  }],
  "read by one, then by another": ["completed", async (c) => {
    const { body } = await raw(c);
    const first = await (async () => {
      const reader = body.getReader();
      const { value } = await reader.read();
      reader.releaseLock();
      return value;
    })();
    await collectGarbage();
    return [Buffer.from(first).toString(), await readAll(body.getReader())];
  }, () => newClient(async () => new Response(new ReadableStream({
    async pull(controller) {
      for (const part of JSON.stringify(CHAT).match(/.{1,50}/g)) controller.enqueue(Buffer.from(part));
      controller.close();
    },
  }), { headers: { "content-type": "application/json" } }))],
  "a clone is read": ["completed", async (c) => (await raw(c)).clone().json()],
  "read as bytes": ["completed", async (c) => {
    const response = await raw(c);
    return decoded([response.bytes ? await response.bytes() : Buffer.from(await response.arrayBuffer())]);
  }],
  "a body of Node's": ["completed", async (c) => {
    const { body } = await raw(c);
    return [typeof body.getReader, typeof body.tee, (await body.toArray()).length, await collectGarbage()];
  }, () => newClient(async () => {
    const response = json(CHAT);
    const body = Readable.from([Buffer.from("{"), Buffer.from("}")]);
    return new Proxy(response, { get: (of, name) => (name === "body" ? body : typeof of[name] === "function" ? of[name].bind(of) : of[name]) });
  })],
};

for (const [name, [end, act, make = () => newClient()]] of Object.entries(PATTERNS)) {
  keepsTheContract({ [name]: [end, act] }, make, () => collector);
}

test("an image of a response that is read raw is one call", async () => {
  const clientId = "raw image";
  const client = hookline.instrument(newClient(answering(RESPONSE)), { clientId });
  await (await client.responses.create({ model: "m", input: "Draw" }).asResponse()).json();
  const events = await endedEvents(() => collector, clientId, 0, 2);
  assert.deepEqual(events.filter((event) => event.type === "image:request:completed").length, 1);
});

test("what is the same client to the SDK is recorded once, also through a proxy", async () => {
  const clientId = "proxy";
  const client = hookline.instrument(newClient(), { clientId });
  const proxy = hookline.instrument(new Proxy(client, {}), { clientId });
  await proxy.chat.completions.create(says);
  await client.chat.completions.create(says);
  assert.equal((await endedEvents(() => collector, clientId, 0, 2)).length, 4);
  hookline.uninstrument(proxy);
  await client.chat.completions.create(says);
  await hookline.flush();
  assert.equal(collector.events().filter((event) => event.clientId === clientId).length, 4);
});

test("a bundler's short names of classes change no names of errors", async () => {
  const clientId = "short names";
  const shortened = ["APIUserAbortError", "NotFoundError"].map((name) => OpenAI[name]);
  for (const one of shortened) Object.defineProperty(one, "name", { value: "n", configurable: true });
  const left = hookline.instrument(newClient((_, { signal }) => unheard(signal)), { clientId });
  const controller = new AbortController();
  const asked = left.chat.completions.create(says, { signal: controller.signal });
  setImmediate(() => controller.abort());
  await assert.rejects(async () => asked);
  const lost = hookline.instrument(newClient(async () => new Response("{}", { status: 404 })), { clientId });
  await assert.rejects(async () => lost.chat.completions.create(says));
  const events = await endedEvents(() => collector, clientId, 0, 2);
  assert.deepEqual(events.map((event) => event.error?.name ?? event.type.split(":")[2]).filter((name) => name !== "started").sort(), ["NotFoundError", "aborted"]);
});

const MODEL_EVENTS = [{ type: "output_text_delta", delta: "yes" }, { type: "response_done", response: { id: "r", output: [], usage: {} } }];

/** A host's own model of @openai/agents, whose stream gives its items as `next` says. */
function newModel(next) {
  return {
    getResponse: async () => ({}),
    getStreamedResponse: () => ({ [Symbol.asyncIterator]: () => ({ next: next([...MODEL_EVENTS]) }) }),
  };
}

async function kinds(model) {
  const found = [];
  for await (const event of model.getStreamedResponse({ input: "Hello", modelSettings: {} })) found.push(event.type);
  return found;
}

keepsTheContract({ "a stream without promises": ["completed", kinds] },
  () => newModel((events) => () => (events.length ? { done: false, value: events.shift() } : { done: true, value: undefined })), () => collector);
keepsTheContract({ "a stream that throws at once": ["error", kinds] },
  () => newModel(() => () => { throw new RangeError("host's"); }), () => collector);

const newService = (process) => ({ serviceProps: { serviceId: "chat:openai.com/gpt-4o" }, process });
keepsTheContract({ "a service without promises": ["completed", (s) => s.process({ inputs: [] })] },
  () => newService(() => ({ outputs: [] })), () => collector);
keepsTheContract({ "a service that throws at once": ["error", async (s) => s.process({ inputs: [] })] },
  () => newService(() => { throw new RangeError("host's"); }), () => collector);
keepsTheContract({ "a service that is asked nothing": ["completed", async (s) => s.process(undefined)] },
  () => newService(async (request) => ({ outputs: [], given: String(request) })), () => collector);

const newRouter = (fetcher) => new OpenRouter({ serverURL: "http://127.0.0.1:9", apiKey: "k", httpClient: new HTTPClient({ fetcher }) });
const ROUTED = { ...CHAT, system_fingerprint: null, choices: CHAT.choices.map((choice) => ({ ...choice, logprobs: null })) };

keepsTheContract({ "options that are inherited": ["completed", (c) => c.chat.send({ chatRequest: says }, Object.create({ serverURL: "http://inherited.example" }))] },
  () => newRouter(async (request) => (new URL(request.url).hostname === "inherited.example" ? json(ROUTED) : new Response("", { status: 400 }))), () => collector);

/** One turn that asks for the tool, one that says what it got. */
function turns() {
  const asked = { type: "function_call", id: "f", call_id: "f1", name: "look", arguments: "{}", status: "completed" };
  const outputs = [[asked], [{ type: "message", id: "m", role: "assistant", status: "completed", content: [{ type: "output_text", text: "done", annotations: [] }] }]];
  return async () => {
    const response = { ...ROUTED_RESPONSE, output: outputs.shift() ?? [] };
    const events = [{ type: "response.completed", sequence_number: 1, response }];
    return new Response(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(""), { headers: { "content-type": "text/event-stream" } });
  };
}
const ROUTED_RESPONSE = Object.fromEntries([
  "completed_at", "error", "frequency_penalty", "incomplete_details", "instructions", "metadata", "presence_penalty", "temperature", "top_p",
].map((name) => [name, null]));
Object.assign(ROUTED_RESPONSE, { created_at: 1, id: "r", model: "m", object: "response", parallel_tool_calls: true, status: "completed", tool_choice: "auto", tools: [], usage: null });

test("a tool that is left in the middle has ended", async () => {
  const clientId = "left tool";
  const look = tool({
    name: "look", inputSchema: z.object({}), eventSchema: z.object({ at: z.number() }), outputSchema: z.object({}),
    async *execute() {
      yield { at: 1 };
      yield { at: "nowhere" };
      yield {};
    },
  });
  const client = hookline.instrument(newRouter(turns()), { clientId });
  await client.callModel({ model: "m", input: "Look", tools: [look] }).getText();
  await collectGarbage();
  const events = await endedEvents(() => collector, clientId, 0, 2);
  assert.deepEqual(events.filter((event) => event.type === "tools:call:completed").map((event) => event.error.name), ["Aborted"]);
});

test("a long line of a stream that is read raw is looked through once", async () => {
  const line = `data: ${JSON.stringify({ type: "image_generation.completed", b64_json: "A".repeat(3_000_000) })}\n\n`;
  const parts = Array.from({ length: Math.ceil(line.length / 8192) }, (_, n) => Buffer.from(line.slice(n * 8192, (n + 1) * 8192)));
  const body = () => new ReadableStream({ pull: (controller) => (parts.length ? controller.enqueue(parts.shift()) : controller.close()) });
  const clientId = "long line";
  const client = hookline.instrument(newClient(async () => new Response(body(), { headers: { "content-type": "text/event-stream" } })), { clientId });
  const reader = (await client.images.generate({ model: "m", prompt: "a bicycle", stream: true }).asResponse()).body.getReader();
  // Counted, not timed: how much text is looked through.
  const { indexOf, split } = String.prototype;
  let seen = 0;
  String.prototype.indexOf = function (...args) { seen += this.length; return indexOf.apply(this, args); };
  String.prototype.split = function (...args) { seen += this.length; return split.apply(this, args); };
  try {
    while (!(await reader.read()).done);
  } finally {
    Object.assign(String.prototype, { indexOf, split });
  }
  assert.ok(seen < 4 * line.length, `${seen} characters of ${line.length}`);
  const [, ended] = await endedEvents(() => collector, clientId);
  assert.equal(ended.images[0].b64Json.length, 3_000_000);
});
