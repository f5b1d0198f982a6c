// One process with one SDK that makes calls when it is told to and says what they cost it: with one client, or with several by turns.
//
//     node bench/worker.mjs SDK CLIENTS PROVIDER RECEIVER     (CLIENTS: `hooked`, or `bare,hooked,bare`; a line of JSON in, a line out)
import { createInterface } from "node:readline";
import * as hookline from "hookline";
import { ASKED, MESSAGES, MODEL } from "./said.mjs";

const [sdk, variants, provider, receiver] = process.argv.slice(2);

async function openai() {
  const { default: OpenAI } = await import("openai");
  const request = { model: MODEL, messages: MESSAGES };
  const streamed = async (client, more) => {
    for await (const _ of await client.chat.completions.create({ ...more, ...request, stream: true, stream_options: { include_usage: true } }));
  };
  return {
    newClient: () => new OpenAI({ apiKey: "none", baseURL: `${provider}/v1`, maxRetries: 0 }),
    acts: {
      chat: (client) => client.chat.completions.create(request),
      stream: (client) => streamed(client, {}),
      "short stream": (client) => streamed(client, { max_tokens: 1 }),
      responses: (client) => client.responses.create({ model: MODEL, input: MESSAGES }),
    },
  };
}

async function openrouter() {
  const { OpenRouter } = await import("@openrouter/sdk");
  const request = { model: MODEL, messages: MESSAGES };
  const streamed = async (client, more) => {
    for await (const _ of await client.chat.send({ chatRequest: { ...more, ...request, stream: true } }));
  };
  return {
    newClient: () => new OpenRouter({ apiKey: "none", serverURL: `${provider}/v1` }),
    acts: {
      chat: (client) => client.chat.send({ chatRequest: request }),
      stream: (client) => streamed(client, {}),
      "short stream": (client) => streamed(client, { maxTokens: 1 }),
      callModel: (client) => client.callModel({ model: MODEL, input: ASKED }).getText(),
    },
  };
}

const { newClient, acts } = await { openai, openrouter }[sdk]();
// What is recorded waits until the calls are over: what they cost, and what rendering and delivery cost, are told apart.
hookline.configure({ url: receiver, flushIntervalMs: 3_600_000, bufferMaxEvents: 1_000_000, bufferMaxBytes: 2 ** 31 });
const clients = variants.split(",").map((variant) => (variant === "hooked" ? hookline.instrument(newClient()) : newClient()));

const cpuUs = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

async function time(act, calls) {
  const before = cpuUs();
  const beganMs = performance.now();
  for (let i = 0; i < calls; i++) await acts[act](clients[0]);
  return { caller: (cpuUs() - before) / calls, wall: ((performance.now() - beganMs) * 1000) / calls };
}

let round = 0;

/** A call of each client, so many times; each call's own time, in the order of the clients. Who comes first and whom one follows changes. */
async function timeInTurns(act, calls) {
  const rows = [];
  const count = clients.length;
  for (let i = 0; i < calls; i++, round++) {
    const row = [];
    for (let place = 0; place < count; place++) {
      const at = ((round % 2 ? count - 1 - place : place) + (round >> 1)) % count;
      const before = cpuUs();
      await acts[act](clients[at]);
      row[at] = cpuUs() - before;
    }
    rows.push(row);
  }
  return { rows };
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
const timed = clients.length > 1 ? timeInTurns : time;
say({ acts: Object.keys(acts) });
for await (const line of createInterface({ input: process.stdin })) {
  const { act, calls } = JSON.parse(line);
  say(act === "yardstick" ? yardstick() : act === "deliver" ? await deliver() : await timed(act, calls));
}
