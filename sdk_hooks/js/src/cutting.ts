// Make events fit: each message 64 KiB, an event of text 1 MiB, cut from the middle; told in `truncated: {path: bytes}`. Pure.
// An answer's media is never cut in the middle, it would be worthless: it stays whole or goes whole.
import type { HooklineEvent } from "./config.js";
import type { Fields } from "./platform.js";

export const MESSAGE_MAX = 64 * 1024;
const EVENT_MAX = 1024 * 1024;
export const MESSAGES_MAX = (EVENT_MAX * 3) / 4;
const MEDIA_EVENT_MAX = 8 * 1024 * 1024 - 64 * 1024;
const MARK = "…";

type Leaf = { size: number; path: string; container: Record<string, unknown>; key: string };

/** The same event where nothing is to be cut. */
export function fit(event: HooklineEvent): HooklineEvent {
  const truncated: Record<string, number> = {};
  const fitted: HooklineEvent = { ...event };
  for (const name of ["messages", "systemPrompts"]) {
    const list = fitted[name];
    if (Array.isArray(list)) fitted[name] = fitMessages(list, name, truncated);
  }
  const hasMedia = "images" in fitted || "audio" in fitted;
  const whole = { event: fitted as unknown };
  cutLeaves(whole, "event", "", hasMedia ? MEDIA_EVENT_MAX : EVENT_MAX, truncated, hasMedia);
  if (!Object.keys(truncated).length) return event;
  const result = whole.event as HooklineEvent;
  result["truncated"] = { ...(event["truncated"] as Fields | undefined), ...truncated };
  return result;
}

function fitMessages(messages: unknown[], path: string, truncated: Record<string, number>): unknown[] {
  const fitted = messages.map((message, i) => {
    const holder = { message };
    cutLeaves(holder, "message", `${path}[${i}]`, MESSAGE_MAX, truncated, false);
    return holder.message;
  });
  const sizes = fitted.map(sizeOf);
  let left = MESSAGES_MAX;
  if (sizes.reduce((sum, size) => sum + size, 0) <= left) return fitted;
  // The beginning says what it is about and the end what is asked now: the middle goes.
  let head = 0;
  let tail = fitted.length;
  for (let fromTail = true; head < tail; fromTail = !fromTail) {
    const size = sizes[fromTail ? tail - 1 : head] as number;
    if (size > left) break;
    left -= size;
    if (fromTail) tail--;
    else head++;
  }
  truncated[`${path}[${head}:${tail}]`] = sizes.slice(head, tail).reduce((sum, size) => sum + size, 0);
  return [...fitted.slice(0, head), ...fitted.slice(tail)];
}

/** Cut the longest strings first, on a copy, until the whole is within the budget. */
function cutLeaves(
  holder: Record<string, unknown>, key: string, path: string, budget: number, truncated: Record<string, number>, isMedia: boolean,
): void {
  let excess = sizeOf(holder[key]) - budget;
  if (excess <= 0) return;
  holder[key] = structuredClone(holder[key]);
  const leaves: Leaf[] = [];
  collect(holder, key, path, leaves);
  leaves.sort((a, b) => b.size - a.size);
  for (const leaf of leaves) {
    if (excess <= 0) return;
    const was = leaf.container[leaf.key] as string;
    const kept = isMedia ? "" : cut(was, Math.max(1024, leaf.size - excess));
    leaf.container[leaf.key] = kept;
    const gone = leaf.size - sizeOf(kept);
    truncated[leaf.path] = gone;
    excess -= gone;
  }
  if (excess > 0) {
    // Many small pieces instead of long strings: there is no middle to take out.
    truncated[path || "event"] = sizeOf(holder[key]);
    holder[key] = smallFields(holder[key]);
  }
}

function collect(container: Record<string, unknown>, key: string, path: string, leaves: Leaf[]): void {
  const value = container[key];
  if (typeof value === "string") {
    leaves.push({ size: sizeOf(value), path, container, key });
  } else if (value !== null && typeof value === "object") {
    const inner = value as Record<string, unknown>;
    for (const name of Object.keys(inner)) {
      const step = Array.isArray(value) ? `${path}[${name}]` : path ? `${path}.${name}` : name;
      collect(inner, name, step, leaves);
    }
  }
}

function cut(text: string, max: number): string {
  if (text.startsWith("data:")) return text.slice(0, text.slice(0, 200).indexOf(",") + 1) + MARK;
  // A character may be three bytes of UTF-8 a code unit.
  const keep = Math.floor((max * (text.length / sizeOf(text))) / 2) - 2;
  return whole(text.slice(0, Math.max(0, keep))) + MARK + whole(text.slice(text.length - Math.max(0, keep)));
}

/** Without the half of a pair that a cut leaves behind. */
function whole(text: string): string {
  return text.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, "");
}

/** About how many bytes the value is as JSON. */
export function sizeOf(value: unknown): number {
  if (typeof value === "string") {
    if (value.length < 512 || !/[^\x00-\x7f]/.test(value)) return value.length + 2;
    return new TextEncoder().encode(value).length + 2;
  }
  if (value === null || typeof value !== "object") return 8;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + 1 + sizeOf(item), 2);
  return Object.entries(value).reduce((sum, [name, item]) => sum + name.length + 4 + sizeOf(item), 2);
}

function smallFields(value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return MARK;
  return Object.fromEntries(Object.entries(value).filter(([, item]) => sizeOf(item) <= 1024));
}
