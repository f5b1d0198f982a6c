// A dev server: the files of a folder, and what is posted goes on to the application's server. Whoever hangs up here hangs up there.
//   node tanstack-site.mjs folder http://127.0.0.1:3000
import { createReadStream } from "node:fs";
import { createServer, request } from "node:http";
import { basename, join } from "node:path";

const [folder, application] = process.argv.slice(2);
const KINDS = { html: "text/html", js: "text/javascript" };

const server = createServer((asked, response) => {
  if (asked.method !== "POST") {
    const name = basename(new URL(asked.url, "http://localhost").pathname) || "index.html";
    response.setHeader("content-type", KINDS[name.split(".").at(-1)] ?? "text/plain");
    createReadStream(join(folder, name)).on("error", () => response.writeHead(404).end()).pipe(response);
    return;
  }
  const passed = request(application, { method: "POST", headers: asked.headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.on("error", () => response.destroy()).pipe(response);
  });
  response.on("close", () => passed.destroy());
  asked.pipe(passed.on("error", () => response.destroy()));
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => console.log(`http://localhost:${server.address().port}`));
process.once("SIGTERM", () => server.close().closeAllConnections());
