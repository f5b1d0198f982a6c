// @openai/agents, hooked, against the local provider: runs, models, tools and handoffs, each once, and the client underneath silent.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as agents from "@openai/agents";
import * as hookline from "hookline";
import OpenAI from "openai";
import { collectGarbage, endedEvents, idsAreWhole, keepsTheContract } from "./support/contract.mjs";
import { startCollector } from "./support/collector.mjs";
import { fetching, leaving } from "./support/fetching.mjs";
import { collector, provider } from "./support/servers.mjs";

const { Agent, OpenAIChatCompletionsModel, OpenAIProvider, OpenAIResponsesModel, Runner, tool } = agents;
agents.setTracingDisabled(true);

/** Hooked itself: it must stay silent below an agent. */
const newOpenAI = () => hookline.instrument(new OpenAI({ baseURL: provider.baseURL, apiKey: "none", maxRetries: 0, fetch: fetching }), { clientId: "inner" });

// -- models -----------------------------------------------------------------------------------------------------------------

const asks = (input, more = {}) => ({ systemInstructions: "Be brief.", input, modelSettings: {}, tools: [], outputType: "text", handoffs: [], tracing: false, ...more });
const WEATHER = { type: "function", name: "get_weather", description: "The weather", parameters: { type: "object", properties: {} }, strict: false };

async function kinds(stream, most = Infinity) {
  const found = [];
  for await (const event of stream) if (found.push(event.delta ?? event.type) >= most) break;
  return found;
}

/** Without streaming the SDK wants a trace around it, be it one that goes nowhere. */
const traced = (model, request) => agents.withTrace("t", () => model.getResponse(request));

const MODELS = {
  "whole": ["completed", async (m) => (await traced(m, asks("Hello"))).output],
  "whole, tools": ["completed", async (m) => (await traced(m, asks("Weather?", { tools: [WEATHER] }))).output.map((item) => item.name)],
  "whole, HTTP 400": ["error", (m) => traced(m, asks("Hello [error:400]"))],
  "whole, signal": ["aborted", (m) => leaving((signal) => traced(m, asks("Hello", { signal })))],
  "stream to the end": ["completed", (m) => kinds(m.getStreamedResponse(asks("Hello")))],
  "stream, tools": ["completed", (m) => kinds(m.getStreamedResponse(asks("Weather?", { tools: [WEATHER] })))],
  "stream, break": ["aborted", (m) => kinds(m.getStreamedResponse(asks("Tell [words:50]")), 5)],
  "stream, error in the loop's body": ["aborted", async (m) => {
    for await (const event of m.getStreamedResponse(asks("Tell [words:50]"))) throw new RangeError(event.type);
  }],
  "stream, return()": ["aborted", async (m) => {
    const items = m.getStreamedResponse(asks("Tell [words:50]"))[Symbol.asyncIterator]();
    return [await items.next(), await items.return(), await items.next()].map((result) => result.done);
  }],
  "stream, never read": ["aborted", async (m) => {
    (() => void m.getStreamedResponse(asks("Hello")))();
    await collectGarbage();
  }],
  "stream, HTTP 400": ["error", (m) => kinds(m.getStreamedResponse(asks("Hello [error:400]")))],
  "stream, error frame": ["error", (m) => kinds(m.getStreamedResponse(asks("Hello [break:3]")))],
  "stream, socket cut": ["error", (m) => kinds(m.getStreamedResponse(asks("Hello [drop:3]")))],
};

const named = (patterns, kind) => Object.fromEntries(Object.entries(patterns).map(([name, pattern]) => [`${kind}: ${name}`, pattern]));
keepsTheContract(named(MODELS, "chat model"), () => new OpenAIChatCompletionsModel(newOpenAI(), "gpt-4o-mini"), () => collector);
keepsTheContract(named(MODELS, "responses model"), () => new OpenAIResponsesModel(newOpenAI(), "gpt-5"), () => collector);

// -- runs -------------------------------------------------------------------------------------------------------------------

const LOOSE = { parameters: { type: "object", properties: {}, required: [], additionalProperties: true }, strict: false };
const weather = tool({ name: "get_weather", description: "The weather in a city", ...LOOSE, execute: async () => "sunny" });
const broken = tool({ name: "get_weather", description: "Breaks", ...LOOSE, execute: () => { throw new RangeError("no sky"); }, errorFunction: null });
const teller = new Agent({ name: "Teller", instructions: "Tell." });
const forecaster = new Agent({ name: "Forecaster", tools: [weather] });
const triage = new Agent({ name: "Triage", handoffs: [teller] });
const strict = new Agent({ name: "Strict", inputGuardrails: [{ name: "never", runInParallel: false, execute: async () => ({ tripwireTriggered: true, outputInfo: "no" }) }] });
const boss = new Agent({ name: "Boss", tools: [teller.asTool({ toolName: "ask_teller", toolDescription: "Asks the teller" })] });

const newRunner = () => new Runner({ tracingDisabled: true, modelProvider: new OpenAIProvider({ openAIClient: newOpenAI(), useResponses: true }) });
const both = (end) => [end, end];

async function read(run, most = Infinity) {
  const result = await run;
  const found = [];
  for await (const event of result) if (found.push(event.type) >= most) break;
  return [found.length, result.finalOutput];
}

const RUNS = {
  "run": [both("completed"), async (r) => (await r.run(teller, "Hello")).finalOutput],
  "run, tool": [Array(3).fill("completed"), async (r) => (await r.run(forecaster, "Weather?")).finalOutput],
  "run, handoff": [Array(3).fill("completed"), async (r) => (await r.run(triage, "Hello")).lastAgent.name],
  "run, agent as a tool": [Array(5).fill("completed"), async (r) => (await r.run(boss, "Hello")).finalOutput],
  "run, HTTP 400": [both("error"), (r) => r.run(teller, "Hello [error:400]")],
  "run, tool that throws": [["error", "completed"], (r) => r.run(new Agent({ name: "Broken", tools: [broken] }), "Weather?")],
  "run, too many turns": [["error", "completed"], (r) => r.run(forecaster, "Weather?", { maxTurns: 1 })],
  "run, guardrail": [["error"], (r) => r.run(strict, "Hello")],
  "run, signal": [both("aborted"), (r) => leaving((signal) => r.run(teller, "Hello", { signal }))],
  "streamed run": [both("completed"), (r) => read(r.run(teller, "Hello", { stream: true }))],
  "streamed run, tool": [Array(3).fill("completed"), (r) => read(r.run(forecaster, "Weather?", { stream: true }))],
  "streamed run, not read": [both("completed"), async (r) => {
    const result = await r.run(teller, "Hello", { stream: true });
    await result.completed;
    return result.finalOutput;
  }],
  "streamed run, left": [both("aborted"), async (r) => (await read(r.run(teller, "Tell [words:400] [slow:20]", { stream: true }), 5))[0]],
  "streamed run, HTTP 400": [both("error"), (r) => read(r.run(teller, "Hello [error:400]", { stream: true }))],
};
keepsTheContract(RUNS, newRunner, () => collector);

async function eventsOf(act, count, options = {}) {
  const clientId = `c${Math.random()}`;
  await act(hookline.instrument(newRunner(), { clientId, ...options }));
  return endedEvents(() => collector, clientId, 0, count);
}

const started = (events, activity) => events.filter((event) => event.type === `${activity}:request:started`);

test("a run is one tree: model calls and the tool are inside it", async () => {
  const events = await eventsOf((r) => r.run(forecaster, "Weather?"), 3);
  const [run] = started(events, "agent");
  assert.deepEqual([run.agentName, run.input], ["Forecaster", "Weather?"]);
  const models = started(events, "text");
  assert.deepEqual(models.map((event) => [event.parentRequestId, event.rootRequestId]), Array(2).fill([run.requestId, run.requestId]));
  assert.deepEqual(models[0].toolNames, ["get_weather"]);
  assert.ok(models[0].model && models[0].provider === "openai");
  const ran = events.find((event) => event.type === "tools:call:completed");
  assert.deepEqual([ran.requestId, ran.toolName, ran.result], [run.requestId, "get_weather", "sunny"]);
  // What came after the tool is not inside it.
  assert.equal(models[1].parentToolCallId, undefined);
  const [first, last] = events.filter((event) => event.type === "text:request:completed");
  assert.equal(first.toolCalls[0].function.name, "get_weather");
  assert.ok(last.content && last.usage.totalTokens > 0 && last.responseModel);
});

test("a handoff is told, and an agent that is a tool runs inside that tool", async () => {
  const handed = await eventsOf((r) => r.run(triage, "Hello"), 3);
  const handoff = handed.find((event) => event.type === "agent:handoff");
  assert.deepEqual([handoff.fromAgent, handoff.toAgent], ["Triage", "Teller"]);
  const nested = await eventsOf((r) => r.run(boss, "Hello"), 5);
  const [outer, inner] = started(nested, "agent");
  const asked = nested.find((event) => event.type === "tools:call:started");
  assert.deepEqual([inner.agentName, inner.parentRequestId, inner.parentToolCallId], ["Teller", outer.requestId, asked.toolCallId]);
  assert.deepEqual(new Set(nested.map((event) => event.rootRequestId).filter(Boolean)), new Set([outer.requestId]));
});

test("tools at once are each their own: what each calls is inside it", async () => {
  const openai = hookline.instrument(new OpenAI({ baseURL: provider.baseURL, apiKey: "none" }), { clientId: "in tools" });
  const asking = (name) => tool({ name, description: name, ...LOOSE, execute: async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return (await openai.embeddings.create({ model: name, input: name })).model;
  } });
  const events = await eventsOf((r) => r.run(new Agent({ name: "Both", tools: [asking("one"), asking("two")] }), "Go [tools:2]"), 3);
  const calls = await endedEvents(() => collector, "in tools", 0, 2);
  const idOf = Object.fromEntries(events.filter((event) => event.type === "tools:call:started").map((event) => [event.toolName, event.toolCallId]));
  assert.equal(Object.keys(idOf).length, 2);
  for (const event of started(calls, "embedding")) assert.equal(event.parentToolCallId, idOf[event.model]);
});

test("a stream's text comes in pieces, whole and once", async () => {
  const events = await eventsOf(async (r) => read(r.run(teller, "Tell [words:30]", { stream: true })), 2);
  const chunks = events.filter((event) => event.type === "text:chunk:content").flatMap((event) => event.chunks.map((chunk) => chunk.delta));
  const last = events.find((event) => event.type === "text:request:completed");
  assert.equal(chunks.join(""), last.content);
  assert.ok(last.content.split(" ").length >= 30 && last.timeToFirstChunk > 0 && last.usage.totalTokens > 0);
});

test("of a model that hands on nothing of its provider, text and tools are those of response_done", async () => {
  class Own {
    async getResponse() { throw new Error("not asked"); }
    async *getStreamedResponse() {
      yield { type: "response_started" };
      yield { type: "output_text_delta", delta: "Hel" };
      yield { type: "output_text_delta", delta: "lo" };
      const output = [{ type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", text: "Hello" }] }];
      yield { type: "response_done", response: { id: "r1", output, usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 }, providerData: { model: "own-1" } } };
    }
  }
  const events = await eventsOf((r) => read(r.run(new Agent({ name: "Own", model: new Own() }), "Hi", { stream: true })), 2);
  const last = events.find((event) => event.type === "text:request:completed");
  assert.deepEqual([last.content, last.responseModel, last.responseId, last.usage.totalTokens], ["Hello", "own-1", "r1", 5]);
  assert.deepEqual(events.filter((event) => event.chunks).flatMap((event) => event.chunks.map((chunk) => chunk.delta)), ["Hel", "lo"]);
});

test("the module: every run, also by `run`, and nothing any more after uninstrument", async () => {
  agents.setDefaultOpenAIClient(newOpenAI());
  const { run: method } = Runner.prototype;
  hookline.instrument(agents, { clientId: "module" });
  await agents.run(teller, "Hello");
  assert.equal((await endedEvents(() => collector, "module", 0, 2)).filter((event) => /ed$/.test(event.type)).length, 4);
  hookline.uninstrument(agents);
  const before = collector.events().length;
  await agents.run(teller, "Hello");
  await hookline.flush();
  // The client underneath speaks for itself again.
  assert.deepEqual([...new Set(collector.events().slice(before).map((event) => event.clientId))], ["inner"]);
  assert.ok(method !== undefined);
});

test("without content, names and numbers are all that leaves", async () => {
  const events = await eventsOf((r) => r.run(forecaster, "my secret"), 3, { captureContent: false });
  assert.ok(!JSON.stringify(events).includes("my secret") && !JSON.stringify(events).includes("sunny"));
  assert.ok(events.some((event) => event.usage?.totalTokens > 0));
});

for (const way of ["runner", "module"]) {
  test(`where no context follows an await, ${way}: model calls are recorded apart from their runs, which is said once`, async () => {
    const page = await startCollector();
    try {
      const program = fileURLToPath(new URL("apps/agents-page.mjs", import.meta.url));
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, provider.baseURL, page.url, way], { timeout: 100_000 });
      // At the level debug: a page's console is its visitor's.
      assert.equal(stderr, "");
      const [said, ...rest] = stdout.trim().split("\n");
      assert.match(said, /no context follows/);
      assert.deepEqual(rest, ["true"]);
      const of = (type) => page.events().filter((event) => event.type === type);
      assert.equal(of("agent:request:completed").length, 3);
      assert.deepEqual(of("text:request:completed").map((event) => event.responseModel.split("-2024")[0]), ["gpt-4o-mini", "gpt-4o", "gpt-5"]);
      assert.deepEqual(new Set(page.events().map((event) => event.clientId)), new Set(["asked for"]));
      assert.ok(of("text:request:started").every((event) => !event.parentRequestId));
    } finally {
      await page.close();
    }
  });
}

idsAreWhole(() => collector);
