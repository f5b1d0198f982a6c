// Serves the page, the packages it imports, and the way to the provider, whose key stays here.
//   OPENAI_API_KEY=… HOOKLINE_URL=http://127.0.0.1:4319 HOOKLINE_PUBLIC_KEY=hk_pub_… node server.mjs
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { Readable } from "node:stream";

const PROVIDER = process.env.OPENAI_BASE_URL ?? "https://api.openai.com/v1";
const TYPES = { html: "text/html", js: "text/javascript", mjs: "text/javascript", json: "application/json" };
const SETTINGS = { hooklineUrl: process.env.HOOKLINE_URL, hooklineKey: process.env.HOOKLINE_PUBLIC_KEY };
const MODULE = /^\w[\w.\/-]*\.m?js$/;
/** Name in the import map -> folder. */
const PACKAGES = { hookline: new URL("../../", import.meta.url), openai: new URL("../../node_modules/openai/", import.meta.url) };

function sendFile(url, response) {
  const path = fileURLToPath(url);
  createReadStream(path)
    .once("open", () => response.writeHead(200, { "content-type": TYPES[path.split(".").at(-1)] ?? "text/plain" }))
    .once("error", () => response.writeHead(404).end())
    .pipe(response);
}

async function passOn(request, response) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const leaving = new AbortController();
  response.on("close", () => leaving.abort());
  const headers = { "content-type": "application/json", authorization: `Bearer ${process.env.OPENAI_API_KEY ?? "none"}` };
  const answer = await fetch(PROVIDER + request.url.slice("/v1".length), { method: "POST", headers, body: Buffer.concat(parts), signal: leaving.signal });
  response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") });
  Readable.fromWeb(answer.body).on("error", () => response.destroy()).pipe(response);
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  const [, folder, name, ...rest] = pathname.split("/");
  if (request.method === "POST" && folder === "v1") passOn(request, response).catch(() => response.destroy());
  else if (pathname === "/settings.json") response.writeHead(200, { "content-type": TYPES.json }).end(JSON.stringify(SETTINGS));
  else if (folder === "packages" && Object.hasOwn(PACKAGES, name) && MODULE.test(rest.join("/"))) sendFile(new URL(rest.join("/"), PACKAGES[name]), response);
  else if (pathname === "/") sendFile(new URL("index.html", import.meta.url), response);
  else response.writeHead(404).end();
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.once("SIGTERM", () => server.close().closeAllConnections());
