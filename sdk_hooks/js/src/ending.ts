// A Node process that ends at once: `process.exit()`, an uncaught error, a signal nobody listens to. Nothing asynchronous runs then,
// so a short process of its own posts what waits, each batch once. What it posts goes over its input: no key is in its arguments.
import { spawnSync } from "node:child_process";
import { basename } from "node:path";
import { isMainThread } from "node:worker_threads";
import { guard } from "./guard.js";
import type { Post } from "./platform.js";

const SIGNALS = ["SIGTERM", "SIGINT"] as const;
/** What a program of its own calls itself is not asked: it would run again. */
const NODE = /^node(js)?[-\d.]*(\.exe)?$/i;
/** What Node needs to start and to trust a certificate; nothing that it would preload. */
const PASSED_ON = ["PATH", "LD_LIBRARY_PATH", "SystemRoot", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF"];
/** Prints how many POSTs were taken, oldest first. */
const PROGRAM = `
let text = "";
process.stdin.setEncoding("utf8").on("data", (part) => (text += part)).on("end", () => {
  const posts = JSON.parse(text);
  const next = (taken) => {
    if (taken === posts.length) return done(taken);
    const { url, headers, body } = posts[taken];
    const plain = Buffer.from(body);
    const packed = require("zlib").gzipSync(plain, { level: 1 });
    // Collectors take a body that grows by more than 100 for an attack; text that repeats itself can.
    const isGzip = plain.length <= 80 * packed.length;
    const content = isGzip ? packed : plain;
    const all = { ...headers, ...(isGzip ? { "content-encoding": "gzip" } : {}), "content-length": content.length };
    const request = require(/^https:/i.test(url) ? "https" : "http").request(url, { method: "POST", headers: all }, (response) => {
      const isTaken = response.statusCode >= 200 && response.statusCode < 300;
      response.resume().on("error", () => done(taken)).on("end", () => (isTaken ? next(taken + 1) : done(taken)));
    });
    request.on("error", () => done(taken)).end(content);
  };
  const done = (taken) => process.stdout.write(String(taken), () => process.exit());
  next(0);
});`;

/** How many were taken. Never later than `timeoutMs`, which a collector that is away takes whole if it doesn't refuse. */
export function postNow(posts: readonly Post[], timeoutMs: number): number {
  // No limit at all is what 0 means to the system.
  if (!posts.length || timeoutMs < 1 || !NODE.test(basename(process.execPath))) return 0;
  const env: Record<string, string> = { HOOKLINE_DISABLED: "1" };
  for (const name of PASSED_ON) if (process.env[name] !== undefined) env[name] = process.env[name];
  const { stdout } = spawnSync(process.execPath, ["-e", PROGRAM], {
    input: JSON.stringify(posts), env, timeout: Math.ceil(timeoutMs), killSignal: "SIGKILL", encoding: "utf8", windowsHide: true,
    stdio: ["pipe", "pipe", "ignore"],
  });
  return Math.min(posts.length, Number.parseInt(stdout, 10) || 0);
}

/** `last` is called when nothing asynchronous will run any more; `isGone`: whatever happens. */
export function onSuddenEnd(last: (isGone: boolean) => void): void {
  process.on("exit", () => last(true));
  // Signals are the main thread's.
  if (!isMainThread) return;
  for (const signal of SIGNALS) {
    const ended = (): void => {
      // Others ask whether they are the only ones that listen, and end the process themselves if so: we are gone before they look.
      process.removeListener(signal, ended);
      if (process.listenerCount(signal)) return;
      last(false);
      guard("signal", () => process.kill(process.pid, signal));
    };
    // First, since a listener that the host wants once only is gone when it has run.
    process.prependListener(signal, ended);
  }
}
