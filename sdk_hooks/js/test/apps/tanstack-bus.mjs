// The same application with a listener, for a devtools bus that hands every message back, as TanStack's own does. Run it with the preload.
import { aiEventClient } from "@tanstack/ai-event-client";
import { recordTanStack } from "hookline";

const target = globalThis.__TANSTACK_EVENT_TARGET__;
target.addEventListener("tanstack-dispatch-event", ({ detail }) =>
  target.dispatchEvent(new CustomEvent("tanstack-devtools-global", { detail })));
let heard = 0;
aiEventClient.onAllPluginEvents((message) => {
  heard += 1;
  recordTanStack(message);
});
await import("./tanstack.mjs");
if (!heard) throw new Error("the bus handed nothing back");
