// A page's script with TanStack AI's client as published, that knows nothing of hookline. `sent` is every message that TanStack's
// event client sent, as another listener on the same window saw it.
import { ChatClient, fetchServerSentEvents } from "@tanstack/ai-client";
import { createChatDevtoolsBridge } from "@tanstack/ai-client/devtools";

window.sent = [];
window.addEventListener("tanstack-dispatch-event", ({ detail }) =>
  window.sent.push({ type: detail.type, eventId: detail.payload.eventId, timestamp: detail.payload.timestamp }));

function newClient(id, onChunk = () => undefined) {
  const client = new ChatClient({
    id, threadId: id, connection: fetchServerSentEvents("/chat"), onChunk, devtoolsBridgeFactory: createChatDevtoolsBridge,
  });
  client.mountDevtools();
  return client;
}

window.ask = async (id, question) => {
  const client = newClient(id);
  await client.sendMessage(question);
  return client.getMessages().at(-1).parts.filter((part) => part.type === "text").map((part) => part.content).join("");
};

/** Presses stop as soon as the first words are there. */
window.stopAt = async (id, question) => {
  const client = newClient(id, (chunk) => {
    if (chunk.type === "TEXT_MESSAGE_CONTENT") setTimeout(() => client.stop());
  });
  await client.sendMessage(question);
};
