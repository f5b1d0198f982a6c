// Two agents, a tool and a handoff: each run is recorded as one tree. With OPENAI_API_KEY and HOOKLINE_URL as usual.
import * as agents from "@openai/agents";
import { flush, instrument } from "hookline";
import { z } from "zod";

// Every run from here on, also those that begin with `run(agent, …)`.
instrument(agents, { clientId: "examples" });

const weather = agents.tool({
  name: "get_weather",
  description: "The weather in a city",
  parameters: z.object({ city: z.string() }),
  execute: ({ city }) => `It is sunny in ${city || "town"}.`,
});
const forecaster = new agents.Agent({ name: "Forecaster", instructions: "Tell the weather.", tools: [weather] });
const triage = agents.Agent.create({ name: "Triage", instructions: "Hand over to whoever knows.", handoffs: [forecaster] });

const question = process.argv[2] ?? "How is the weather in Oslo?";
console.log((await agents.run(forecaster, question)).finalOutput);

const result = await agents.run(triage, question, { stream: true });
for await (const event of result) {
  if (event.type === "agent_updated_stream_event") console.log(`-> ${event.agent.name}`);
}
console.log(result.finalOutput);
await flush();
