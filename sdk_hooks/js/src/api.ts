// The names of the package, the same for Node and browsers.
export { instrument, uninstrument } from "./registry.js";
export { configure, flush, losses, session, shutdown } from "./runtime.js";
export { RecordingFilter } from "./hooks/aisbreaker.js";
export { recordTanStack, type BusMessage } from "./tanstack.js";
export type { CallOptions, HooklineEvent, Options, Redact } from "./config.js";
export { VERSION } from "./version.js";
