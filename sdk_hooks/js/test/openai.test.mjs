// openai's client, hooked, against the local provider: each pattern ends as it does bare, with one started and one terminal event.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as hookline from "hookline";
import { callsOnTheClass, collectGarbage, endedEvents, idsAreWhole, keepsTheContract } from "./support/contract.mjs";
import { fetching, leaving, unanswered } from "./support/fetching.mjs";
import { collector, provider } from "./support/servers.mjs";

// Another copy of the SDK, to see whether the same holds for its version.
const { default: OpenAI, AzureOpenAI } = await import(process.env.HOOKLINE_TEST_OPENAI ?? "openai");
const says = (content) => ({ model: "gpt-4o-mini", messages: [{ role: "user", content }] });
const streams = (content) => ({ ...says(content), stream: true, stream_options: { include_usage: true } });
const TOOL = { type: "function", function: { name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } } } } };
const RUN_TOOL = { type: "function", function: { name: "get_weather", parse: JSON.parse, function: () => "sunny", parameters: TOOL.function.parameters } };

async function texts(stream, most = Infinity) {
  const found = [];
  for await (const chunk of stream) {
    found.push(chunk.choices?.[0]?.delta?.content ?? chunk.type ?? null);
    if (found.length >= most) break;
  }
  return found;
}

async function sse(response) {
  let text = "";
  for await (const part of response.body) text += Buffer.from(part).toString();
  return text;
}

/** name: [how its calls end, what the host does]; the host's outcome is compared with that of a bare client. */
const PATTERNS = {
  "plain": ["completed", (c) => c.chat.completions.create(says("Hello"))],
  "plain, tools": ["completed", (c) => c.chat.completions.create({ ...says("Weather?"), tools: [TOOL] })],
  "several choices": ["completed", (c) => c.chat.completions.create({ ...says("Hello"), n: 2 })],
  "stream to the end": ["completed", async (c) => texts(await c.chat.completions.create(streams("Hello")))],
  "stream with tools": ["completed", async (c) => texts(await c.chat.completions.create({ ...streams("Weather? [tools:2]"), tools: [TOOL] }))],
  "stream, tools at one index": ["completed", async (c) => texts(await c.chat.completions.create({ ...streams("Weather? [tools:2] [same-index]"), tools: [TOOL] }))],
  "stream, break": ["aborted", async (c) => texts(await c.chat.completions.create(streams("Tell [words:50]")), 3)],
  "stream, error in the loop's body": ["aborted", async (c) => {
    for await (const chunk of await c.chat.completions.create(streams("Tell [words:50]"))) throw new RangeError(chunk.object);
  }],
  "stream, return()": ["aborted", async (c) => {
    const items = (await c.chat.completions.create(streams("Tell [words:50]")))[Symbol.asyncIterator]();
    return [await items.next(), await items.return(), await items.next()].map((result) => result.done);
  }],
  "stream, controller.abort()": ["aborted", async (c) => {
    const stream = await c.chat.completions.create(streams("Tell [words:50] [slow:5]"));
    const seen = [];
    for await (const chunk of stream) if (seen.push(chunk.object) === 3) stream.controller.abort();
    // What had arrived by then may still come.
    return seen.slice(0, 3);
  }],
  "stream, iterated twice": ["completed", async (c) => {
    const stream = await c.chat.completions.create(streams("Hello"));
    return [await texts(stream), await texts(stream)];
  }],
  "stream, never iterated": ["aborted", async (c) => {
    await (async () => void (await c.chat.completions.create(streams("Hello"))))();
    await collectGarbage();
  }],
  "stream, tee": ["completed", async (c) => {
    const stream = await c.chat.completions.create(streams("Hello"));
    const halves = stream.tee();
    assert.equal(stream.constructor.name, "Stream", "the SDK's own class");
    return [halves.map((half) => half instanceof stream.constructor), await Promise.all(halves.map((half) => texts(half)))];
  }],
  "stream, toReadableStream": ["completed", async (c) => {
    let size = 0;
    for await (const part of (await c.chat.completions.create(streams("Hello"))).toReadableStream()) size += part.length;
    return size > 0;
  }],
  "stream, error frame": ["error", async (c) => texts(await c.chat.completions.create(streams("Hello [break:3]")))],
  "stream, socket cut": ["error", async (c) => texts(await c.chat.completions.create(streams("Hello [drop:3]")))],
  "stream helper to the end": ["completed", async (c) => (await c.chat.completions.stream(says("Hello")).finalMessage()).content],
  "stream helper left": ["aborted", async (c) => {
    const stream = c.chat.completions.stream(says("Tell [words:50]"));
    for await (const chunk of stream) if (chunk) break;
    return stream.aborted;
  }],
  "stream helper, abort()": ["aborted", async (c) => {
    const stream = c.chat.completions.stream(says("Tell [words:50] [slow:5]"));
    stream.once("content", () => stream.abort());
    return stream.finalMessage();
  }],
  "stream helper, HTTP 400": ["error", (c) => c.chat.completions.stream(says("Hello [error:400]")).finalMessage()],
  "runTools": [["completed", "completed"], async (c) => (await c.chat.completions.runTools({ ...says("Weather?"), tools: [RUN_TOOL] }).finalContent()).length > 0],
  "runTools, stream": [["completed", "completed"], async (c) => (await c.chat.completions.runTools({ ...streams("Weather?"), tools: [RUN_TOOL] }).finalContent()).length > 0],
  "two at once": [["completed", "completed"], (c) => Promise.all(["Hello", "Hi"].map((content) => c.chat.completions.create(says(content))))],
  "text completion": ["completed", (c) => c.completions.create({ model: "gpt-3.5-turbo-instruct", prompt: "Hello" })],
  "text completion, stream": ["completed", async (c) => {
    const found = [];
    for await (const chunk of await c.completions.create({ model: "gpt-3.5-turbo-instruct", prompt: "Hello", stream: true })) found.push(chunk.choices[0]?.text);
    return found;
  }],
  "withResponse": ["completed", async (c) => {
    const { data, response } = await c.chat.completions.create(says("Hello")).withResponse();
    return [data, response.status, response.bodyUsed];
  }],
  "withResponse, stream": ["completed", async (c) => texts((await c.chat.completions.create(streams("Hello")).withResponse()).data)],
  "asResponse, json": ["completed", async (c) => (await c.chat.completions.create(says("Hello")).asResponse()).json()],
  "asResponse, text": ["completed", async (c) => (await c.chat.completions.create(says("Hello")).asResponse()).text()],
  "asResponse, body": ["completed", async (c) => sse(await c.chat.completions.create(streams("Hello")).asResponse())],
  "asResponse, body left": ["aborted", async (c) => {
    const reader = (await c.chat.completions.create(streams("Tell [words:50] [slow:5]")).asResponse()).body.getReader();
    const first = await reader.read();
    await reader.cancel();
    return first.done;
  }],
  "asResponse, body on its way to somebody else": ["completed", async (c) => {
    const response = await c.chat.completions.create(streams("Hello")).asResponse();
    let size = 0;
    for await (const part of response.body.pipeThrough(new TransformStream())) size += part.length;
    return size > 0;
  }],
  "asResponse, only a copy read": ["completed", async (c) => {
    const copy = await (async () => (await c.chat.completions.create(says("Hello")).asResponse()).clone())();
    await collectGarbage();
    return copy.json();
  }],
  "asResponse, only a copy's body read": ["completed", async (c) => {
    const copy = await (async () => (await c.chat.completions.create(streams("Hello")).asResponse()).clone())();
    await collectGarbage();
    return sse(copy);
  }],
  "asResponse, never read": ["aborted", async (c) => {
    await (async () => void (await c.chat.completions.create(streams("Hello")).asResponse()))();
    await collectGarbage();
  }],
  "asResponse, then parsed": ["completed", async (c) => {
    const promise = c.chat.completions.create(says("Hello"));
    const { status } = await promise.asResponse();
    return [status, await promise];
  }],
  "asResponse, HTTP 400": ["error", (c) => c.chat.completions.create(says("Hello [error:400]")).asResponse()],
  "withResponse, HTTP 400": ["error", (c) => c.chat.completions.create(says("Hello [error:400]")).withResponse()],
  "asResponse of embeddings": ["completed", async (c) => (await c.embeddings.create({ model: "e", input: ["a"] }).asResponse()).json()],
  "parse": ["completed", (c) => c.chat.completions.parse({
    ...says("Who?"),
    response_format: { type: "json_schema", json_schema: { name: "who", schema: { type: "object", properties: { name: { type: "string" } } } } },
  })],
  "withOptions": ["completed", (c) => c.withOptions({ maxRetries: 0 }).chat.completions.create(says("Hello"))],
  "HTTP 400": ["error", (c) => c.chat.completions.create(says("Hello [error:400]"))],
  "HTTP 429 with retries": ["error", (c) => c.chat.completions.create(says("Hello [error:429]"))],
  "HTTP 500, then well": ["completed", (c) => c.chat.completions.create(says("Hello [flaky:500]"))],
  "unknown model": ["error", (c) => c.chat.completions.create({ ...says("Hello"), model: "no-such-model" })],
  "timeout": ["error", (c) => unanswered(() => c.chat.completions.create(says("Hello"), { timeout: 40, maxRetries: 0 }))],
  "signal": ["aborted", (c) => leaving((signal) => c.chat.completions.create(says("Hello"), { signal }))],
  "signal, in a stream": ["aborted", async (c) => {
    const controller = new AbortController();
    const seen = [];
    for await (const chunk of await c.chat.completions.create(streams("Tell [words:50] [slow:5]"), { signal: controller.signal })) {
      if (seen.push(chunk.object) === 3) controller.abort();
    }
    return seen.slice(0, 3);
  }],
  "signal, aborted before": ["aborted", (c) => c.chat.completions.create(says("Hello"), { signal: AbortSignal.abort() })],
  "nobody there": ["error", (c) => c.withOptions({ baseURL: "http://127.0.0.1:9/v1", maxRetries: 0 }).chat.completions.create(says("Hello"))],
  "finish reason error": ["error", (c) => c.chat.completions.create(says("Hello [failed]"))],
  "then and catch": ["error", (c) => c.chat.completions.create(says("Hello [error:400]")).catch((error) => error.status)],
  "awaited twice": ["completed", async (c) => {
    const promise = c.chat.completions.create(says("Hello"));
    return (await promise) === (await promise);
  }],
  "responses": ["completed", (c) => c.responses.create({ model: "gpt-5", input: "Hello" })],
  "responses, stream": ["completed", async (c) => texts(await c.responses.create({ model: "gpt-5", input: "Hello", stream: true }))],
  "responses, stream left": ["aborted", async (c) => texts(await c.responses.create({ model: "gpt-5", input: "Hello", stream: true }), 3)],
  "responses, failed": ["error", (c) => c.responses.create({ model: "gpt-5", input: "Hello [failed]" })],
  "responses, helper": ["completed", async (c) => (await c.responses.stream({ model: "gpt-5", input: "Hello" }).finalResponse()).output_text],
  "responses, helper left": ["aborted", async (c) => {
    const stream = c.responses.stream({ model: "gpt-5", input: "Tell [words:50]" });
    for await (const event of stream) if (event) break;
    return stream.aborted;
  }],
  "responses, parse": ["completed", async (c) => (await c.responses.parse({ model: "gpt-5", input: "Hello" })).output_text],
  "responses, beta": ["completed", (c) => (c.beta.responses ?? c.responses).create({ model: "gpt-5", input: "Hello" })],
  "images": ["completed", (c) => c.images.generate({ model: "gpt-image-1", prompt: "a bicycle" })],
  "images, stream": ["completed", async (c) => texts(await c.images.generate({ model: "gpt-image-1", prompt: "a bicycle", stream: true }))],
  "image edit": ["completed", (c) => c.images.edit({ model: "gpt-image-1", prompt: "a bicycle", image: new File(["x"], "x.png") })],
  "embeddings": ["completed", (c) => c.embeddings.create({ model: "text-embedding-3-small", input: ["a", "b"] })],
  "speech": ["completed", async (c) => (await (await c.audio.speech.create({ model: "tts-1", voice: "alloy", input: "Hi" })).arrayBuffer()).byteLength],
  "transcription": ["completed", (c) => c.audio.transcriptions.create({ model: "whisper-1", file: new File(["x"], "x.mp3") })],
  "speech, left": ["aborted", async (c) => {
    const reader = (await c.audio.speech.create({ model: "tts-1", voice: "alloy", input: "Hi" })).body.getReader();
    return reader.cancel();
  }],
  "speech, never read": ["aborted", async (c) => {
    await (async () => void (await c.audio.speech.create({ model: "tts-1", voice: "alloy", input: "Hi" })))();
    await collectGarbage();
  }],
  "transcription, stream": ["completed", async (c) => texts(await c.audio.transcriptions.create({ model: "gpt-4o-transcribe", file: new File(["x"], "x.mp3"), stream: true }))],
  "translation": ["completed", (c) => c.audio.translations.create({ model: "whisper-1", file: new File(["x"], "x.mp3") })],
  "video": ["completed", (c) => c.videos.create({ model: "sora-2", prompt: "a bicycle", seconds: "4" })],
  "video, remixed": ["completed", (c) => c.videos.remix("job-fake", { prompt: "two bicycles" })],
  "video, asked for": ["completed", (c) => c.videos.retrieve("running-1")],
  "video, failed": ["error", (c) => c.videos.retrieve("failed-1")],
  "video, fetched": ["completed", async (c) => (await (await c.videos.downloadContent("job-fake")).arrayBuffer()).byteLength],
  "no call of a model": [[], async (c) => (await c.models.list()).data.length],
  "moderation": ["completed", (c) => c.moderations.create({ model: "omni-moderation-latest", input: "Hi" })],
};

const newClient = () => new OpenAI({ baseURL: provider.baseURL, apiKey: "none", maxRetries: 1, fetch: fetching });

keepsTheContract(PATTERNS, newClient, () => collector);

// Azure's client writes the deployment into the path of each request, also of a request that is tried again.
const ON_AZURE = ["plain", "stream to the end", "stream, break", "stream helper to the end", "HTTP 400", "HTTP 500, then well", "responses", "images", "embeddings"];
const newAzure = () => new AzureOpenAI({ endpoint: new URL(provider.baseURL).origin, apiVersion: "2025-04-01-preview", apiKey: "azure-key-of-the-host", maxRetries: 1 });
keepsTheContract(Object.fromEntries(ON_AZURE.map((name) => [`Azure: ${name}`, PATTERNS[name]])), newAzure, () => collector);

test("Azure is the provider, with and without a deployment, and its key stays here", async () => {
  const clientId = "azure";
  for (const more of [{}, { deployment: "my-deployment" }]) {
    const client = new AzureOpenAI({ endpoint: new URL(provider.baseURL).origin, apiVersion: "2025-04-01-preview", apiKey: "azure-key-of-the-host", ...more });
    await hookline.instrument(client, { clientId }).chat.completions.create(says("Hello"));
  }
  const events = await endedEvents(() => collector, clientId, 0, 2);
  assert.deepEqual(events.map((event) => event.provider), Array(4).fill("azure.ai.openai"));
  assert.ok(!JSON.stringify(collector.posts).includes("azure-key"));
});

async function eventsOf(act, options = {}) {
  const clientId = `c${Math.random()}`;
  await act(hookline.instrument(newClient(), { clientId, ...options }));
  await hookline.flush();
  return collector.events().filter((event) => event.clientId === clientId);
}

test("a stream's text and tools come packed, and whole at the end", async () => {
  const events = await eventsOf(async (c) => {
    await texts(await c.chat.completions.create(streams("Tell [words:20]")));
    await texts(await c.chat.completions.create({ ...streams("Weather? [tools:2]"), tools: [TOOL] }));
  });
  const [said, called] = events.filter((event) => event.type === "text:request:completed");
  const chunks = events.filter((event) => event.requestId === said.requestId && event.type === "text:chunk:content");
  assert.equal(chunks.flatMap((event) => event.chunks.map((chunk) => chunk.delta)).join(""), said.content);
  assert.ok(said.content.split(" ").length >= 20 && said.timeToFirstChunk > 0);
  assert.equal(said.finishReason, "stop");
  assert.ok(said.usage.totalTokens === said.usage.promptTokens + said.usage.completionTokens && said.usage.totalTokens > 0);
  assert.deepEqual(called.toolCalls.map((call) => [call.function.name, typeof JSON.parse(call.function.arguments)]), [["get_weather", "object"], ["get_weather", "object"]]);
});

test("the request is what was sent, even if the host changes it after", async () => {
  const request = says("first");
  const [started] = await eventsOf(async (c) => {
    const promise = c.chat.completions.create(request);
    await Promise.resolve().then(() => undefined);
    await promise;
    request.messages[0].content = "changed";
  });
  assert.equal(started.messages[0].content, "first");
});

test("an image inside a Responses stream is a call of its own", async () => {
  const draws = async (c) => {
    const found = [];
    const tools = [{ type: "image_generation" }];
    for await (const event of await c.responses.create({ model: "gpt-5", input: "Draw", stream: true, tools })) found.push(event);
    return found;
  };
  const outcomes = [await draws(newClient())];
  const events = await eventsOf(async (c) => outcomes.push(await draws(c)));
  assert.ok(outcomes[0].length > 3);
  assert.deepEqual(outcomes[1], outcomes[0], "as bare");
  const image = events.find((event) => event.type === "image:request:completed");
  assert.ok(image.images[0].b64Json);
  assert.equal(image.requestId.split("/")[0], image.parentRequestId);
  const times = ["text:request:started", "image:request:started", "image:request:completed", "text:request:completed"]
    .map((type) => events.find((event) => event.type === type).timestamp);
  assert.deepEqual(times, times.toSorted((a, b) => a - b), "its times lie within the response's");
});

test("a video is told as its job: asked for, polled, failed, and fetched by its size", async () => {
  const events = await eventsOf(async (c) => {
    await c.videos.create({ model: "sora-2", prompt: "a bicycle", seconds: "4", size: "720x1280" });
    await c.videos.retrieve("running-1");
    await c.videos.retrieve("failed-1");
    await (await c.videos.downloadContent("done-1")).arrayBuffer();
  });
  const started = events.filter((event) => event.type === "video:request:started");
  assert.deepEqual(started.map((event) => [event.requestType, event.jobId]), [["create", undefined], ["status", "running-1"], ["status", "failed-1"], ["url", "done-1"]]);
  assert.deepEqual([started[0].model, started[0].prompt, started[0].size], ["sora-2", "a bicycle", "720x1280"]);
  const [asked, polled, failed, fetched] = events.filter((event) => /:(completed|error)$/.test(event.type));
  assert.deepEqual([asked.jobId, asked.status, polled.status, polled.progress], ["job-fake", "pending", "processing", 40]);
  assert.deepEqual([failed.error.name, failed.jobId], ["moderation_blocked", "failed-1"]);
  assert.ok(fetched.bytes > 0 && !fetched.audio);
});

test("without content, names and numbers are all that leaves", async () => {
  const events = await eventsOf((c) => c.chat.completions.create(says("my secret")), { captureContent: false });
  assert.ok(!JSON.stringify(events).includes("my secret"));
  assert.equal(events.at(-1).usage.totalTokens > 0, true);
});

test("keys stay at home, whatever they are called, in options and in addresses", async () => {
  const metadata = { aws_secret_access_key: "hunter2-a", session_token: "hunter2-b", authorization_token: "hunter2-c", "x-my-api-key": "hunter2-d", place: "kept" };
  const told = await eventsOf((c) => c.chat.completions.create({ ...says("Hi"), metadata }));
  assert.ok(JSON.stringify(told).includes("kept") && !JSON.stringify(told).includes("hunter2"));

  const fails = () => Promise.reject(new Error("no way to https://me:hunter2@host/v1?key=hunter2e&page=7"));
  const failed = await eventsOf((c) => c.withOptions({ fetch: fails, maxRetries: 0 }).chat.completions.create(says("Hi")).catch(() => {}));
  assert.ok(!JSON.stringify(failed).includes("hunter2"));
});

test("without content, a list that is called like a name is content all the same", async () => {
  const events = await eventsOf(
    (c) => c.chat.completions.create({ ...says("Hi"), format: { words: ["my secret"] } }), { captureContent: false });
  assert.ok(!JSON.stringify(events).includes("my secret"));
});

test("uninstrument gives the client back as it was", async () => {
  const client = newClient();
  const before = Reflect.ownKeys(client);
  hookline.instrument(client);
  assert.equal(hookline.uninstrument(client), client);
  assert.deepEqual(Reflect.ownKeys(client), before);
});

test("what is put on the class later is heard, and gone when it is taken away", async () => {
  const clientId = "mocked";
  const client = hookline.instrument(newClient(), { clientId });
  const seen = await callsOnTheClass(OpenAI.prototype, "request", async () => {
    await client.chat.completions.create(says("Hello"));
    await client.withOptions({ maxRetries: 1 }).chat.completions.create(says("Hello"));
  });
  await client.chat.completions.create(says("Hello"));
  await hookline.flush();
  const ended = collector.events().filter((event) => event.clientId === clientId && event.type.endsWith(":completed"));
  assert.deepEqual([seen, ended.length], [2, 3]);
});

test("uninstrument leaves what another tool has put around ours, and is silent below it", async () => {
  const clientId = "wrapped";
  const client = hookline.instrument(newClient(), { clientId });
  const { request } = client;
  let seen = 0;
  client.request = (...args) => {
    seen++;
    return request.apply(client, args);
  };
  const theirs = client.request;
  hookline.uninstrument(client);
  assert.equal(client.request, theirs);
  await client.chat.completions.create(says("Hello"));
  await hookline.flush();
  assert.deepEqual([seen, collector.events().filter((event) => event.clientId === clientId).length], [1, 0]);
});

test("two copies of the package record a client once, by the newer options", async () => {
  const { createRequire } = await import("node:module");
  const other = createRequire(import.meta.url)("hookline");
  const client = other.instrument(hookline.instrument(newClient(), { clientId: "first copy" }), { clientId: "second copy" });
  await client.chat.completions.create(says("Hello"));
  const events = await endedEvents(() => collector, "second copy");
  assert.deepEqual([events.length, collector.events().some((event) => event.clientId === "first copy")], [2, false]);
  other.uninstrument(client);
  assert.ok(!Object.hasOwn(client, "request"));
});

test("a request that holds itself in many places is copied once, and ends as the SDK ends it", async () => {
  const holds = {};
  for (const name of "abcdefgh") holds[name] = holds;
  const clientId = "circular";
  const client = hookline.instrument(newClient(), { clientId });
  await assert.rejects(async () => client.chat.completions.create({ ...says("Hello"), metadata: holds }), TypeError);
  const [started] = await endedEvents(() => collector, clientId);
  assert.equal(started.modelOptions.metadata.a, "<circular>");
});

test("a session's fields are on the calls inside it, through awaits", async () => {
  const events = await eventsOf((c) =>
    hookline.session({ threadId: "t1", tags: { a: 1 } }, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return c.chat.completions.create(says("Hello"));
    }));
  assert.deepEqual(events.map((event) => event.threadId), ["t1", "t1"]);
});

test("a reader of ours that throws does not reach the host", async () => {
  const client = hookline.instrument(newClient(), { redact: () => { throw new Error("host's redact"); } });
  assert.ok((await client.chat.completions.create(says("Hello"))).id);
  await hookline.flush();
  assert.ok(hookline.losses().redact_failed >= 2);
});

idsAreWhole(() => collector);
