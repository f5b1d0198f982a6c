// Settings: environment < `configure` < `instrument` < `session`, under the names of the Python client in camelCase.
// A wrong value never throws into the host: one log line, and the layer below holds.
import { log } from "./guard.js";
import type { Fields } from "./platform.js";

export type HooklineEvent = Fields & { type: string };
export type Redact = (event: HooklineEvent) => HooklineEvent | null;

/** What may differ from call to call. */
export interface CallOptions {
  clientId?: string;
  project?: string;
  threadId?: string;
  runId?: string;
  sessionId?: string;
  userId?: string;
  tags?: Fields;
  captureContent?: boolean;
  sampleRate?: number;
  redact?: Redact;
  disabled?: boolean;
}

/** What `configure` takes: the above, and what holds for the whole process. */
export interface Options extends CallOptions {
  url?: string;
  apiKey?: string;
  environment?: string;
  release?: string;
  delivery?: "background" | "sync";
  bufferMaxEvents?: number;
  bufferMaxBytes?: number;
  batchMaxEvents?: number;
  batchMaxBytes?: number;
  flushIntervalMs?: number;
  postTimeoutMs?: number;
  exitTimeoutMs?: number;
}

export type CallSettings = CallOptions & { captureContent: boolean; sampleRate: number; disabled: boolean };
type DeliveryName = Exclude<keyof Options, keyof CallOptions>;
export type DeliverySettings = Required<Pick<Options, Exclude<DeliveryName, "apiKey" | "environment" | "release">>> &
  Pick<Options, "apiKey" | "environment" | "release">;

const DEFAULTS = {
  captureContent: true,
  sampleRate: 1,
  disabled: false,
  url: "http://127.0.0.1:4319",
  delivery: "background" as const,
  bufferMaxEvents: 10_000,
  bufferMaxBytes: 32 * 1024 * 1024,
  batchMaxEvents: 1_000,
  batchMaxBytes: 4 * 1024 * 1024,
  flushIntervalMs: 200,
  postTimeoutMs: 10_000,
  exitTimeoutMs: 2_000,
};

const NO_LAYER = {};

class WrongSetting extends Error {}

function wrong(wanted: string): never {
  throw new WrongSetting(wanted);
}

const text = (value: unknown): string => (typeof value === "string" ? value : wrong("a string"));

const FLAGS: Record<string, boolean> = { 1: true, true: true, yes: true, on: true, 0: false, false: false, no: false, off: false };
const flag = (value: unknown): boolean => FLAGS[String(value).trim().toLowerCase()] ?? wrong("true or false");

function between(least: number, most: number, wanted: string, isWhole = false): (value: unknown) => number {
  return (value) => {
    const number = typeof value === "string" && !value.trim() ? NaN : Number(value);
    return number >= least && number <= most && (!isWhole || Number.isInteger(number)) ? number : wrong(wanted);
  };
}

const count = between(1, Number.MAX_SAFE_INTEGER, "a whole number over 0", true);
const milliseconds = between(0, 86_400_000, "milliseconds, 0 or more");

function address(value: unknown): string {
  const given = text(value).trim().replace(/\/+$/, "");
  try {
    const found = new URL(given);
    if ((found.protocol === "http:" || found.protocol === "https:") && found.hostname) return given;
  } catch {
    // Said below.
  }
  return wrong("an http:// or https:// address");
}

const mode = (value: unknown): string => (value === "background" || value === "sync" ? value : wrong("background or sync"));
const callable = (value: unknown): unknown => (typeof value === "function" ? value : wrong("a function of an event"));
const mapping = (value: unknown): Fields =>
  value !== null && typeof value === "object" && !Array.isArray(value) ? { ...value } : wrong("an object of names and values");

const CALL_READERS: Record<keyof CallOptions, (value: unknown) => unknown> = {
  clientId: text, project: text, threadId: text, runId: text, sessionId: text, userId: text,
  tags: mapping, captureContent: flag, sampleRate: between(0, 1, "a number from 0 to 1"), redact: callable, disabled: flag,
};
const READERS: Record<keyof Options, (value: unknown) => unknown> = {
  ...CALL_READERS,
  url: address, apiKey: text, environment: text, release: text, delivery: mode,
  bufferMaxEvents: count, bufferMaxBytes: count, batchMaxEvents: count, batchMaxBytes: count,
  flushIntervalMs: milliseconds, postTimeoutMs: milliseconds, exitTimeoutMs: milliseconds,
};

export const ENVIRONMENT: Record<string, keyof Options> = {
  HOOKLINE_URL: "url",
  HOOKLINE_API_KEY: "apiKey",
  HOOKLINE_PROJECT: "project",
  HOOKLINE_CLIENT_ID: "clientId",
  HOOKLINE_ENVIRONMENT: "environment",
  HOOKLINE_RELEASE: "release",
  HOOKLINE_CAPTURE_CONTENT: "captureContent",
  HOOKLINE_SAMPLE_RATE: "sampleRate",
  HOOKLINE_DELIVERY: "delivery",
  HOOKLINE_DISABLED: "disabled",
};

function read(where: string, names: Iterable<[string, string, unknown]>, readers: Record<string, (value: unknown) => unknown>): Options {
  const good: Fields = {};
  for (const [said, name, value] of names) {
    if (value === undefined || value === null) continue;
    try {
      const reader = Object.hasOwn(readers, name) ? readers[name] : undefined;
      good[name] = reader ? reader(value) : wrong("no such setting here");
    } catch (error) {
      const wanted = error instanceof WrongSetting ? error.message : "something else";
      log(`${where ? `${where}: ` : ""}${said} was ignored: wanted ${wanted}`);
    }
  }
  return good as Options;
}

/** The values that can be used; the others are named in the log, without their value. */
export function checked(given: object, where: "configure" | "instrument" | "session"): Options {
  const entries = Object.entries(given).map(([name, value]): [string, string, unknown] => [name, name, value]);
  return read(where, entries, where === "configure" ? READERS : CALL_READERS);
}

export function fromEnvironment(environment: Record<string, string | undefined>): Options {
  const entries = Object.entries(ENVIRONMENT).map(([variable, name]): [string, string, unknown] => [
    variable, name, environment[variable] || undefined,
  ]);
  return read("", entries, READERS);
}

/** Both layers; the upper wins, tags are joined. */
export function merged(below: Options, above: Options): Options {
  const both = { ...below, ...above };
  if (below.tags && above.tags) both.tags = { ...below.tags, ...above.tags };
  return both;
}

export class Config {
  private values: Options;
  private ofDelivery: DeliverySettings | undefined;
  /** What the last calls with a layer had: most calls of a client are made with the same. */
  private ofCalls = new WeakMap<object, { session: object | undefined; settings: CallSettings }>();

  constructor(environment: Record<string, string | undefined>, private readonly defaults: Partial<DeliverySettings> = {}) {
    this.values = fromEnvironment(environment);
  }

  update(given: Options): void {
    this.values = merged(this.values, checked(given, "configure"));
    this.ofDelivery = undefined;
    this.ofCalls = new WeakMap();
  }

  delivery(): DeliverySettings {
    return (this.ofDelivery ??= { ...DEFAULTS, ...this.defaults, ...this.values });
  }

  /** The same object for the same layers, until `configure`. Layers are never changed in place. */
  forCall(client: CallOptions | undefined, session: CallOptions | undefined): CallSettings {
    const known = this.ofCalls.get(client ?? NO_LAYER);
    if (known && known.session === session) return known.settings;
    let values = this.values;
    for (const layer of [client, session]) if (layer) values = merged(values, layer);
    const settings = { ...DEFAULTS, ...values };
    this.ofCalls.set(client ?? NO_LAYER, { session, settings });
    return settings;
  }
}
