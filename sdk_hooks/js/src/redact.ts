// What must not leave the process: secrets, content that the host keeps to itself, what `redact` takes out.
// Runs on every event before it gets its id. Members of an event may be taken out of the event; their values are never changed in place.
import type { CallSettings, HooklineEvent } from "./config.js";
import { sizeOf } from "./cutting.js";
import type { Fields } from "./platform.js";

const SECRET = "[secret]";
// The same as in redact.py.
const SECRET_NAMES = new RegExp(
  "^(.*api[-_]?key|.*authorization([-_]?token)?|.*secret([-_]?(access)?[-_]?key)?|.*password|.*private[-_]?key" +
    "|.*(access|auth|bearer|refresh|session|security)[-_]?token|token|(set-)?cookie)$",
  "i",
);
const SECRET_TEXTS = /\b(?:sk|pk|rk)-[a-z0-9_*-]{8,}|\bbearer\s+[a-z0-9._~+/=-]{8,}|\bAIza[a-z0-9_-]{30,}/gi;
/** In addresses: user and password, and what a query gives as a key. */
const USERS = /(:\/\/)[^\s/@:]*:[^\s/@]+(?=@)/g;
const QUERY_KEYS = /([?&])(?:api[-_]?key|key|token|access[-_]token|sig|signature|password|secret)=[^\s&,"'<>)]+/gi;

/** Fields whose text is a name, not content. Everything that is not listed is content: unknown fields too. */
const KEPT_TEXTS = new Set(
  ("type eventId requestId streamId hookId threadId runId messageId toolCallId clientId runtimeId source visibility " +
    "correlationId relatedEventId provider model responseModel responseId finishReason project sessionId userId agentName " +
    "traceparent parentRequestId parentToolCallId rootRequestId toolName name id role status size quality voice format " +
    "contentType requestType jobId state mediaType language responseFormat fromAgent toAgent eventType pluginId").split(" "),
);
const KEPT_WHOLE = new Set(["toolNames", "finishReasons", "tags", "usage", "truncated"]);

export class RedactFailed extends Error {}

/** The event as it may leave, which is the caller's own; null where `redact` wants it gone. Throws RedactFailed. */
export function prepare(event: HooklineEvent, settings: CallSettings): HooklineEvent | null {
  hideSecrets(event);
  const prepared = settings.captureContent ? event : withoutContent(event);
  if (!settings.redact) return prepared;
  let redacted: unknown;
  try {
    redacted = settings.redact(prepared);
  } catch {
    throw new RedactFailed();
  }
  if (redacted === null || redacted === undefined) return null;
  if (typeof redacted !== "object" || typeof (redacted as Fields)["type"] !== "string") throw new RedactFailed();
  return redacted as HooklineEvent;
}

function hideSecrets(event: HooklineEvent): void {
  if ("options" in event) event["options"] = masked(event["options"]);
  if ("modelOptions" in event) event["modelOptions"] = masked(event["modelOptions"]);
  if ("error" in event) event["error"] = scrubbed(event["error"]);
}

function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, typeof item === "string" && SECRET_NAMES.test(name) ? SECRET : masked(item)]),
  );
}

function scrubbed(value: unknown): unknown {
  if (typeof value === "string") {
    return value.replace(SECRET_TEXTS, SECRET).replace(USERS, `$1${SECRET}`).replace(QUERY_KEYS, `$1${SECRET}`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, scrubbed(item)]));
}

/** Names, numbers and sizes stay; texts, messages, arguments, results, media and error texts go. */
export function withoutContent(event: HooklineEvent): HooklineEvent {
  const sizes: Record<string, number> = {};
  const kept: Fields = {};
  for (const [name, value] of Object.entries(event)) kept[name] = hollow(name, value, sizes);
  if (Object.keys(sizes).length) kept["contentBytes"] = sizes;
  return kept as HooklineEvent;
}

function hollow(name: string, value: unknown, sizes: Record<string, number>): unknown {
  if (isNumber(value) || KEPT_WHOLE.has(name) || isName(name, value)) return value;
  if (name === "chunks" && Array.isArray(value)) {
    return (value as Fields[]).map((chunk) => ({ offsetMs: chunk["offsetMs"], delta: "", length: String(chunk["delta"] ?? "").length }));
  }
  if (name === "error" && value !== null && typeof value === "object") {
    return { name: (value as Fields)["name"] ?? "", message: "" };
  }
  if ((name === "modelOptions" || name === "options") && value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).filter(([key, item]) => isNumber(item) || isName(key, item)));
  }
  sizes[name] = sizeOf(value);
  if ((name === "toolCalls" || name === "images") && Array.isArray(value)) return value.map(skeleton);
  return Array.isArray(value) ? [] : typeof value === "string" ? "" : null;
}

function skeleton(item: unknown): unknown {
  if (item === null || typeof item !== "object") return null;
  const kept = Object.entries(item).filter(([name]) => name !== "b64Json" && name !== "url");
  return Object.fromEntries(
    kept.map(([name, value]) => [
      name, isNumber(value) || isName(name, value) ? value : typeof value === "object" ? skeleton(value) : "",
    ]),
  );
}

/** A list or an object of such a name may hold anything. */
function isName(name: string, value: unknown): boolean {
  return typeof value === "string" && KEPT_TEXTS.has(name);
}

function isNumber(value: unknown): boolean {
  return value === null || value === undefined || typeof value === "boolean" || typeof value === "number";
}
