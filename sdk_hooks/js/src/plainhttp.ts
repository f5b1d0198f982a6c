// Say it once when content leaves this machine by plain HTTP. Flow: a POST in Node -> here -> one line in the log.
// Not in pages: their console is a visitor's, who can't mend it, and browsers keep plain HTTP out of https pages by themselves.
import { log } from "./guard.js";

let judged: string | undefined;
let isSaid = false;

/** Once a process. Names the host only: the address may have a password in it. */
export function warnOfPlainHttp(url: string): void {
  if (isSaid || url === judged) return;
  judged = url;
  const { protocol, hostname } = new URL(url);
  if (protocol !== "http:" || isLoopback(hostname)) return;
  isSaid = true;
  log(
    `events and the key go to ${hostname} over plain http, readable for whoever is on the way; ` +
      "set HOOKLINE_URL to an https address (a proxy in front of the collector speaks TLS)",
  );
}

/** Whether it can only be this machine. Of names by their spelling: nobody is asked. `URL` has made it small, and addresses whole. */
function isLoopback(hostname: string): boolean {
  // Not `127.example.com`, which begins like an address.
  return hostname === "localhost" || hostname === "[::1]" || hostname.endsWith(".localhost") || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
