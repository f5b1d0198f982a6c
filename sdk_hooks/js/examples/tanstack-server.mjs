// A chat server with TanStack AI that knows nothing of hookline:
//   HOOKLINE_URL=http://127.0.0.1:4319 OTEL_SERVICE_NAME=chat node --import hookline/register tanstack-server.mjs
import { chat, chatParamsFromRequestBody, toolDefinition, toServerSentEventsResponse } from "@tanstack/ai";
import { createOpenaiChat } from "@tanstack/ai-openai";
import { createServer } from "node:http";
import { Readable } from "node:stream";

const adapter = createOpenaiChat("gpt-4o", process.env.OPENAI_API_KEY ?? "none", { baseURL: process.env.OPENAI_BASE_URL });
const weather = toolDefinition({
  name: "get_weather",
  description: "The weather in a city",
  inputSchema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
}).server(async ({ city }) => ({ sky: "sunny", city }));

const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const { messages, threadId, runId } = await chatParamsFromRequestBody(JSON.parse(Buffer.concat(parts).toString()));
  const abortController = new AbortController();
  // A client that stops closes its connection: so does the call to the provider.
  response.on("close", () => abortController.abort());
  // The runId is what client and server of a run meet by.
  const stream = chat({ adapter, messages, threadId, runId, tools: [weather], abortController });
  const answer = toServerSentEventsResponse(stream, { abortController });
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  Readable.fromWeb(answer.body).on("error", () => response.destroy()).pipe(response);
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.once("SIGTERM", () => server.close().closeAllConnections());
