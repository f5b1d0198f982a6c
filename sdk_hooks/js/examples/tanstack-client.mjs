// The other side of tanstack-server.mjs, as a page would have it, run by Node: asks, asks for a tool, and stops in the middle of an answer.
//   node --import hookline/register tanstack-client.mjs http://127.0.0.1:3000
import { ChatClient, fetchServerSentEvents } from "@tanstack/ai-client";
import { createChatDevtoolsBridge } from "@tanstack/ai-client/devtools";

const address = process.argv[2] ?? "http://127.0.0.1:3000";

function newClient(id, onChunk = () => undefined) {
  // What `useChat` of React, Vue, Solid and Svelte does too: without its devtools a client tells nothing.
  const client = new ChatClient({
    id, threadId: id, connection: fetchServerSentEvents(address), onChunk, devtoolsBridgeFactory: createChatDevtoolsBridge,
  });
  client.mountDevtools();
  return client;
}

async function ask(id, question) {
  const client = newClient(id);
  await client.sendMessage(question);
  return client.getMessages().at(-1).parts.filter((part) => part.type === "text").map((part) => part.content).join("");
}

/** Presses stop as soon as the first words are there. */
async function stop(id, question) {
  const client = newClient(id, (chunk) => {
    if (chunk.type === "TEXT_MESSAGE_CONTENT") setTimeout(() => client.stop());
  });
  await client.sendMessage(question);
  return client.getStatus();
}

console.log(JSON.stringify({
  told: await ask("t-told", "Say something"),
  weather: await ask("t-weather", "How is the weather in Oslo?"),
  stopped: await stop("t-stopped", process.argv[3] ?? "Tell me everything"),
}));
