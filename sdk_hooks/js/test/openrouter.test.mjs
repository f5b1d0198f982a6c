// @openrouter/sdk, hooked, against the local provider: each pattern ends as it does bare, with one started and one terminal event.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HTTPClient, OpenRouter } from "@openrouter/sdk";
import { chatSend } from "@openrouter/sdk/funcs/chatSend.js";
import { tool } from "@openrouter/sdk/lib/tool.js";
import * as hookline from "hookline";
import { z } from "zod/v4";
import { callsOnTheClass, collectGarbage, endedEvents, idsAreWhole, keepsTheContract } from "./support/contract.mjs";
import { fetching, leaving, unanswered } from "./support/fetching.mjs";
import { collector, provider } from "./support/servers.mjs";

const RETRIES = { strategy: "backoff", backoff: { initialInterval: 1, maxInterval: 5, exponent: 1.5, maxElapsedTime: 60 }, retryConnectionErrors: false };
/** However slow the machine is, there is time for another try. */
const PATIENT = { ...RETRIES, backoff: { ...RETRIES.backoff, maxElapsedTime: 60_000 } };
const newClient = () => new OpenRouter({ serverURL: provider.openrouterURL, apiKey: "none", retryConfig: RETRIES, httpClient: new HTTPClient({ fetcher: fetching }) });
const says = (content, more = {}) => ({ chatRequest: { model: "openai/gpt-4o-mini", messages: [{ role: "user", content }], ...more } });
const streams = (content, more = {}) => says(content, { stream: true, ...more });
const asks = (input, more = {}) => ({ responsesRequest: { model: "openai/gpt-5", input, ...more } });
const TOOL = { type: "function", function: { name: "get_weather", parameters: { type: "object", properties: { cityName: { type: "string" } } } } };
const weather = tool({
  name: "get_weather", description: "The weather in a city", inputSchema: z.object({}).passthrough(), execute: async () => ({ sky: "clear" }),
});

async function texts(stream, most = Infinity) {
  const found = [];
  for await (const chunk of stream) {
    found.push(chunk.choices?.[0]?.delta?.content ?? chunk.delta ?? chunk.type ?? null);
    if (found.length >= most) break;
  }
  return found;
}

async function bytes(stream) {
  let size = 0;
  for await (const part of stream) size += part.length;
  return size;
}

async function iterated(iterator, most = Infinity) {
  const found = [];
  for await (const item of iterator) if (found.push(item) >= most) break;
  return found;
}

const PATTERNS = {
  "chat": ["completed", (c) => c.chat.send(says("Hello"))],
  "chat, tools": ["completed", (c) => c.chat.send(says("Weather? [tools:2]", { tools: [TOOL] }))],
  "chat, thoughts": ["completed", (c) => c.chat.send(says("Hello", { reasoning: { effort: "low" } }))],
  "chat, then": ["completed", (c) => c.chat.send(says("Hello")).then((found) => found.id)],
  "chat, failed": ["error", (c) => c.chat.send(says("Hello [failed]"))],
  "HTTP 400": ["error", (c) => c.chat.send(says("Hello [error:400]"))],
  "HTTP 429": ["error", (c) => c.chat.send(says("Hello [error:429]"))],
  "HTTP 500 with retries": ["error", (c) => c.chat.send(says("Hello [error:500]"))],
  "HTTP 500, then well": ["completed", (c) => c.chat.send(says("Hello [flaky:500]"), { retries: PATIENT })],
  "what the SDK refuses": ["error", (c) => c.chat.send({ chatRequest: { model: "m", messages: "none" } })],
  "timeout": ["error", (c) => unanswered(() => c.chat.send(says("Hello"), { timeoutMs: 40, retries: { strategy: "none" } }))],
  "signal": ["aborted", (c) => leaving((signal) => c.chat.send(says("Hello"), { fetchOptions: { signal }, retries: { strategy: "none" } }))],
  "nobody there": ["error", (c) => c.chat.send(says("Hello"), { serverURL: "http://127.0.0.1:9/", retries: { strategy: "none" } })],
  "stream to the end": ["completed", async (c) => texts(await c.chat.send(streams("Hello")))],
  "stream with tools": ["completed", async (c) => texts(await c.chat.send(streams("Weather? [tools:2]", { tools: [TOOL] })))],
  "stream, break": ["aborted", async (c) => texts(await c.chat.send(streams("Tell [words:50] [slow:2]")), 3)],
  "stream, error in the loop's body": ["aborted", async (c) => {
    for await (const chunk of await c.chat.send(streams("Tell [words:50] [slow:2]"))) throw new RangeError(chunk.object);
  }],
  "stream, getReader": ["completed", async (c) => {
    const reader = (await c.chat.send(streams("Hello"))).getReader();
    let count = 0;
    while (!(await reader.read()).done) count++;
    return count;
  }],
  "stream, reader cancelled": ["aborted", async (c) => {
    const reader = (await c.chat.send(streams("Tell [words:50] [slow:2]"))).getReader();
    await reader.read();
    await reader.cancel();
    return (await reader.read()).done;
  }],
  "stream cancelled": ["aborted", async (c) => (await c.chat.send(streams("Tell [words:50] [slow:2]"))).cancel()],
  "stream, tee": ["completed", async (c) => {
    const stream = await c.chat.send(streams("Hello"));
    const [left, right] = stream.tee();
    return [stream.constructor.name, stream instanceof ReadableStream, await Promise.all([iterated(left), iterated(right)]).then((both) => both.map((all) => all.length))];
  }],
  "stream, never read": ["aborted", async (c) => {
    await (async () => void (await c.chat.send(streams("Hello"))))();
    await collectGarbage();
  }],
  "stream, error frame": ["error", async (c) => texts(await c.chat.send(streams("Hello [break:3]")))],
  "stream, socket cut": ["error", async (c) => texts(await c.chat.send(streams("Hello [drop:3]")))],
  "responses": ["completed", (c) => c.responses.send(asks("Hello"))],
  "responses, stream": ["completed", async (c) => texts(await c.responses.send(asks("Hello", { stream: true })))],
  "responses, stream left": ["aborted", async (c) => texts(await c.responses.send(asks("Tell [words:50] [slow:2]", { stream: true })), 3)],
  "responses, failed": ["error", (c) => c.responses.send(asks("Hello [failed]"))],
  "beta.responses": ["completed", (c) => c.beta.responses.send(asks("Hello"))],
  "images": ["completed", (c) => c.images.generate({ imageGenerationRequest: { model: "openai/gpt-image-1", prompt: "a bicycle" } })],
  "images, stream": ["completed", async (c) => texts(await c.images.generate({ imageGenerationRequest: { model: "openai/gpt-image-1", prompt: "a bicycle", stream: true } }))],
  "embeddings": ["completed", (c) => c.embeddings.generate({ requestBody: { model: "openai/text-embedding-3-small", input: ["a", "b"] } })],
  "speech": ["completed", async (c) => bytes(await c.tts.createSpeech({ speechRequest: { model: "openai/tts-1", voice: "alloy", input: "Hi" } }))],
  "transcription": ["completed", (c) => c.stt.createTranscription({ sttRequest: { model: "openai/whisper-1", inputAudio: { data: "AAAA", format: "mp3" } } })],
  "rerank": ["completed", (c) => c.rerank.rerank({ requestBody: { model: "cohere/rerank", query: "bicycle", documents: ["a bicycle", "a boat"] } })],
  "video": ["completed", (c) => c.videoGeneration.generate({ videoGenerationRequest: { model: "openai/sora", prompt: "a bicycle" } })],
  "video, asked for": ["completed", (c) => c.videoGeneration.getGeneration({ jobId: "job-fake" })],
  "callModel, text": ["completed", (c) => c.callModel({ model: "openai/gpt-5", input: "Hello" }).getText()],
  "callModel, response": ["completed", async (c) => (await c.callModel({ model: "openai/gpt-5", input: "Hello" }).getResponse()).output.length],
  "callModel, text stream": ["completed", (c) => iterated(c.callModel({ model: "openai/gpt-5", input: "Hello" }).getTextStream())],
  "callModel, stream left": ["completed", (c) => iterated(c.callModel({ model: "openai/gpt-5", input: "Hello" }).getTextStream(), 1)],
  "callModel, tools": [["completed", "completed"], (c) => c.callModel({ model: "openai/gpt-5", input: "Weather?", tools: [weather] }).getText()],
  "callModel, tools, stream": [["completed", "completed"], async (c) => (await iterated(c.callModel({ model: "openai/gpt-5", input: "Weather?", tools: [weather] }).getTextStream())).join("")],
  "callModel, HTTP 400": ["error", (c) => c.callModel({ model: "openai/gpt-5", input: "Hello [error:400]" }).getText()],
  "callModel, socket cut": ["error", (c) => c.callModel({ model: "openai/gpt-5", input: "Hello [drop:3]" }).getText()],
  "a function of the SDK": ["completed", async (c) => (await chatSend(c, says("Hello"))).value.choices],
};

keepsTheContract(PATTERNS, newClient, () => collector);

async function eventsOf(act, { count = 1, ...options } = {}) {
  const clientId = `c${Math.random()}`;
  await act(hookline.instrument(newClient(), { clientId, ...options }));
  return endedEvents(() => collector, clientId, 0, count);
}

test("what was asked is told as it went over the wire, what was answered with the provider's price", async () => {
  const [started, ended] = await eventsOf((c) => c.chat.send(says("Hello", { tools: [TOOL], maxCompletionTokens: 9 })));
  assert.equal(started.modelOptions.max_completion_tokens, 9);
  assert.deepEqual(started.options.tools[0].function.parameters, TOOL.function.parameters);
  assert.deepEqual([started.provider, started.model, started.toolNames], ["openrouter", "openai/gpt-4o-mini", ["get_weather"]]);
  assert.equal(ended.toolCalls[0].function.name, "get_weather");
  assert.ok(ended.usage.cost > 0 && ended.usage.promptTokens > 0);
  assert.equal(ended.finishReason, "tool_calls");
});

test("a stream's text comes packed, and whole at the end", async () => {
  let heard;
  const events = await eventsOf(async (c) => (heard = await texts(await c.chat.send(streams("Tell [words:20]")))));
  const chunks = events.filter((event) => event.type === "text:chunk:content").flatMap((event) => event.chunks.map((chunk) => chunk.delta));
  assert.equal(chunks.join(""), heard.join(""));
  assert.equal(events.at(-1).content, heard.join(""));
  assert.ok(events.at(-1).usage.totalTokens > 0 && events.at(-1).timeToFirstChunk > 0);
});

test("the turns of callModel are one trace, and a tool belongs to the turn that asked for it", async () => {
  const events = await eventsOf((c) => c.callModel({ model: "openai/gpt-5", input: "Weather?", tools: [weather] }).getText(), { count: 2 });
  const [first, second] = events.filter((event) => event.type === "text:request:started");
  assert.equal(second.rootRequestId, first.requestId);
  const ran = events.find((event) => event.type === "tools:call:completed");
  assert.deepEqual([ran.requestId, ran.toolName, ran.result], [first.requestId, "get_weather", { sky: "clear" }]);
});

test("without content, names and numbers are all that leaves; a key never does", async () => {
  const events = await eventsOf((c) => c.chat.send(says("my secret")), { captureContent: false });
  assert.ok(!JSON.stringify(events).includes("my secret"));
  assert.ok(events.at(-1).usage.totalTokens > 0);
  const refused = await eventsOf((c) => c.callModel({ model: "openai/gpt-5", input: "x [error:401]" }).getText().catch(() => undefined));
  assert.equal(refused.at(-1).error.name, "401");
  assert.ok(!JSON.stringify(collector.posts).includes("Bearer"));
});

test("what is put on the class later is heard, and gone when it is taken away", async () => {
  const clientId = "mocked";
  const client = hookline.instrument(newClient(), { clientId });
  const seen = await callsOnTheClass(Object.getPrototypeOf(client.chat), "send", () => client.chat.send(says("Hello")));
  await client.chat.send(says("Hello"));
  await hookline.flush();
  const ended = collector.events().filter((event) => event.clientId === clientId && event.type.endsWith(":completed"));
  assert.deepEqual([seen, ended.length], [1, 2]);
});

test("uninstrument gives the client back as it was", async () => {
  const client = newClient();
  const { send } = client.chat;
  const { callModel } = client;
  hookline.uninstrument(hookline.instrument(client));
  assert.deepEqual([client.chat.send, client.callModel, Object.hasOwn(client.chat, "send"), Object.hasOwn(client, "_do")], [send, callModel, false, false]);
});

idsAreWhole(() => collector);
