// One process with one SDK, bare or hooked, that makes calls when it is told to and says what they cost it.
//
//     node bench/worker.mjs SDK VARIANT PROVIDER RECEIVER     (a line of JSON in, a line of JSON out)
import { createInterface } from "node:readline";
import * as hookline from "hookline";
import { MESSAGES, MODEL } from "./said.mjs";

const [sdk, variant, provider, receiver] = process.argv.slice(2);

async function openai() {
  const { default: OpenAI } = await import("openai");
  const client = new OpenAI({ apiKey: "none", baseURL: `${provider}/v1`, maxRetries: 0 });
  const request = { model: MODEL, messages: MESSAGES };
  const streamed = async (more) => {
    for await (const _ of await client.chat.completions.create({ ...more, ...request, stream: true, stream_options: { include_usage: true } }));
  };
  return {
    client,
    acts: {
      chat: () => client.chat.completions.create(request),
      stream: () => streamed({}),
      "short stream": () => streamed({ max_tokens: 1 }),
      responses: () => client.responses.create({ model: MODEL, input: MESSAGES }),
    },
  };
}

async function openrouter() {
  const { OpenRouter } = await import("@openrouter/sdk");
  const client = new OpenRouter({ apiKey: "none", serverURL: `${provider}/v1` });
  const request = { model: MODEL, messages: MESSAGES };
  const streamed = async (more) => {
    for await (const _ of await client.chat.send({ chatRequest: { ...more, ...request, stream: true } }));
  };
  return {
    client,
    acts: { chat: () => client.chat.send({ chatRequest: request }), stream: () => streamed({}), "short stream": () => streamed({ maxTokens: 1 }) },
  };
}

const { client, acts } = await { openai, openrouter }[sdk]();
// What is recorded waits until the calls are over: what they cost, and what rendering and delivery cost, are told apart.
hookline.configure({ url: receiver, flushIntervalMs: 3_600_000, bufferMaxEvents: 1_000_000, bufferMaxBytes: 2 ** 31 });
if (variant === "hooked") hookline.instrument(client);

const cpuUs = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

async function time(act, calls) {
  const before = cpuUs();
  const beganMs = performance.now();
  for (let i = 0; i < calls; i++) await acts[act]();
  return { caller: (cpuUs() - before) / calls, wall: ((performance.now() - beganMs) * 1000) / calls };
}

/** What rendering and delivering costs that has not been delivered yet. */
async function deliver() {
  const before = cpuUs();
  if (!(await hookline.flush({ timeoutMs: 60_000 }))) throw new Error("not delivered");
  return { us: cpuUs() - before };
}

function yardstick() {
  const before = cpuUs();
  let sum = 0;
  for (let i = 0; i < 50_000_000; i++) sum = (sum + i) | 0;
  return { ms: (cpuUs() - before) / 1000, sum };
}

const say = (answer) => console.log(JSON.stringify(answer));
say({ acts: Object.keys(acts) });
for await (const line of createInterface({ input: process.stdin })) {
  const { act, calls } = JSON.parse(line);
  say(act === "yardstick" ? yardstick() : act === "deliver" ? await deliver() : await time(act, calls));
}
