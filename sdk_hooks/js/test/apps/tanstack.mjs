// A server's script with TanStack AI as published, that knows nothing of hookline: run it with `node --import hookline/register`.
// Prints, as JSON lines, every message that TanStack's event client sent, as another listener on the same bus saw it.
import { chat, generateImage, toolDefinition } from "@tanstack/ai";
import { createOpenaiChat, createOpenaiImage } from "@tanstack/ai-openai";

const baseURL = process.argv[2];
const sent = [];
globalThis.__TANSTACK_EVENT_TARGET__?.addEventListener("tanstack-dispatch-event", (event) => sent.push(event.detail));

const text = createOpenaiChat("gpt-4o", "no-key", { baseURL, maxRetries: 0 });
const weather = toolDefinition({
  name: "get_weather",
  description: "The weather in a city",
  inputSchema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
}).server(async () => ({ sky: "sunny" }));

async function run(content, more = {}) {
  let answer = "";
  try {
    for await (const chunk of chat({ adapter: text, messages: [{ role: "user", content }], ...more })) {
      if (chunk.type === "TEXT_MESSAGE_CONTENT") answer += chunk.delta;
      if (more.abortController && answer) more.abortController.abort();
    }
  } catch (error) {
    answer = `threw ${error.name}`;
  }
  return answer;
}

const answers = {
  plain: await run("Say something [words:40]", { threadId: "t-plain" }),
  tool: await run("What is the weather?", { threadId: "t-tool", tools: [weather] }),
  error: await run("Break [error:400]", { threadId: "t-error" }),
  abort: await run("Go on [words:60] [slow:5]", { threadId: "t-abort", abortController: new AbortController() }),
};
await generateImage({ adapter: createOpenaiImage("gpt-image-1", "no-key", { baseURL }), prompt: "a red bicycle" });
console.log(JSON.stringify({ answers, sent }));
