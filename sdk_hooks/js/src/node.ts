// The package in Node: sockets that do not keep the process alive, and a last flush when its loop has run empty; ending.ts is for
// a process that does not get there.
import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { hostname } from "node:os";
import { promisify } from "node:util";
import { gzip as gzipCallback } from "node:zlib";
import { onSuddenEnd, postNow } from "./ending.js";
import { guard } from "./guard.js";
import type { Answer, Platform, Post, Scope } from "./platform.js";
import { warnOfPlainHttp } from "./plainhttp.js";
import { runsOn } from "./runtime.js";
import { VERSION } from "./version.js";

const GZIP_LEAST = 1024;
/** Collectors take a body that grows by more than 100 for an attack; text that repeats itself can. */
const MAX_RATIO = 80;
const ANSWER_MAX = 1024 * 1024;
const OWN = { "x-hookline-client": `hookline-js/${VERSION}` };
const gzip = promisify(gzipCallback);
let agents: { http: HttpAgent; https: HttpsAgent } | undefined;

async function post({ url, headers, body, timeoutMs, isLast }: Post): Promise<Answer> {
  guard("plainhttp", () => warnOfPlainHttp(url));
  const plain = Buffer.from(body);
  const packed = plain.length >= GZIP_LEAST ? await gzip(plain, { level: 1 }) : plain;
  const isGzip = packed !== plain && plain.length <= MAX_RATIO * packed.length;
  const content = isGzip ? packed : plain;
  agents ??= { http: new HttpAgent({ keepAlive: true, maxSockets: 2 }), https: new HttpsAgent({ keepAlive: true, maxSockets: 2 }) };
  const isHttps = /^https:/i.test(url);
  const all = { ...headers, ...OWN, "content-length": String(content.length), ...(isGzip ? { "content-encoding": "gzip" } : {}) };
  const agent: HttpAgent | HttpsAgent | false = isHttps ? agents.https : agents.http;
  return send(isHttps ? httpsRequest : httpRequest, url, { method: "POST", headers: all, agent }, content, timeoutMs, isLast);
}

type Options = { method: string; headers: Record<string, string>; agent: HttpAgent | HttpsAgent | false };

function send(ask: typeof httpRequest, url: string, options: Options, content: Buffer, timeoutMs: number, isLast: boolean): Promise<Answer> {
  return new Promise<Answer>((resolve, reject) => {
    const request = ask(url, options, (response) => read(response, resolve, reject));
    const timer = setTimeout(() => request.destroy(Object.assign(new Error("timeout"), { name: "Timeout" })), timeoutMs);
    if (!isLast) timer.unref();
    request.on("socket", (socket) => (isLast ? socket.ref() : socket.unref()));
    request.on("error", (error) => {
      // A server may close an idle connection at any time; by their ids it knows what it has.
      if (request.reusedSocket && CUT.has(codeOf(error))) resolve(send(ask, url, { ...options, agent: false }, content, timeoutMs, isLast));
      else reject(error);
    });
    request.on("close", () => clearTimeout(timer));
    request.end(content);
  });
}

const CUT = new Set<unknown>(["ECONNRESET", "EPIPE"]);
const codeOf = (error: Error): unknown => (error as { code?: unknown }).code;

function read(response: IncomingMessage, resolve: (answer: Answer) => void, reject: (error: Error) => void): void {
  const parts: Buffer[] = [];
  let length = 0;
  response.on("data", (part: Buffer) => {
    length += part.length;
    if (length <= ANSWER_MAX) parts.push(part);
  });
  response.on("error", reject);
  response.on("end", () =>
    resolve({
      status: response.statusCode ?? 0,
      retryAfter: response.headers["retry-after"] ?? null,
      body: Buffer.concat(parts).toString(),
    }),
  );
}

function scope<T>(): Scope<T> {
  const storage = new AsyncLocalStorage<T>();
  return { current: () => storage.getStore(), run: (value, inner) => storage.run(value, inner), enter: (value) => storage.enterWith(value) };
}

function later(run: () => void, afterMs: number): () => void {
  const timer = setTimeout(run, afterMs);
  timer.unref();
  return () => clearTimeout(timer);
}

const platform: Platform = {
  language: "nodejs",
  digest: (text) => createHash("sha256").update(text).digest("hex"),
  get environment() {
    return process.env;
  },
  post,
  resource: () => ({
    "host.name": hostname(),
    "process.pid": process.pid,
    "process.runtime.name": "nodejs",
    "process.runtime.version": process.versions.node,
  }),
  scope,
  followsAwaits: true,
  later,
  // One that does not keep the process alive would wait until something else happens.
  soon: (run) => void setImmediate(run),
  onEnd(flush, last) {
    process.on("beforeExit", () => flush(true));
    onSuddenEnd(last);
  },
  postNow(posts, timeoutMs) {
    for (const { url } of posts.slice(0, 1)) guard("plainhttp", () => warnOfPlainHttp(url));
    return postNow(posts.map((one) => ({ ...one, headers: { ...one.headers, ...OWN } })), timeoutMs);
  },
  maxLastBytes: 0,
  defaults: {},
};

runsOn(platform);

export * from "./api.js";
