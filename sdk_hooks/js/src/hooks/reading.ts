// Read what an SDK gave or was given, which may hold anything. Pure.
import type { Fields } from "../platform.js";
import type { Present } from "../shapes.js";

export function object(value: unknown): Fields {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Fields) : {};
}

/** An object as JSON has it: no class of anybody's. */
export function isPlain(value: unknown): value is Fields {
  return value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype;
}

export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** The members that are there. */
export function present<F extends object>(fields: F): Present<F> {
  const there: Fields = {};
  for (const name of Object.keys(fields)) {
    const value = (fields as Fields)[name];
    if (value !== undefined && value !== null) there[name] = value;
  }
  return there as Present<F>;
}

/** Names are few and come again and again; what is not a name must not fill the memory. */
const NAMES_MAX = 1000;
const CAMEL = new Map<string, string>();

export function camel(name: string): string {
  let found = CAMEL.get(name);
  if (found === undefined) {
    found = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    if (CAMEL.size < NAMES_MAX) CAMEL.set(name, found);
  }
  return found;
}

/** Names of an SDK's classes of errors: a bundler may have given the classes themselves shorter ones. */
const ERRORS = new WeakMap<object, string>();

/** A client's class has them as members. */
export function knowErrors(holder: object): void {
  const members = holder as Fields;
  for (const name in members) {
    const member = members[name];
    if (typeof member === "function" && member.prototype instanceof Error) ERRORS.set(member, name);
  }
}

export function errorOf(error: unknown): { name: string; message: string } {
  if (!(error instanceof Error)) return { name: typeof error, message: String(error) };
  const { name, message, constructor: made } = error;
  return { name: name === "Error" && typeof made === "function" ? (ERRORS.get(made) ?? made.name) : name, message };
}

const ABORTS = new Set(["AbortError", "APIUserAbortError", "RequestAbortedError"]);

/** Somebody left: a cancelled request is no failure. */
export function isAbort(error: unknown): boolean {
  const name = error instanceof Error ? errorOf(error).name : "";
  return ABORTS.has(name);
}

const SNAKE = new Map<string, string>();

/** Names as the wire has them, of a value that an SDK has put in camelCase. Numbers and texts are taken as they are. */
export function snake(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map(snake);
  const found: Fields = {};
  for (const name of Object.keys(value)) {
    let wire = SNAKE.get(name);
    if (wire === undefined) {
      wire = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      if (SNAKE.size < NAMES_MAX) SNAKE.set(name, wire);
    }
    found[wire] = snake((value as Fields)[name]);
  }
  return found;
}
