// Takes what is delivered, in a process of its own, and counts the calls whose record is whole: a hook that records nothing
// would be the fastest. Prints its port, ends with its standard input; `GET /` tells what it has.
import { createServer } from "node:http";
import { gunzipSync } from "node:zlib";
import { ANSWER, ASKED, CHUNKS, STREAMED, TOTAL_TOKENS, WORDS } from "./said.mjs";

const found = { started: 0, whole: 0 };
const asked = new Set();
const pieces = new Map();

function add(event) {
  const { type, requestId } = event;
  if (type === "text:request:started") {
    found.started++;
    if (JSON.stringify(event.messages).includes(ASKED)) asked.add(requestId);
  } else if (type === "text:chunk:content") {
    pieces.set(requestId, [...(pieces.get(requestId) ?? []), ...event.chunks.map((chunk) => chunk.delta)]);
  } else if (type === "text:request:completed" && isWhole(event)) found.whole++;
}

function isWhole({ requestId, streaming, content, usage }) {
  const came = pieces.get(requestId) ?? [];
  pieces.delete(requestId);
  const isSaid = streaming
    ? content === came.join("") && (content === STREAMED ? came.length === CHUNKS : content === WORDS[0])
    : content === ANSWER;
  return asked.delete(requestId) && isSaid && usage?.totalTokens === TOTAL_TOKENS;
}

const server = createServer((request, response) => {
  if (request.method === "GET") {
    response.end(JSON.stringify(found));
    return;
  }
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const raw = Buffer.concat(parts);
    const { events, store } = JSON.parse(request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw);
    for (const event of events) add(event);
    const named = store === undefined ? "" : ',"store":"bench"';
    response.writeHead(200, { "content-type": "application/json" }).end(`{"accepted":${events.length},"duplicates":0,"rejected":[]${named}}`);
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
