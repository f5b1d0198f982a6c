// A chat whose history grows: one call a line of its input, delivered before the next. Prints what it cost on the wire, and what was lost.
import { randomBytes } from "node:crypto";
import http from "node:http";
import { syncBuiltinESMExports } from "node:module";
import { createInterface } from "node:readline";

let wireBytes = 0;
const { request } = http;
http.request = (url, options, ...more) => {
  wireBytes += Number(options.headers["content-length"]);
  return request(url, options, ...more);
};
syncBuiltinESMExports();
const hookline = await import("hookline");
const { default: OpenAI } = await import("openai");

const CHAT = { id: "c", object: "chat.completion", model: "m", created: 1, choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "yes" } }] };
const fetch = async () => new Response(JSON.stringify(CHAT), { headers: { "content-type": "application/json" } });
const client = hookline.instrument(new OpenAI({ apiKey: "k", fetch }));
hookline.configure({ flushIntervalMs: 1_000_000 });

const messages = [];
for await (const _ of createInterface({ input: process.stdin })) {
  wireBytes = 0;
  messages.push({ role: "user", content: randomBytes(1_500).toString("base64") });
  await client.chat.completions.create({ model: "m", messages });
  const isDelivered = await hookline.flush({ timeoutMs: 20_000 });
  const losses = Object.values(hookline.losses()).reduce((sum, count) => sum + count, 0);
  console.log(JSON.stringify({ isDelivered, losses, wireBytes, last: messages.map((message) => message.content) }));
}
