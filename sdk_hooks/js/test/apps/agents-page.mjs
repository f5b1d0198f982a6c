// A page's script with @openai/agents: the package as a browser gets it, where no context follows an `await`.
// Runs of an instrumented runner (or module), each with a model of its own kind; then one of a runner that nobody asked for.
import * as agents from "@openai/agents";
import OpenAI from "openai";
import * as hookline from "../../dist/esm/browser.js";

const [baseURL, url, way] = process.argv.slice(2);
hookline.configure({ url });
agents.setTracingDisabled(true);
const openAIClient = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const newRunner = () => new agents.Runner({ tracingDisabled: true, modelProvider: new agents.OpenAIProvider({ openAIClient }) });
const runner = newRunner();
const given = way === "module" ? agents : runner;
hookline.instrument(given, { clientId: "asked for" });

await runner.run(new agents.Agent({ name: "Named", model: "gpt-4o-mini" }), "Hello");
await runner.run(new agents.Agent({ name: "Own", model: new agents.OpenAIChatCompletionsModel(openAIClient, "gpt-4o") }), "Hello");
const streamed = await runner.run(new agents.Agent({ name: "Streamed", model: "gpt-5" }), "Hello", { stream: true });
for await (const event of streamed) void event;
await streamed.completed;
if (way !== "module") await newRunner().run(new agents.Agent({ name: "Other", model: "gpt-4.1" }), "Hello");
hookline.uninstrument(given);
await runner.run(new agents.Agent({ name: "After", model: "gpt-4.1" }), "Hello");
console.log(await hookline.flush({ timeoutMs: 20_000 }));
