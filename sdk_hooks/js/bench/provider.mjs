// A provider of prepared answers, in a process of its own: prints its port, ends with its standard input.
import { createServer } from "node:http";
import { ANSWERS } from "./said.mjs";

const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const asked = Buffer.concat(parts).toString();
    if (!asked.includes('"stream":true')) {
      const kind = request.url.endsWith("/responses") ? "responses" : "chat";
      response.writeHead(200, { "content-type": "application/json" }).end(ANSWERS[kind]);
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    const kind = request.url.endsWith("/responses") ? "response stream" : asked.includes('"max_tokens":1,') ? "short stream" : "stream";
    for (const frame of ANSWERS[kind]) response.write(frame);
    response.end();
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
