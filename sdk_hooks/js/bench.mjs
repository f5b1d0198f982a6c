// What the hook adds in the host's thread, the emitter's work included: `npm run bench`. The provider is a `fetch` without a
// network, so that little else is measured; bare and hooked take turns, and the medians of CPU time are compared.
import OpenAI from "openai";
import * as hookline from "hookline";
import { startCollector } from "./test/support/collector.mjs";

const ROUNDS = 15;
const CALLS = 200;
const CHUNKS = 1000;
const USAGE = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
const answer = JSON.stringify({
  id: "c1", object: "chat.completion", created: 1, model: "gpt-4o-mini", usage: USAGE,
  choices: [{ index: 0, message: { role: "assistant", content: "Hello there." }, finish_reason: "stop" }],
});
const chunk = (delta, finish = null) =>
  `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "gpt-4o-mini", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const frames = new TextEncoder().encode(chunk({ content: " word" }).repeat(CHUNKS) + chunk({}, "stop") + "data: [DONE]\n\n");

async function fetchNothing(_url, { body }) {
  const isStream = body.includes('"stream":true');
  return new Response(isStream ? frames : answer, { headers: { "content-type": isStream ? "text/event-stream" : "application/json" } });
}

const collector = await startCollector();
hookline.configure({ url: collector.url });
const newClient = () => new OpenAI({ apiKey: "none", fetch: fetchNothing });
const clients = { bare: newClient(), hooked: hookline.instrument(newClient()) };
const request = { model: "gpt-4o-mini", messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "Hello?" }] };

async function chats(client) {
  for (let i = 0; i < CALLS; i++) await client.chat.completions.create(request);
}

async function stream(client) {
  for await (const _ of await client.chat.completions.create({ ...request, stream: true }));
}

async function cpuMs(act, client) {
  const before = process.cpuUsage();
  await act(client);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function compare(act) {
  const found = { bare: [], hooked: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, client] of Object.entries(clients)) found[name].push(await cpuMs(act, client));
    await hookline.flush();
    collector.posts.length = 0;
  }
  const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
  return [median(found.bare), median(found.hooked)];
}

await compare(chats);
const [bareMs, hookedMs] = await compare(chats);
const addedUs = ((hookedMs - bareMs) / CALLS) * 1000;
console.log(`chat: bare ${((bareMs / CALLS) * 1000).toFixed(1)} us, hooked +${addedUs.toFixed(1)} us (${(hookedMs / bareMs).toFixed(2)} x of a client without network)`);
const [bareStreamMs, hookedStreamMs] = await compare(stream);
console.log(`stream: bare ${((bareStreamMs / CHUNKS) * 1000).toFixed(2)} us a chunk, hooked +${(((hookedStreamMs - bareStreamMs) / CHUNKS) * 1000).toFixed(2)} us a chunk`);
await hookline.shutdown();
await collector.close();
